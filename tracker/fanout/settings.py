"""Settings of the serving side's memory."""

from pydantic import BaseModel, ConfigDict, Field


class FanoutSettings(BaseModel):
    """How much is remembered for resumes, and when it is no longer live."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ring_entries: int = Field(default=20_000, gt=0)
    """Recent outbox entries kept in memory, read back at the start; older ones are read
    from the store."""
    live_grace_s: float = Field(default=10.0, gt=0)
    """A keeper further behind, or silent for longer, is not live."""
    page_bytes: int = Field(default=256 * 1024, gt=0)
    """Of events in one page of a replay, about."""
    read_entries: int = Field(default=500, gt=0)
    """Outbox entries of one read of a replay."""
    parallel_reads: int = Field(default=4, gt=0)
    """Replays that may read from the store at the same time."""
    behind_s: float = Field(default=5.0, gt=0)
    """How long a resume waits for this process to reach the subscriber's cursor."""
    retry_max_s: float = Field(default=5.0, gt=0)
    """The longest pause before a lost tail is begun again."""
