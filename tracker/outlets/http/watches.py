"""Watches: calls that somebody wants looked at on platforms that list none."""

from secrets import token_hex
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tracker.domain.base import Instant, Model
from tracker.domain.key import account_of, make_key, split_key
from tracker.domain.snapshot import CommandPart
from tracker.domain.spelt import Spelt
from tracker.domain.terms import PLATFORMS, RecordingState
from tracker.domain.wanted import Deadline, Name
from tracker.domain.watch import Unwatch, Watch, Watched, WatchState
from tracker.outlets.asking import Asker, Asking, problem_of
from tracker.outlets.http.archives import audited
from tracker.outlets.http.body import (
    BODY_PROBLEMS,
    LOCATION,
    answer_headers,
    parse_body,
)
from tracker.outlets.http.operation import (
    PRINCIPAL,
    Operation,
    json_answer,
    json_model,
)
from tracker.outlets.http.paging import page_of
from tracker.outlets.http.query import FROM_NEXT, PageQuery, parse_query
from tracker.outlets.payload import SERVICES, ProblemError, Services, join_items

PATH: Final = "/v1/watches"
_NONE: Final = "no such watch"
_TOLD: Final = "this platform tells of every call by itself: there is nothing to watch"
_NO_LIVE_CALLS: Final = "this platform shows no live calls: there is nothing to watch"


class WantedWatch(BaseModel):
    """A call to be watched.

    Attributes:
        expected: What somebody else has already asked the platform for.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True
    )

    provider: Annotated[Name, Field(examples=["vonage_cc"])]
    account: Annotated[Name, Field(examples=["acme"])]
    call_id: Annotated[Name, Field(examples=["0c1f2b34-5678"])]
    expected: Literal["recording", "paused"] | None = None
    deadline_s: Deadline = 15.0


class WatchSnapshot(Model):
    """A watch, up to an hour after it is over.

    Attributes:
        key: The call's.
        command: What is expected, as a command of the call, once that is known.
    """

    id: str
    key: str
    provider: str
    account: str
    call_id: str
    state: WatchState
    expected: RecordingState | None
    deadline_s: float
    requested_by: str
    requested_at: Instant
    over_at: Instant | None
    command: CommandPart | None


class WatchQuery(PageQuery):
    """Which page of the watches."""

    after: Annotated[str, Spelt(r"^[0-9a-f]{32}$", FROM_NEXT)] | None = None


class WatchPage(Model):
    """Watches by id.

    Attributes:
        next: The next page's address, relative to this one's.
    """

    items: tuple[WatchSnapshot, ...]
    next: str | None


async def post_watch(request: web.Request) -> web.Response:
    """Have a call watched."""
    services, asker = request.app[SERVICES], Asker.of(request[PRINCIPAL])
    wanted = await parse_body(WantedWatch, request)
    key = make_key(wanted.provider, wanted.account, wanted.call_id)
    watch = Watch(
        id=token_hex(16),
        call=key,
        expected=wanted.expected,
        deadline_s=wanted.deadline_s,
        requested_by=asker.subject,
    )
    with audited(request, "watch", key) as done:
        asking = Asking(services)
        asking.admit(asker)
        _let_in(services, asker, key)
        await asking.watch(watch)
        watched = await services.requests.watch(watch.id, key)
        if watched is None:
            raise ProblemError(409, "the watch was ended at once")
        done.outcome = f"taken as {watch.id}"
    location = answer_headers(f"{PATH}/{watch.id}")
    return json_model(await _snapshot(services, watched), 201, location)


async def list_watches(request: web.Request) -> web.Response:
    """All watches that may be seen."""
    services, asker = request.app[SERVICES], Asker.of(request[PRINCIPAL])
    wanted = parse_query(WatchQuery, request.query)
    watches = await services.requests.watches()
    found = [watched for watched in watches if _sees(services, asker, watched)]
    page, following = page_of(request, found, wanted, lambda watched: watched.id)
    shown = [await _snapshot(services, watched) for watched in page]
    items = (one.model_dump_json().encode() for one in shown)
    return json_answer(join_items(items, next=following))


async def get_watch(request: web.Request) -> web.Response:
    """One watch."""
    watched = await _visible(request)
    return json_model(await _snapshot(request.app[SERVICES], watched))


async def delete_watch(request: web.Request) -> web.Response:
    """End a watch; what is known of its call stays."""
    with audited(request, "unwatch", request.match_info["watch_id"]) as done:
        watched = await _visible(request)
        asking = Asking(request.app[SERVICES])
        if not await asking.watch(Unwatch(id=watched.id, call=watched.call)):
            raise ProblemError(404, _NONE)
        done.outcome = f"ended, of {watched.call}"
    return web.Response(status=204)


def _let_in(services: Services, asker: Asker, key: str) -> None:
    """Refuse calls that are hidden, and calls that are seen without a watch."""
    account = account_of(key)
    if not asker.has_account(account) or not services.knows_account(account):
        raise ProblemError(404, "no such account")
    platform = PLATFORMS.get(split_key(key)[0])
    if platform is None or platform.lists_calls:
        words = _NO_LIVE_CALLS if platform is None or not platform.actions else _TOLD
        raise problem_of(409, "nothing_to_watch", words)
    stored = services.projection.get("call", key)
    if stored is None and asker.knows_calls_by_who_is_on_them:
        raise ProblemError(404, "no such call")
    if stored is not None and not asker.sees(stored.view):
        raise ProblemError(404, "no such call")


def _sees(services: Services, asker: Asker, watched: Watched) -> bool:
    """Its account is theirs, and the watch or its call is."""
    if not asker.has_account(account_of(watched.call)):
        return False
    if not asker.knows_calls_by_who_is_on_them:
        return True
    stored = services.projection.get("call", watched.call)
    mine = watched.requested_by == asker.subject
    return mine or (stored is not None and asker.sees(stored.view))


async def _visible(request: web.Request) -> Watched:
    services, asker = request.app[SERVICES], Asker.of(request[PRINCIPAL])
    watched = await services.requests.watch(request.match_info["watch_id"])
    if watched is None or not _sees(services, asker, watched):
        raise ProblemError(404, _NONE)
    return watched


async def _snapshot(services: Services, watched: Watched) -> WatchSnapshot:
    provider, account, call_id = split_key(watched.call)
    kept = None
    if watched.command is not None:
        kept = await services.requests.command(watched.call, watched.command)
    return WatchSnapshot(
        **watched.model_dump(exclude={"call", "command"}),
        key=watched.call,
        provider=provider,
        account=account,
        call_id=call_id,
        command=kept.command if kept else None,
    )


OPERATIONS: Final = (
    Operation(
        PATH,
        list_watches,
        "Calls that somebody wants looked at",
        WatchPage,
        query=WatchQuery,
        problems=(400,),
        scope="calls:read",
    ),
    Operation(
        PATH,
        post_watch,
        "Have a call watched, on a platform that lists none",
        WatchSnapshot,
        problems=(404, 409, 429, 504, *BODY_PROBLEMS),
        scope="calls:control",
        method="POST",
        body=WantedWatch,
        statuses=(201,),
        tells=(LOCATION,),
    ),
    Operation(
        f"{PATH}/{{watch_id}}",
        get_watch,
        "One watch",
        WatchSnapshot,
        problems=(404,),
        scope="calls:read",
    ),
    Operation(
        f"{PATH}/{{watch_id}}",
        delete_watch,
        "End a watch",
        None,
        problems=(404, 504),
        scope="calls:control",
        method="DELETE",
        statuses=(204,),
    ),
)
