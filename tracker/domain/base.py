"""The one base of every model in the domain."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

Instant = AwareDatetime
"""Always aware; UTC by convention."""


class Model(BaseModel):
    """Frozen; fields that an older or newer release wrote are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


def earlier(instant: datetime, seconds: float) -> datetime:
    """*instant* less *seconds*."""
    return instant - timedelta(seconds=seconds)


def seconds_between(begin: datetime, end: datetime) -> float:
    """Seconds from *begin* to *end*, never negative, to the millisecond."""
    return max(0.0, round((end - begin).total_seconds(), 3))


def later(instant: datetime, seconds: float) -> datetime:
    """*instant* plus *seconds*."""
    return instant + timedelta(seconds=seconds)
