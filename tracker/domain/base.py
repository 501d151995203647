"""The bases of the domain's forms: those that are public, and those that are kept."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from msgspec import Meta, Struct
from msgspec.structs import replace
from pydantic import AwareDatetime, BaseModel, ConfigDict

Instant = Annotated[datetime, AwareDatetime, Meta(tz=True)]
"""Always aware; UTC by convention."""


class Model(BaseModel):
    """A public form, checked whenever it is made; frozen.

    Fields that an older or newer release wrote are ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def but(self, **changes: object) -> Self:
        """The same with *changes*, unchecked."""
        return self.model_copy(update=changes)


class Record(Struct, frozen=True, omit_defaults=True, gc=False):
    """What tracker keeps of calls, and what enters and leaves by the store; frozen.

    Checked when it is read from the store, not when tracker makes it: `decide` and
    the store's codec spend their time on these. What has its default is not written,
    and fields that an older or newer release wrote are ignored.
    """

    def but(self, **changes: object) -> Self:
        """The same with *changes*; the rest is shared, as it is frozen."""
        return replace(self, **changes)


class Message(Record, frozen=True, tag_field="kind"):
    """A `Record` that says which kind it is, as its ``kind``."""


def earlier(instant: datetime, seconds: float) -> datetime:
    """*instant* less *seconds*, to the millisecond."""
    return instant - timedelta(milliseconds=round(seconds * 1000))


def later(instant: datetime, seconds: float) -> datetime:
    """*instant* plus *seconds*, to the millisecond."""
    return earlier(instant, -seconds)


def seconds_between(begin: datetime, end: datetime) -> float:
    """Seconds from *begin* to *end*, never negative, to the millisecond."""
    return max(0.0, round((end - begin).total_seconds(), 3))
