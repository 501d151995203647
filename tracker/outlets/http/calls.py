"""Calls as they are now, and a call's timeline."""

from typing import Final

from aiohttp import web

from tracker.domain.base import Model
from tracker.domain.key import account_of, make_key
from tracker.domain.snapshot import CallSnapshot
from tracker.domain.view import View
from tracker.fanout.filters import Filter, Query
from tracker.outlets.http.operation import (
    PRINCIPAL,
    Operation,
    json_answer,
    json_model,
)
from tracker.outlets.http.paging import page_of
from tracker.outlets.http.query import CallQuery, parse_query
from tracker.outlets.http.timeline import Timeline, timeline
from tracker.outlets.payload import SERVICES, ProblemError, join_items
from tracker.store.outbox import Stored

PATH: Final = "/v1/calls/{provider}/{account}/{call_id}"


class CallPage(Model):
    """Calls by key.

    Attributes:
        cursor: What came after it is in the events since it.
        live: False when this process may be behind: take every state for unknown.
        next: The next page's address, relative to this one's.
    """

    items: tuple[CallSnapshot, ...]
    cursor: str
    live: bool
    next: str | None


async def list_calls(request: web.Request) -> web.Response:
    """The live calls that match."""
    projection = request.app[SERVICES].projection
    wanted = parse_query(CallQuery, request.query)
    query = Query(wanted, request[PRINCIPAL].visibility)
    found = projection.find(query, ended=wanted.ended)
    page, following = page_of(request, found, wanted, lambda each: each.view.key)
    cursor, live = str(projection.cursor), projection.live
    items = (stored.snapshot for stored in page)
    return json_answer(join_items(items, cursor=cursor, live=live, next=following))


async def get_call(request: web.Request) -> web.Response:
    """One call, also one that has ended not long ago."""
    stored = _visible(request)
    if stored is None:
        raise ProblemError(404, "no such call")
    return json_answer(stored.snapshot)


async def get_timeline(request: web.Request) -> web.Response:
    """What was recorded of a call, and what was not."""
    stored = _visible(request)
    if stored is None and not _allowed_unseen(request):
        raise ProblemError(404, "no such call")
    past = await request.app[SERVICES].outbox.past(_key(request))
    if stored is None and not past.intervals:
        raise ProblemError(404, "no such call")
    call = CallSnapshot.model_validate_json(stored.snapshot) if stored else None
    return json_model(timeline(past, call))


def _key(request: web.Request) -> str:
    parts = request.match_info
    return make_key(parts["provider"], parts["account"], parts["call_id"])


def _visible(request: web.Request) -> Stored | None:
    """The call, unless it is hidden from who asks."""
    stored = request.app[SERVICES].projection.get("call", _key(request))
    query = Query(Filter(), request[PRINCIPAL].visibility)
    return stored if stored is not None and query.matches(stored.view) else None


def _allowed_unseen(request: web.Request) -> bool:
    """Whether a call that only its timeline remembers may be shown.

    Nobody knows who was on it: who may see only some agents or teams may not.
    """
    key = _key(request)
    if request.app[SERVICES].projection.get("call", key) is not None:
        return False
    query = Query(Filter(), request[PRINCIPAL].visibility)
    return query.matches(View(key=key, account=account_of(key), ended=True))


OPERATIONS: Final = (
    Operation(
        "/v1/calls",
        list_calls,
        "Calls as they are now",
        CallPage,
        query=CallQuery,
        problems=(400,),
        scope="calls:read",
    ),
    Operation(
        PATH, get_call, "One call", CallSnapshot, problems=(404,), scope="calls:read"
    ),
    Operation(
        f"{PATH}/timeline",
        get_timeline,
        "When a call was recorded, paused, stopped and unknown",
        Timeline,
        problems=(404,),
        scope="calls:read",
    ),
)
