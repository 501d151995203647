"""Settings of the webhooks: section ``[webhooks]``."""

from pydantic import BaseModel, ConfigDict, Field

_DAY_S = 24 * 3600.0


class WebhookSettings(BaseModel):
    """What endpoints may be, and how much is kept for them.

    Attributes:
        allow_loopback: Endpoints on this machine, also over plain http; for trying
            things.
        trust_env: Send through the proxies that the environment names; whoever runs
            them must keep them from private addresses.
        timeout_s: Of one attempt, from its beginning to the end of the answer.
        concurrency: Attempts at the same time, of one endpoint in one process.
        max_attempts: Likewise, of all endpoints.
        max_owed: Deliveries owed to one endpoint; beyond it the oldest are dropped.
        owed_for_s: Older ones are dropped too.
        max_held: Later events of an entity that one failing delivery holds back;
            beyond it that delivery is given up.
        max_logged: Deliveries of one endpoint that are remembered when they are over.
        logged_for_s: For how long.
        disable_after_s: An endpoint that takes nothing for so long is disabled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_loopback: bool = False
    trust_env: bool = False
    timeout_s: float = Field(default=15, gt=0, le=60)
    concurrency: int = Field(default=32, ge=1, le=1000)
    max_attempts: int = Field(default=256, ge=1, le=10_000)
    max_owed: int = Field(default=200_000, ge=1000)
    owed_for_s: float = Field(default=5 * _DAY_S, ge=60)
    max_held: int = Field(default=1000, ge=1)
    max_logged: int = Field(default=100_000, ge=1000)
    logged_for_s: float = Field(default=7 * _DAY_S, ge=60)
    disable_after_s: float = Field(default=5 * _DAY_S, ge=60)
