"""Events since a cursor, for those who ask instead of listening."""

from contextlib import aclosing
from typing import Final, NamedTuple

from aiohttp import web

from tracker.domain.base import Model
from tracker.domain.event import Event
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Chosen, Query, Verdict
from tracker.fanout.replay import Replay
from tracker.outlets.http.operation import PRINCIPAL, Operation, json_answer
from tracker.outlets.http.query import EventQuery, parse_query
from tracker.outlets.payload import SERVICES, join_items

MAX_PAGES: Final = 20
"""Of a replay, for one answer: a filter that little matches is answered in parts."""


class Removed(Model):
    """An entity that no longer matches, as of a version; of what it is now, nothing."""

    key: str
    version: int


class EventPage(Model):
    """Events in the order of each entity's versions.

    Attributes:
        cursor: To ask on from, now or later.
        live: False when this process may be behind.
        next: The next page's address, relative to this one's; None = nothing newer
            was there.
    """

    items: tuple[Event, ...]
    removed: tuple[Removed, ...]
    cursor: str
    live: bool
    next: str | None


class _Batch(NamedTuple):
    found: list[Chosen]
    cursor: Cursor
    last: bool


async def list_events(request: web.Request) -> web.Response:
    """What happened since a cursor."""
    services = request.app[SERVICES]
    wanted = parse_query(EventQuery, request.query)
    if wanted.since is None:
        batch = _Batch([], services.projection.cursor, last=True)
    else:
        cursor = Cursor.parse(wanted.since)
        await services.replay.check(cursor)
        query = Query(wanted, request[PRINCIPAL].visibility)
        batch = await _collect(services.replay, query, cursor, wanted.limit)
    following = str(request.rel_url.update_query(since=str(batch.cursor)))
    items = [event.body for event, is_ in batch.found if is_ is Verdict.EVENT]
    removed = [
        {"key": event.key, "version": event.version}
        for event, is_ in batch.found
        if is_ is Verdict.REMOVED
    ]
    return json_answer(
        join_items(
            items,
            removed=removed,
            cursor=str(batch.cursor),
            live=services.projection.live,
            next=None if batch.last else following,
        )
    )


async def _collect(replay: Replay, query: Query, cursor: Cursor, limit: int) -> _Batch:
    """At most *limit* of what *query* wants after *cursor*, and how far that is."""
    found: list[Chosen] = []
    count = 0
    async with aclosing(replay.pages(query, cursor)) as pages:
        async for page in pages:
            count += 1
            taken = page.events[: limit - len(found)]
            found += taken
            if len(taken) < len(page.events):
                for event, _ in taken:
                    cursor = cursor.advance(event.position)
                return _Batch(found, cursor, last=False)
            cursor = page.cursor
            if page.last or count == MAX_PAGES:
                return _Batch(found, cursor, page.last)
    raise AssertionError("a replay ends with its last page")


OPERATIONS: Final = (
    Operation(
        "/v1/events",
        list_events,
        "What happened since a cursor",
        EventPage,
        query=EventQuery,
        problems=(400, 410),
        scope="calls:read",
    ),
)
