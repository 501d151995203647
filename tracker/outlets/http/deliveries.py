"""What became of an endpoint's deliveries; tests, repetitions and replays of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Final
from zlib import crc32

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import to_json

from tracker.domain.base import Model
from tracker.domain.delivery import Delivery, DeliveryStatus, Owed
from tracker.domain.spelt import Spelt
from tracker.errors import PositionLostError
from tracker.fanout.cursor import Cursor, Place, Position
from tracker.fanout.events import expand
from tracker.outlets.endpoint import MAX_REPLAYS, Endpoint, Replay
from tracker.outlets.http.body import BODY_PROBLEMS, parse_body
from tracker.outlets.http.managing import ONE, SCOPE, Managing
from tracker.outlets.http.operation import (
    Operation,
    json_answer,
    json_model,
)
from tracker.outlets.http.query import FROM_NEXT, Limit, parse_query
from tracker.outlets.payload import SERVICES, ProblemError, Services, join_items
from tracker.store.deliveries import Spot, Wanted
from tracker.store.endpoints import Wish

TEST_TYPE: Final = "tracker.webhook.test"

_GONE: Final = "this event can no longer be had: replay, or take a snapshot"
_OWED: Final = "owed"
_OVER: Final = "over"
_PARTS: Final = [_OWED, _OVER]


class DeliveryQuery(BaseModel):
    """Which deliveries."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    status: DeliveryStatus | None = None
    event: Annotated[str | None, Field(description="An event's id.")] = None
    type: Annotated[str | None, Field(description="Of the events.")] = None
    entity: Annotated[str | None, Field(description="A key.")] = None
    from_: Annotated[
        AwareDatetime | None,
        Field(alias="from", description="Over, or owed, then or later."),
    ] = None
    to: Annotated[
        AwareDatetime | None, Field(description="Over, or owed, then or earlier.")
    ] = None
    limit: Limit = 100
    after: (
        Annotated[str, Spelt(r"^(owed|over):\d{1,15}-\d{1,4}-\d{1,18}$", FROM_NEXT)]
        | None
    ) = None


class DeliveryPage(Model):
    """Those that are owed, newest first; then those that are over, likewise.

    Attributes:
        next: The next page's address, relative to this one's.
    """

    items: tuple[Delivery, ...]
    next: str | None


class WantedReplay(BaseModel):
    """Events to be delivered again.

    Attributes:
        since: A cursor: those after it; or
        from: a time: those from then on.
        until: A cursor: up to it; null = up to now.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: str | None = None
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: str | None = None


async def list_deliveries(request: web.Request) -> web.Response:
    """What is owed, and what is over, newest first."""
    managing = Managing(request)
    endpoint = await managing.endpoint()
    wanted = parse_query(DeliveryQuery, request.query)
    part, _, spot = (wanted.after or "").partition(":")
    parts = [_OWED] if wanted.status == "owed" else [_OVER] if wanted.status else _PARTS
    items: list[Delivery] = []
    following = None
    for one in parts[parts.index(part) if part in parts else 0 :]:
        behind = Spot.parse(spot) if spot and one == part else None
        left, times = wanted.limit - len(items), (_ms(wanted.from_), _ms(wanted.to))
        found = await managing.webhooks.deliveries.list(
            Wanted(endpoint.id, left, behind, *times),
            _matching(wanted),
            owed=one == _OWED,
        )
        over = {(each.event, each.owed_at) for each in found.items}  # by now
        items = [each for each in items if (each.event, each.owed_at) not in over]
        items += found.items
        if found.behind is not None:
            following = f"{one}:{found.behind}"
            break
    next_ = following and str(request.rel_url.update_query(after=following))
    raws = (item.model_dump_json().encode() for item in items)
    return json_answer(join_items(raws, next=next_))


async def post_test(request: web.Request) -> web.Response:
    """Send an event that is none."""
    managing, services = Managing(request), request.app[SERVICES]
    endpoint = await managing.endpoint()
    event = f"test-{token_hex(12)}"
    owed = Owed(event, TEST_TYPE, endpoint.key, None, _now_ms())
    body = _test_event(endpoint, event).decode()
    partition = crc32(event.encode()) % services.outbox.partitions
    wish = Wish(endpoint=endpoint.id, partition=partition, delivery=owed, body=body)
    await managing.webhooks.endpoints.wish([wish])
    managing.audit("test", "asked")
    return json_model(owed.delivery(), 202)


async def post_resend(request: web.Request) -> web.Response:
    """Deliver an event once more, or at once."""
    managing = Managing(request)
    endpoint, event = await managing.endpoint(), request.match_info["event_id"]
    wish = await _wish(managing, request.app[SERVICES], endpoint, event)
    await managing.webhooks.endpoints.wish([wish])
    managing.audit("resend", "asked")
    return json_model(wish.delivery.delivery(), 202)


async def post_replay(request: web.Request) -> web.Response:
    """Deliver again what happened since a cursor or a time."""
    managing, services = Managing(request), request.app[SERVICES]
    await managing.endpoint()
    wanted = await parse_body(WantedReplay, request)
    if (wanted.since is None) == (wanted.from_ is None):
        raise ProblemError(400, "give a cursor, since, or a time, from")
    if wanted.from_ is not None:
        since = await _cursor_at(services, wanted.from_)
    else:
        since = await managing.begin(wanted.since)
    now = services.projection.cursor
    until = now if wanted.until is None else managing.cursor(wanted.until, "until")
    places = tuple(map(min, until.places, now.places))
    replay = Replay(
        id=f"rp_{token_hex(8)}",
        since=str(since),
        until=str(until._replace(places=places)),
        asked_at=datetime.now(UTC),
    )
    await managing.change(
        lambda known: known.changed(replays=(replay, *known.replays)[:MAX_REPLAYS])
    )
    managing.audit("replay", "asked")
    return json_model(replay, 202)


def _matching(wanted: DeliveryQuery) -> Callable[[Delivery], bool]:
    names = ("status", "event", "type", "entity")
    named = [(n, v) for n in names if (v := getattr(wanted, n)) is not None]
    return lambda one: all(getattr(one, name) == value for name, value in named)


async def _wish(
    managing: Managing, services: Services, endpoint: Endpoint, event: str
) -> Wish:
    """What has *event* delivered again.

    Raises:
        ProblemError: 404, it was never owed; 410, it cannot be had.
    """
    owing = await managing.webhooks.deliveries.owed(endpoint.id, event)
    if owing is not None:
        partition, owed = owing
        return Wish(endpoint=endpoint.id, partition=partition, delivery=owed)
    try:
        position = Position.parse(event)
        delivery, body = await managing.webhooks.deliveries.over(
            endpoint.id, position.partition, event
        )
    except (ValueError, LookupError) as error:
        raise ProblemError(404, "no such delivery") from error
    text = await _body(services, position) if body is None else body
    return Wish(
        endpoint=endpoint.id,
        partition=position.partition,
        delivery=Owed(
            event, delivery.type, delivery.entity, delivery.previous, _now_ms()
        ),
        body=text.decode(),
    )


async def _body(services: Services, position: Position) -> bytes:
    """The event at *position*, from its outbox."""
    if position.epoch != services.outbox.epoch:
        raise ProblemError(410, _GONE)
    try:
        tailed = await services.outbox.entry(
            position.partition, position.place.stream_id
        )
    except PositionLostError as error:
        raise ProblemError(410, _GONE) from error
    events = expand(tailed, position.epoch)
    return next(event.body for event in events if event.position == position)


async def _cursor_at(services: Services, at: datetime) -> Cursor:
    """The cursor as it was then."""
    outbox, at_ms = services.outbox, max(0, _ms(at) or 0)
    ids = [await outbox.until(n, at_ms) for n in range(outbox.partitions)]
    return Cursor(outbox.epoch, tuple(map(Place.parse, ids)))


def _test_event(endpoint: Endpoint, event: str) -> bytes:
    now = datetime.now(UTC)
    return to_json(
        {
            "specversion": "1.0",
            "id": event,
            "source": f"/{endpoint.key}",
            "type": TEST_TYPE,
            "subject": endpoint.key,
            "time": now,
            "datacontenttype": "application/json",
            "data": {"endpoint": endpoint.id, "description": endpoint.description},
        }
    )


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else round(instant.timestamp() * 1000)


def _now_ms() -> int:
    return _ms(datetime.now(UTC)) or 0


OPERATIONS: Final = (
    Operation(
        f"{ONE}/deliveries",
        list_deliveries,
        "An endpoint's deliveries and their attempts",
        DeliveryPage,
        query=DeliveryQuery,
        problems=(400, 404, 409),
        scope=SCOPE,
    ),
    Operation(
        f"{ONE}/deliveries/{{event_id}}/resend",
        post_resend,
        "Deliver an event once more, or at once",
        Delivery,
        problems=(404, 409, 410),
        scope=SCOPE,
        method="POST",
        statuses=(202,),
    ),
    Operation(
        f"{ONE}/test",
        post_test,
        "Send an event that is none",
        Delivery,
        problems=(404, 409),
        scope=SCOPE,
        method="POST",
        statuses=(202,),
    ),
    Operation(
        f"{ONE}/replay",
        post_replay,
        "Deliver again what happened since a cursor or a time",
        Replay,
        problems=(404, 409, 410, *BODY_PROBLEMS),
        scope=SCOPE,
        method="POST",
        body=WantedReplay,
        statuses=(202,),
    ),
)
