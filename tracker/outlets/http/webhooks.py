"""Webhook endpoints: who is told of what, made, changed and removed."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tracker.domain.base import Instant, Model
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Filter, Visibility
from tracker.outlets.auth import Principal
from tracker.outlets.egress import EgressRefusedError
from tracker.outlets.endpoint import (
    MAX_ENDPOINTS,
    MAX_SECRETS,
    Description,
    Disabled,
    Endpoint,
    Rate,
    Secret,
    Url,
    new_endpoint_id,
    new_secret,
)
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
from tracker.outlets.http.query import PageQuery, parse_query
from tracker.outlets.payload import (
    SERVICES,
    Extra,
    Fault,
    ProblemError,
    Webhooks,
    audit,
    join_items,
)
from tracker.store.deliveries import Summary

PATH: Final = "/v1/webhooks"
ONE: Final = f"{PATH}/{{endpoint_id}}"
SCOPE: Final = "webhooks:manage"

LOOK_UP_S: Final = 5.0
DAY_S: Final = 24 * 3600.0

_NONE: Final = "no such endpoint"
_MODEL: Final = ConfigDict(
    frozen=True, extra="forbid", strict=True, hide_input_in_errors=True
)

State = Literal["enabled", "disabled"]


class WantedEndpoint(BaseModel):
    """An endpoint that is to be.

    Attributes:
        url: Where events are sent; https.
        filter: Which ones, as on the stream.
        rate_per_s: Requests a second at most; null = as fast as it takes them.
        since: A cursor: its events begin behind it; null = now.
    """

    model_config = _MODEL

    url: Annotated[Url, Field(examples=["https://example.com/hook"])]
    description: Description = ""
    filter: Filter = Filter()
    rate_per_s: Rate | None = None
    since: str | None = None


class ChangedEndpoint(BaseModel):
    """What is to be otherwise; what is not named stays."""

    model_config = _MODEL

    url: Url | None = None
    description: Description | None = None
    filter: Filter | None = None
    rate_per_s: Rate | None = None
    state: State | None = None


class Rotation(BaseModel):
    """A new secret.

    Attributes:
        overlap_s: For so long the old one signs as well.
    """

    model_config = _MODEL

    overlap_s: Annotated[float, Field(ge=0, le=7 * DAY_S)] = DAY_S


class EndpointSnapshot(Model):
    """An endpoint, and how it goes with it.

    Attributes:
        state: Of one that is disabled, *disabled* says why.
        since: The cursor behind which its events begin.
        owed: How many deliveries are, and the oldest of them since *oldest_owed_at*.
        succeeded, failed: Attempts of the last day.
        old_secrets_until: When only the newest secret signs; null = so it is.
    """

    id: str
    url: str
    description: str
    filter: Filter
    rate_per_s: float | None
    state: State
    disabled: Disabled | None
    created_by: str
    created_at: Instant
    since: str
    old_secrets_until: Instant | None
    owed: int
    oldest_owed_at: Instant | None
    succeeded: int
    failed: int
    version: int


class EndpointWithSecret(EndpointSnapshot):
    """An endpoint, and its new secret, which is not shown again."""

    secret: str


class EndpointPage(Model):
    """Endpoints by id.

    Attributes:
        next: The next page's address, relative to this one's.
    """

    items: tuple[EndpointSnapshot, ...]
    next: str | None


class Managing:
    """What one caller does with endpoints.

    Args:
        request: Theirs; it has a principal.
    """

    def __init__(self, request: web.Request) -> None:
        self._services = request.app[SERVICES]
        self.principal: Principal = request[PRINCIPAL]
        self.id = request.match_info.get("endpoint_id", "")

    @property
    def webhooks(self) -> Webhooks:
        """Of this process.

        Raises:
            ProblemError: 503, there are none.
        """
        if self._services.webhooks is None:
            raise ProblemError(503, "this process manages no webhooks")
        return self._services.webhooks

    def may(self, endpoint: Endpoint) -> bool:
        """It is theirs, or they may see everything that it is told."""
        if endpoint.created_by == self.principal.subject:
            return True
        seen, told = self.principal.visibility, endpoint.visible
        if seen.kinds is not None and not (told.kinds or {None}) <= seen.kinds:
            return False
        return seen.but(kinds=None) == Visibility()

    async def endpoint(self) -> Endpoint:
        """The one that the path names.

        Raises:
            ProblemError: 404, it is not there, or hidden.
        """
        return self._mine(await self.webhooks.endpoints.get(self.id))

    async def change(self, into: Callable[[Endpoint], Endpoint | None]) -> Endpoint:
        """Put *into*'s answer in its place; None = remove it.

        Returns:
            As it is now, or was.

        Raises:
            ProblemError: 404; or what *into* raised.
        """
        last: list[Endpoint] = []

        def swap(raw: bytes | None) -> bytes | None:
            known = self._mine(raw)
            after = into(known)
            last.append(after or known)
            return None if after is None else after.model_dump_json().encode()

        await self.webhooks.endpoints.change(self.id, swap)
        return last[-1]

    async def vet(self, url: str) -> None:
        """See that *url* can be sent to now.

        Raises:
            ProblemError: 400.
        """
        try:
            async with asyncio.timeout(LOOK_UP_S):
                await self.webhooks.guard.vet(url)
        except EgressRefusedError as error:
            raise _wrong("url", str(error)) from error
        except TimeoutError as error:
            raise _wrong("url", "its host could not be looked up in time") from error

    def cursor(self, text: str, name: str) -> Cursor:
        """The cursor written as *text*.

        Raises:
            ProblemError: 400 when it is none, 410 when it is of another store.
        """
        try:
            cursor = Cursor.parse(text)
        except ValueError as error:
            raise _wrong(name, str(error)) from error
        now = self._services.projection.cursor
        if cursor.epoch != now.epoch or len(cursor.places) != len(now.places):
            raise ProblemError(410, f"{name}: the cursor is of another store")
        return cursor

    async def begin(self, since: str | None) -> Cursor:
        """Where events begin, which can be replayed from there.

        Raises:
            ProblemError: 400, 410.
            PositionLostError: What comes next is gone.
        """
        if since is None:
            return self._services.projection.cursor
        cursor = self.cursor(since, "since")
        await self._services.replay.check(cursor)
        return cursor

    def audit(self, what: str, outcome: str) -> None:
        """Write down what was done."""
        audit(self.principal.subject, f"webhook {what}", self.id, outcome)

    def _mine(self, raw: bytes | None) -> Endpoint:
        endpoint = None if raw is None else Endpoint.model_validate_json(raw)
        if endpoint is None or not self.may(endpoint):
            raise ProblemError(404, _NONE)
        return endpoint


async def post_endpoint(request: web.Request) -> web.Response:
    """Make an endpoint."""
    managing = Managing(request)
    wanted = await parse_body(WantedEndpoint, request)
    await managing.vet(wanted.url)
    since = await managing.begin(wanted.since)
    endpoints = managing.webhooks.endpoints
    if len((await endpoints.known()).endpoints) >= MAX_ENDPOINTS:
        raise ProblemError(409, f"there are {MAX_ENDPOINTS} endpoints already")
    secret = new_secret()
    endpoint = Endpoint(
        **wanted.model_dump(exclude={"since", "filter"}),
        id=new_endpoint_id(),
        filter=wanted.filter,
        visible=managing.principal.visibility,
        created_by=managing.principal.subject,
        created_at=datetime.now(UTC),
        since=str(since),
        secrets=(secret,),
    )
    raw = endpoint.model_dump_json().encode()
    await endpoints.change(endpoint.id, lambda _: raw)
    managing.id = endpoint.id
    managing.audit("add", "done")
    location = answer_headers(f"{PATH}/{endpoint.id}")
    return await _with_secret(managing, endpoint, secret, 201, location)


async def list_endpoints(request: web.Request) -> web.Response:
    """All endpoints that the caller may manage."""
    managing = Managing(request)
    wanted = parse_query(PageQuery, request.query)
    known = await managing.webhooks.endpoints.known()
    parsed = map(Endpoint.model_validate_json, known.endpoints.values())
    found = sorted(filter(managing.may, parsed), key=lambda endpoint: endpoint.id)
    begin = bisect_right(found, wanted.after or "", key=lambda endpoint: endpoint.id)
    page = found[begin : begin + wanted.limit]
    more = begin + wanted.limit < len(found)
    query = {"after": page[-1].id} if more else {}
    following = str(request.rel_url.update_query(query)) if more else None
    items = [await _snapshot(managing, endpoint) for endpoint in page]
    raws = (one.model_dump_json().encode() for one in items)
    return json_answer(join_items(raws, next=following))


async def get_endpoint(request: web.Request) -> web.Response:
    """One endpoint."""
    managing = Managing(request)
    return json_model(await _snapshot(managing, await managing.endpoint()))


async def patch_endpoint(request: web.Request) -> web.Response:
    """Change an endpoint; its creator's own change goes by what they may see now."""
    managing = Managing(request)
    await managing.endpoint()
    wanted = await parse_body(ChangedEndpoint, request)
    if wanted.url is not None:
        await managing.vet(wanted.url)
    changes = _changes(wanted)

    def into(endpoint: Endpoint) -> Endpoint:
        more: dict[str, Any] = dict(changes)
        if endpoint.created_by == managing.principal.subject:
            more["visible"] = managing.principal.visibility
        if wanted.state == "disabled" and endpoint.disabled is None:
            by, at = managing.principal.subject, datetime.now(UTC)
            more["disabled"] = Disabled(at=at, why="asked", by=by)
        elif wanted.state == "enabled":
            more["disabled"] = None
        return endpoint.changed(**more)

    endpoint = await managing.change(into)
    if wanted.state == "enabled":
        await managing.webhooks.endpoints.recovered(endpoint.id)
    managing.audit("change", "done")
    return json_model(await _snapshot(managing, endpoint))


async def delete_endpoint(request: web.Request) -> web.Response:
    """Remove an endpoint, and what it is owed."""
    managing = Managing(request)
    await managing.change(lambda _: None)
    await managing.webhooks.endpoints.recovered(managing.id)
    managing.audit("delete", "done")
    return web.Response(status=204)


async def rotate_secret(request: web.Request) -> web.Response:
    """Give an endpoint a new secret; the old one signs for a while, too."""
    managing = Managing(request)
    await managing.endpoint()
    wanted = await parse_body(Rotation, request)
    secret, now = new_secret(), datetime.now(UTC)
    until = now + timedelta(seconds=wanted.overlap_s)

    def into(endpoint: Endpoint) -> Endpoint:
        old = [
            each if each.until and each.until < until else each.but(until=until)
            for each in endpoint.secrets
            if each.until is None or each.until > now
        ]
        kept = [each for each in old if each.until and each.until > now]
        return endpoint.changed(secrets=(secret, *kept)[:MAX_SECRETS])

    endpoint = await managing.change(into)
    managing.audit("rotate", "done")
    return await _with_secret(managing, endpoint, secret)


def _changes(wanted: ChangedEndpoint) -> dict[str, Any]:
    """What is named; only a rate can be unset."""
    named = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    named.pop("state", None)
    for name, value in named.items():
        if value is None and name != "rate_per_s":
            raise _wrong(name, "it cannot be null")
    return named


def _wrong(name: str, detail: str) -> ProblemError:
    faults = (Fault(field=name, detail=detail),)
    return ProblemError(400, f"{name}: {detail}", extra=Extra(errors=faults))


async def _with_secret(
    managing: Managing,
    endpoint: Endpoint,
    secret: Secret,
    status: int = 200,
    more: dict[str, str] | None = None,
) -> web.Response:
    snapshot = await _snapshot(managing, endpoint)
    shown = EndpointWithSecret(**snapshot.model_dump(), secret=secret.value)
    return json_model(shown, status, more)


async def _snapshot(managing: Managing, endpoint: Endpoint) -> EndpointSnapshot:
    told: Summary = await managing.webhooks.deliveries.summary(endpoint.id)
    now = datetime.now(UTC)
    old = [each.until for each in endpoint.secrets if each.until and each.until > now]
    public = ("id", "url", "description", "filter", "rate_per_s", "disabled")
    rest = ("created_by", "created_at", "since", "version")
    return EndpointSnapshot(
        **{name: getattr(endpoint, name) for name in (*public, *rest)},
        state="enabled" if endpoint.disabled is None else "disabled",
        old_secrets_until=max(old, default=None),
        owed=told.owed,
        oldest_owed_at=told.oldest_at,
        succeeded=told.succeeded,
        failed=told.failed,
    )


OPERATIONS: Final = (
    Operation(
        PATH,
        list_endpoints,
        "Webhook endpoints",
        EndpointPage,
        query=PageQuery,
        problems=(400,),
        scope=SCOPE,
    ),
    Operation(
        PATH,
        post_endpoint,
        "Have events sent to an address",
        EndpointWithSecret,
        problems=(409, 410, *BODY_PROBLEMS),
        scope=SCOPE,
        method="POST",
        body=WantedEndpoint,
        statuses=(201,),
        tells=(LOCATION,),
    ),
    Operation(
        ONE,
        get_endpoint,
        "One webhook endpoint",
        EndpointSnapshot,
        problems=(404,),
        scope=SCOPE,
    ),
    Operation(
        ONE,
        patch_endpoint,
        "Change, disable or enable a webhook endpoint",
        EndpointSnapshot,
        problems=(404, *BODY_PROBLEMS),
        scope=SCOPE,
        method="PATCH",
        body=ChangedEndpoint,
    ),
    Operation(
        ONE,
        delete_endpoint,
        "Remove a webhook endpoint",
        None,
        problems=(404,),
        scope=SCOPE,
        method="DELETE",
        statuses=(204,),
    ),
    Operation(
        f"{ONE}/rotate",
        rotate_secret,
        "Give a webhook endpoint a new secret",
        EndpointWithSecret,
        problems=(404, *BODY_PROBLEMS),
        scope=SCOPE,
        method="POST",
        body=Rotation,
    ),
)
