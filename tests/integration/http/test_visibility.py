"""Nothing of somebody else's is shown, done or even hinted at, whatever is asked.

A route or an op of the stream without a row here fails: say what it needs, and how one
could ask it for what is somebody else's.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from tests.integration.http.hidden_world import (
    HIDDEN,
    HIDDEN_POLLED,
    MINE,
    VIEWERS,
    World,
    hidden_world,
)
from tests.integration.http.site import STREAM
from tests.integration.http.test_commands import Answer, Desk
from tests.integration.servers import Server
from tracker.domain.terms import ALL_SCOPES, Scope
from tracker.outlets import http
from tracker.outlets.websocket import Gateway
from tracker.outlets.websocket.frames import OPS

Json = dict[str, Any]

HINTS = ("WWW-Authenticate", "Retry-After", "Location", "Allow", "Content-Type")
PAUSE = {"action": "pause"}


@dataclass(frozen=True)
class Row:
    """A route.

    Attributes:
        scope: What it needs; None = nothing, not even a token.
        one: Ways to ask for one thing of somebody else's: a path, which may name an id
            of the world, and how it is called when it does not exist.
        many: Queries of a list.
        body: Of the request; likewise.
        status: Of every answer to who must not know of it.
        marks: Words of which a list must hold none.
    """

    scope: Scope | None
    one: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    body: Json | None = None
    status: tuple[int, ...] = (404,)
    marks: tuple[str, ...] = ("hidden", "rival")


CALL = "/v1/calls/{provider}/{account}/{call_id}"
RECORDING = "/v1/recordings/{provider}/{account}/{recording_id}"
EXPORT = "/v1/exports/{provider}/{account}/{export_id}"
WEBHOOKS = "/v1/webhooks"
WEBHOOK = f"{WEBHOOKS}/{{endpoint_id}}"
HIDDEN_WEBHOOK = f"{WEBHOOKS}/<endpoint>"
HIDDEN_CALLS = tuple(
    f"/v1/calls/{call}" for call in (HIDDEN, HIDDEN_POLLED, "genesys/acme/hidden-gone")
)
HIDDEN_RECORDINGS = tuple(
    f"/v1/recordings/genesys/acme/{name}"
    for name in ("hidden", "hidden-unlinked", "hidden-later")
)
COMMANDS = (
    f"/v1/calls/{HIDDEN}/commands/<command>",
    "/v1/calls/genesys/acme/hidden-gone/commands/<later>",
    f"/v1/calls/{MINE}/commands/<command>",
)
FILTERS = (
    "",
    "?limit=1",
    f"?calls={HIDDEN},{HIDDEN_POLLED},{MINE}",
    "?agents=rival",
    "?teams=hidden-rivals",
    "?accounts=genesys/acme",
    "?providers=genesys,vonage_cc",
    "?states=recording,paused",
)
ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/v1/calls"): Row(
        "calls:read",
        many=(*FILTERS, "?ended=true", f"?after={MINE}", "?after=genesys/acme/hiddem"),
    ),
    ("GET", CALL): Row("calls:read", HIDDEN_CALLS),
    ("GET", f"{CALL}/timeline"): Row(
        "calls:read", tuple(f"{path}/timeline" for path in HIDDEN_CALLS)
    ),
    ("GET", f"{CALL}/commands"): Row(
        "calls:read", tuple(f"{path}/commands" for path in HIDDEN_CALLS)
    ),
    ("POST", f"{CALL}/commands"): Row(
        "calls:control",
        tuple(f"{path}/commands" for path in HIDDEN_CALLS),
        body=PAUSE,
    ),
    ("GET", f"{CALL}/commands/{{command_id}}"): Row("calls:read", COMMANDS),
    ("GET", "/v1/watches"): Row(
        "calls:read", many=("", "?limit=1", f"?after={'a' * 32}")
    ),
    ("POST", "/v1/watches"): Row(
        "calls:control",
        ("/v1/watches",),
        body={"provider": "vonage_cc", "account": "acme", "call_id": "hidden"},
    ),
    ("GET", "/v1/watches/{watch_id}"): Row("calls:read", ("/v1/watches/<watch>",)),
    ("DELETE", "/v1/watches/{watch_id}"): Row(
        "calls:control", ("/v1/watches/<watch>",)
    ),
    ("GET", "/v1/events"): Row(
        "calls:read",
        many=("?since=<begun>", *(f"{f}&since=<begun>" for f in FILTERS[1:])),
    ),
    ("GET", "/v1/sources"): Row("sources:read", many=("", "?limit=1"), marks=("acme",)),
    ("GET", "/v1/accounts"): Row(
        "sources:read", many=("", "?limit=1"), marks=("acme",)
    ),
    ("GET", "/v1/recordings"): Row(
        "recordings:read",
        many=("", "?limit=1", "?account=acme", "?provider=genesys", "?call=hidden"),
    ),
    ("GET", RECORDING): Row("recordings:read", HIDDEN_RECORDINGS),
    ("GET", f"{RECORDING}/audio"): Row(
        "recordings:read", tuple(f"{path}/audio" for path in HIDDEN_RECORDINGS)
    ),
    ("DELETE", RECORDING): Row("recordings:delete", HIDDEN_RECORDINGS),
    ("GET", "/v1/exports"): Row("recordings:read", many=("", "?account=acme")),
    ("POST", "/v1/exports"): Row(
        "recordings:read",
        ("/v1/exports",),
        body={"account": "acme", "call": "hidden"},
        status=(403, 404),
    ),
    ("GET", EXPORT): Row("recordings:read", ("/v1/exports/genesys/acme/hidden",)),
    ("GET", f"{EXPORT}/download"): Row(
        "recordings:read", ("/v1/exports/genesys/acme/hidden/download",)
    ),
    ("GET", WEBHOOKS): Row("webhooks:manage", many=("", "?limit=1")),
    ("POST", WEBHOOKS): Row("webhooks:manage", body={"url": "https://there.example"}),
    ("GET", WEBHOOK): Row("webhooks:manage", (HIDDEN_WEBHOOK,)),
    ("PATCH", WEBHOOK): Row(
        "webhooks:manage", (HIDDEN_WEBHOOK,), body={"description": "hidden"}
    ),
    ("DELETE", WEBHOOK): Row("webhooks:manage", (HIDDEN_WEBHOOK,)),
    ("POST", f"{WEBHOOK}/rotate"): Row(
        "webhooks:manage", (f"{HIDDEN_WEBHOOK}/rotate",), body={"overlap_s": 60}
    ),
    ("POST", f"{WEBHOOK}/test"): Row("webhooks:manage", (f"{HIDDEN_WEBHOOK}/test",)),
    ("POST", f"{WEBHOOK}/replay"): Row(
        "webhooks:manage", (f"{HIDDEN_WEBHOOK}/replay",), body={"since": "<begun>"}
    ),
    ("GET", f"{WEBHOOK}/deliveries"): Row(
        "webhooks:manage", (f"{HIDDEN_WEBHOOK}/deliveries",)
    ),
    ("POST", f"{WEBHOOK}/deliveries/{{event_id}}/resend"): Row(
        "webhooks:manage", (f"{HIDDEN_WEBHOOK}/deliveries/e.0.1-1/resend",)
    ),
    ("GET", "/v1/stream"): Row(None),
    **{
        ("GET", path): Row(None)
        for path in (
            *("/", "/livez", "/readyz", "/metrics"),
            *("/openapi.json", "/asyncapi.json", "/schemas/v1/{kind}"),
        )
    },
}


@dataclass
class Looker:
    """One who asks the world, through a token."""

    world: World
    session: ClientSession
    limits: dict[str, list[str]]
    leaks: list[Any] = field(default_factory=list)

    def desk(self, *scopes: str) -> Desk:
        token = self.world.site.token(" ".join(scopes), "looker", **self.limits)
        return Desk(self.session, self.world.site.url, token)

    def filled(self, text: str, *, absent: bool = False) -> str:
        """*text* with the world's ids in it, or with what does not exist."""
        ids = {**self.world.ids, "begun": self.world.begun}
        if absent:
            text = text.replace("hidden", "absent")
            text = text.replace("<watch>", "absent").replace(MINE, f"{MINE}-absent")
            text = text.replace("<endpoint>", "ep_absent")
        for name, id_ in ids.items():
            text = text.replace(f"<{name}>", id_)
        return text

    async def one(self, method: str, row: Row, path: str) -> None:
        """Hidden and absent are answered alike, and with nothing that says more."""
        answers: list[Answer] = []
        for absent in (False, True):
            body = row.body and json.loads(
                self.filled(json.dumps(row.body), absent=absent)
            )
            url = self.filled(path, absent=absent)
            desk = self.desk(*ALL_SCOPES)
            answers.append(await desk.send(method, url, json=body))
        told = [(a.status, a.body, [a.headers.get(h) for h in HINTS]) for a in answers]
        if told[0] != told[1] or told[0][0] not in row.status:
            self.leaks.append((method, path, told))

    async def many(self, path: str, query: str, marks: tuple[str, ...]) -> None:
        """A list is as if there were nothing else, page after page.

        One of an account that is hidden is like one of an account that is absent.
        """
        url: str | None = path + self.filled(query)
        words = (*marks, *self.world.ids.values())
        while url is not None:
            answer = await self.desk(*ALL_SCOPES).get(url)
            if answer.status == 404:
                absent = re.sub("acme|genesys", "absent", url)
                other = await self.desk(*ALL_SCOPES).get(absent)
                if (other.status, other.body) != (404, answer.body):
                    self.leaks.append((url, answer))
                return
            told = json.dumps(answer.body["items"])
            told += json.dumps(answer.body.get("removed"))
            told += unsealed(answer.body["next"])
            if answer.status != 200 or any(word in told for word in words):
                self.leaks.append((url, answer))
            ended = path == "/v1/events" and not answer.body["items"]
            url = None if ended else answer.body["next"]


def unsealed(following: str | None) -> str:
    """What one could read in a next page's address, whatever it is written in."""
    parts = re.split(r"[^\w-]+", (following or "").partition("after=")[2])
    found = [
        urlsafe_b64decode(p + "=" * (-len(p) % 4)) for p in parts if len(p) % 4 != 1
    ]
    return " ".join([*parts, *(raw.decode("latin-1") for raw in found)])


@pytest.fixture
async def world(valkey_server: Server) -> AsyncIterator[World]:
    valkey_server.run("FLUSHALL")
    async with hidden_world(valkey_server.url) as filled:
        yield filled


async def test_every_route_has_its_row(world: World) -> None:
    """What is served is what is looked at here."""
    services = world.site.services
    served = [*http.routes(services, STREAM), *Gateway(services).routes()]
    bare = {(route.method, route.path.replace(":[^/]+", "")) for route in served}
    assert bare == ROWS.keys()


async def test_every_route_needs_its_scope(
    world: World, session: ClientSession
) -> None:
    """That one: all others together open nothing, and without a token nothing is told.

    What is asked for does not exist, so that nothing is done.
    """
    looker = Looker(world, session, {})
    nobody = Desk(session, world.site.url, None)
    wrong: list[Any] = []
    for (method, route), row in ROWS.items():
        path = looker.filled(row.one[0] if row.one else route, absent=True)
        body = row.body and {**row.body, "call_id": "", "action": ""}
        if row.scope is None:
            path = path.replace("{kind}", "call")
            async with session.get(world.site.url + path) as answer:
                is_open = answer.status == 200 or path == "/v1/stream"
                wrong += [] if is_open else [(path, answer.status)]
            continue
        without = looker.desk(*(ALL_SCOPES - {row.scope}))
        statuses = [
            (await desk.send(method, path, json=body)).status
            for desk in (nobody, without, looker.desk(row.scope))
        ]
        if statuses[:2] != [401, 403] or statuses[2] not in (200, 400, 404):
            wrong.append((method, path, statuses))
    assert wrong == []


@pytest.mark.parametrize("viewer", VIEWERS)
async def test_nothing_of_others_leaks_over_http(
    world: World, session: ClientSession, viewer: str
) -> None:
    """By key, filter, cursor, timeline, command, watch, recording: it is not there."""
    looker = Looker(world, session, VIEWERS[viewer])
    for (method, path), row in ROWS.items():
        for asked in row.one:
            await looker.one(method, row, asked)
        for query in row.many:
            await looker.many(path, query, row.marks)
    assert looker.leaks == []
    assert len(world.shelf.held) == 4
    mine = await looker.desk("calls:read").get(f"/v1/calls/{MINE}")
    sees_own = viewer in ("of one agent", "of one team")
    assert mine.status == (200 if sees_own else 404)


async def test_who_may_see_it_does(world: World, session: ClientSession) -> None:
    """What is asked for above is there: a token without limits is shown all of it."""
    looker = Looker(world, session, {})
    order = sorted(ROWS.items(), key=lambda item: item[0][0] == "DELETE")
    for (method, path), row in order:
        for asked in row.one:
            if asked == COMMANDS[-1] or "hidden-gone" in asked + str(row.body):
                continue
            if asked.endswith("/resend"):
                continue  # there is no such delivery
            url = f"{world.site.url}{looker.filled(asked)}"
            body = row.body and json.loads(looker.filled(json.dumps(row.body)))
            bearer = f"Bearer {world.site.token(' '.join(ALL_SCOPES), 'looker')}"
            headers = {"Authorization": bearer}
            async with session.request(method, url, json=body, headers=headers) as sent:
                assert sent.status in (200, 201, 202, 204, 409), (method, asked)
        if row.many:
            await looker.many(path, row.many[0], row.marks)
            assert looker.leaks, path
            looker.leaks.clear()


STREAM_ROWS: dict[str, list[Json]] = {
    "subscribe": [
        {"snapshot": True},
        {"since": "<begun>"},
        {"conflate_ms": 50, "snapshot": True},
        *(
            {"filter": {name: values}, **more}
            for name, values in {
                "calls": [HIDDEN, HIDDEN_POLLED],
                "agents": ["rival"],
                "teams": ["hidden-rivals"],
                "accounts": ["genesys/acme", "vonage_cc/acme"],
                "providers": ["genesys", "vonage_cc"],
                "states": ["recording", "paused"],
            }.items()
            for more in ({"snapshot": True}, {"since": "<begun>"})
        ),
    ],
    "command": [{"call": HIDDEN, **PAUSE}, {"call": HIDDEN_POLLED, **PAUSE}],
    "unsubscribe": [],
    "auth": [],
    "ping": [],
}
"""What to say with an op so that somebody else's would be told."""


async def answer_to(ws: ClientWebSocketResponse, *ops: str) -> list[Json]:
    """All frames up to one with one of *ops*."""
    frames = [await ws.receive_json(timeout=10)]
    while frames[-1].get("op") not in ops:
        frames.append(await ws.receive_json(timeout=10))
    return frames


@pytest.mark.parametrize("viewer", VIEWERS)
async def test_nothing_of_others_leaks_over_the_stream(
    world: World, session: ClientSession, viewer: str
) -> None:
    """In snapshots, resumes, live events and refusals."""
    assert STREAM_ROWS.keys() == OPS.keys()
    looker = Looker(world, session, VIEWERS[viewer])
    token = world.site.token(" ".join(ALL_SCOPES), "looker", **looker.limits)
    protocols = ("tracker.v1", f"bearer.{token}")
    stream = f"{world.site.url}/v1/stream"
    told: list[Json] = []
    async with session.ws_connect(stream, protocols=protocols) as ws:
        for number, asked in enumerate(STREAM_ROWS["subscribe"]):
            frame = json.loads(looker.filled(json.dumps(asked)))
            await ws.send_json({"op": "subscribe", "id": str(number), **frame})
            told += await answer_to(ws, "cursor")
        for asked in STREAM_ROWS["command"]:
            refusals = []
            for call in (asked["call"], asked["call"].replace("hidden", "absent")):
                await ws.send_json({"op": "command", "id": "c", **asked, "call": call})
                refusals.append((await answer_to(ws, "error", "result"))[-1])
            assert refusals[0] == refusals[1]
            assert refusals[0]["status"] == 404
        await world.show(HIDDEN, "paused", "rival")
        await world.show(HIDDEN_POLLED, "paused", "rival")
        await ws.send_json({"op": "ping"})
        told += await answer_to(ws, "pong")
    words = ("hidden", "rival", *world.ids.values())
    leaked = [f for f in told if any(word in json.dumps(f) for word in words)]
    assert leaked == []
    assert any(frame["op"] == "snapshot" for frame in told if "op" in frame)
