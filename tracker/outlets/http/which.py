"""Which stored recordings: the same words in a query and in a body."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from tracker.domain.archive import Direction, MediaKind, MediaQuery, Order
from tracker.domain.spelt import Spelt
from tracker.outlets.http.listing import CURSOR
from tracker.outlets.http.query import FROM_NEXT

MAX_DURATION_S: Final = 10_000_000

_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)"
)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


def _written_out(text: object) -> object:
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        message = "write RFC 3339, as 2026-11-21T09:00:00Z (in an address, + as %2B)"
        raise ValueError(message)
    return text


def _storable(instant: datetime) -> datetime:
    """In UTC, between times in which anything can have been recorded."""
    bounded = min(max(instant, _EARLIEST), _LATEST)
    return bounded.astimezone(UTC)


Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
When = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_written_out),
    AfterValidator(_storable),
]
Seconds = Annotated[float, Field(ge=0, le=MAX_DURATION_S, allow_inf_nan=False)]


class Which(BaseModel):
    """Which recordings; between fields *and*.

    Attributes:
        account: Its name, or ``provider/account``.
        call: A call id of the platform.
        agent: An extension, or the user whose recordings are wanted.
        from_at, to_at: Of the start, inclusive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    provider: Name | None = None
    account: Name | None = None
    kind: MediaKind | None = None
    call: Name | None = None
    agent: Name | None = None
    direction: Direction | None = None
    caller_id: Name | None = None
    cnam: Name | None = None
    dnis: Name | None = None
    from_at: When | None = Field(default=None, alias="from")
    to_at: When | None = Field(default=None, alias="to")
    min_duration_s: Seconds | None = None
    max_duration_s: Seconds | None = None
    order: Order = "start:desc"

    def query(self) -> MediaQuery:
        """What an archive is asked for."""
        known = MediaQuery.model_fields.keys() & Which.model_fields.keys()
        return MediaQuery(
            **self.model_dump(include=set(known)),
            min_duration_ms=_ms(self.min_duration_s),
            max_duration_ms=_ms(self.max_duration_s),
        )


class RecordingQuery(Which):
    """A page of them."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Items of a page.")] = 100
    after: (
        Annotated[
            str,
            Spelt(CURSOR, FROM_NEXT),
            Field(description="From `next` of a page of the same listing."),
        ]
        | None
    ) = None


class WantedExport(Which):
    """What is to be prepared for a bulk download, an export for every account."""

    model_config = ConfigDict(strict=True)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
