"""The one base of every model in the domain."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

Instant = AwareDatetime
"""Always aware; UTC by convention."""


class Model(BaseModel):
    """Frozen; fields that an older or newer release wrote are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def but(self, **changes: object) -> Self:
        """The same with *changes*, unchecked; the rest is shared, as it is frozen.

        ``model_copy`` in half the time: `decide` spends most of its own on this.
        """
        new = object.__new__(type(self))
        put = object.__setattr__
        put(new, "__dict__", self.__dict__ | changes)
        put(new, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        put(new, "__pydantic_extra__", None)
        put(new, "__pydantic_private__", None)
        return new


def earlier(instant: datetime, seconds: float) -> datetime:
    """*instant* less *seconds*, to the millisecond."""
    return instant - timedelta(milliseconds=round(seconds * 1000))


def later(instant: datetime, seconds: float) -> datetime:
    """*instant* plus *seconds*, to the millisecond."""
    return earlier(instant, -seconds)


def seconds_between(begin: datetime, end: datetime) -> float:
    """Seconds from *begin* to *end*, never negative, to the millisecond."""
    return max(0.0, round((end - begin).total_seconds(), 3))
