"""The keepers' settings: section ``[keep]``."""

from pydantic import BaseModel, ConfigDict, Field

from tracker.domain.changes import Policy

_HOUR_S = 3600.0


class KeepSettings(BaseModel):
    """When something needs attention, and when it may be forgotten.

    Attributes:
        not_recording_after_s: After the answer of a call that should be recorded.
        paused_long_after_s: Of one pause.
        lost_after_s: Without any source that sees the call, it ends as lost.
        ended_for_s: How long an ended call is still shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    not_recording_after_s: float = Field(default=5, ge=0)
    paused_long_after_s: float = Field(default=120, ge=0)
    lost_after_s: float = Field(default=4 * _HOUR_S, ge=60)
    ended_for_s: float = Field(default=_HOUR_S, ge=60)

    @property
    def policy(self) -> Policy:
        """As the domain takes it."""
        return Policy(**self.model_dump())
