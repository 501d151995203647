"""What is asked of Vonage Business: the filters that it has, and the ones it hasn't."""

from datetime import UTC, datetime, timedelta
from typing import Final

from tracker.domain.archive import MediaQuery
from tracker.providers.vonage_business.normalise import DIRECTIONS
from tracker.providers.vonage_business.places import Shelf
from tracker.providers.vonage_business.wire import Recording

SECOND: Final = timedelta(seconds=1)

_DIRECTION: Final = {ours: theirs for theirs, ours in DIRECTIONS.items()}

Filters = dict[str, str | int]
"""By the platform's names, for a query or an export's body."""


def wanted(query: MediaQuery, shelf: Shelf) -> bool:
    """Whether a shelf may hold what is asked for."""
    return query.kind in (None, shelf.kind)


def filters(query: MediaQuery, shelf: Shelf) -> Filters:
    """All but the bounds of the start, which `fits` makes exact, and the order."""
    is_owner = query.agent is not None and query.agent == shelf.user
    asked: dict[str, str | int | None] = {
        "call_direction": query.direction and _DIRECTION[query.direction],
        "call_id": query.call,
        "caller_id": query.caller_id,
        "cnam": query.cnam,
        "dnis": query.dnis,
        "duration:gte": query.min_duration_ms,
        "duration:lte": query.max_duration_ms,
        "extension": None if is_owner else query.agent,
    }
    return {name: value for name, value in asked.items() if value is not None}


def bounds(from_at: datetime | None, to_at: datetime | None) -> Filters:
    """Of the start, to the second: at least what lies between them."""
    told: Filters = {}
    if from_at is not None:
        told["start:gte"] = date(whole(from_at))
    if to_at is not None:
        told["start:lte"] = date(whole_after(to_at))
    return told


def fits(query: MediaQuery, recording: Recording) -> bool:
    """Whether its start lies where it should."""
    start = recording.start
    return (query.from_at is None or start >= query.from_at) and (
        query.to_at is None or start <= query.to_at
    )


def whole(at: datetime) -> datetime:
    """The second that has begun."""
    return at.replace(microsecond=0)


def whole_after(at: datetime) -> datetime:
    """The next second, unless it is one."""
    return whole(at) if at.microsecond == 0 else whole(at) + SECOND


def date(at: datetime) -> str:
    """As the platform writes it: ``2019-01-01T00:00:00+0000``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S%z")
