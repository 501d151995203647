"""The Python client against a real server, through a network that breaks."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.integration.http.proxy import Proxy, proxied
from tests.integration.http.site import JWT, Site, call, serving, source
from tracker.client import Filter, LiveCalls, RefusedError, Tracker
from tracker.errors import PositionLostError


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.client.stream.FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("tracker.client.stream.LONGEST_PAUSE_S", 0.1)


@pytest.fixture
async def proxy(site: Site) -> AsyncIterator[Proxy]:
    """Before the site."""
    async with proxied(site.url) as opened:
        yield opened


async def until(live: LiveCalls, changes: AsyncIterator[LiveCalls], key: str) -> None:
    """Follow *changes* until *key* is known and current."""
    while not (live.current and key in live.calls):
        await anext(changes)


async def test_each_event_comes_exactly_once(site: Site, proxy: Proxy) -> None:
    """However often the connection breaks, nothing is missing or comes twice."""
    cursor = str(site.projection.cursor)
    got: list[str] = []
    async with aclosing(Tracker(proxy.url).events(since=cursor)) as events:
        for version in range(1, 121):
            kinds = ("recording.paused", "issue.opened")[: 1 + version % 2]
            site.show(call("c1", version=version), *kinds)
            if version % 10 == 0:
                event = await anext(events)
                got.append(event["id"])
                proxy.cut()
        while not got or not got[-1].startswith(_last_of(site)):
            got.append((await anext(events))["id"])
    assert len(got) == len(set(got)) == 120 + 60


def _last_of(site: Site) -> str:
    entries = [e for part in site.outbox.entries for e in part if e.snapshot]
    newest = max(entries, key=lambda tailed: int(tailed.id.split("-")[1]))
    return f"e1.{newest.partition}.{newest.id}"


async def test_only_what_is_wanted_comes(site: Site) -> None:
    """A filter chooses on the server."""
    cursor = str(site.projection.cursor)
    site.show(call("c1", agents=("a",)), "call.started")
    site.show(call("c2", agents=("b",)), "call.started")
    wanted = Filter(agents=frozenset({"b"}))
    async with aclosing(Tracker(site.url).events(wanted, since=cursor)) as events:
        assert (await anext(events))["subject"] == "genesys/acme/c2"


@pytest.mark.parametrize("kind", ["events", "calls"])
async def test_a_loop_may_just_break(
    site: Site, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing complains, though the event loop ends at once."""
    cursor = str(site.projection.cursor)
    site.show(call("c1"), "call.started")
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: complaints.append(context))
        tracker = Tracker(site.url)
        following: AsyncIterator[Any] = tracker.calls()
        if kind == "events":
            following = tracker.events(since=cursor)
        async for _ in following:
            break

    for _ in range(3):
        await asyncio.to_thread(lambda: asyncio.run(main()))
    assert complaints == []


async def test_lost_events_are_told() -> None:
    """What was trimmed before it could be told is an error, never a hole."""
    async with serving(ring_entries=2) as site:
        site.show(call("c1"), "call.started")
        cursor = str(site.projection.cursor)
        for version in range(2, 8):
            site.show(call("c1", version=version), "call.changed")
            site.watermark()
        site.trim()
        with pytest.raises(PositionLostError):
            async with aclosing(Tracker(site.url).events(since=cursor)) as events:
                await anext(events)


async def test_the_map_survives_the_network(site: Site, proxy: Proxy) -> None:
    """After every cut the map is the server's, and meanwhile it is not current."""
    site.show(call("c0"))
    site.show(source())
    live = LiveCalls()
    async with aclosing(Tracker(proxy.url).calls(live=live)) as changes:
        await until(live, changes, "genesys/acme/c0")
        assert set(live.sources) == {"genesys/acme/jdoe"}
        for number in range(1, 6):
            proxy.cut()
            while live.current:
                await anext(changes)
            site.show(call(f"c{number}"), "call.started")
            site.show(
                call(f"c{number - 1}", "stopped", version=2, ended=True), "call.ended"
            )
            await until(live, changes, f"genesys/acme/c{number}")
            while len(live.calls) > 1:
                await anext(changes)
    assert live.calls["genesys/acme/c5"] == call("c5").model_dump(mode="json")


async def test_a_map_begins_again_when_events_are_lost() -> None:
    """What cannot be resumed comes as a new snapshot, without what has gone."""
    async with serving(ring_entries=2) as site, proxied(site.url) as proxy:
        site.show(call("c1"))
        live = LiveCalls()
        async with aclosing(Tracker(proxy.url).calls(live=live)) as changes:
            await until(live, changes, "genesys/acme/c1")
            proxy.cut()
            site.show(call("c1", version=2, ended=True), "call.ended")
            for number in range(2, 8):
                site.show(call(f"c{number}"), "call.started")
                site.watermark()
            site.trim()
            await until(live, changes, "genesys/acme/c7")
            assert len(live.calls) == 6


async def test_a_refusal_is_final() -> None:
    """A token that is no good is not tried again, and the server's reason is told."""
    reasons = {"x.y.z": "the access token is not valid", None: "an access token is n"}
    async with serving(JWT) as site:
        for token, reason in reasons.items():
            with pytest.raises(RefusedError, match=reason) as refused:
                async with aclosing(Tracker(site.url, token).events()) as events:
                    await anext(events)
            assert refused.value.code in (401, 4503)
        cursor = str(site.projection.cursor)
        site.show(call("c1"), "call.started")
        tracker = Tracker(site.url, site.token())
        async with aclosing(tracker.events(since=cursor)) as events:
            assert (await anext(events))["subject"] == "genesys/acme/c1"


async def test_a_server_that_is_away_is_waited_for() -> None:
    """Nobody listening is said, and tried again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        live = LiveCalls()
        async with aclosing(Tracker(url).calls(live=live)) as changes:
            for _ in range(3):
                await anext(changes)
                assert not live.current
                assert live.reason


@asynccontextmanager
async def answering(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def first(url: str) -> Any:
    live = LiveCalls()
    async with aclosing(Tracker(url).calls(live=live)) as changes:
        await anext(changes)
    return live.reason


@pytest.mark.parametrize(
    ("status", "final"), [(403, True), (404, True), (429, False), (503, False)]
)
async def test_statuses_tell_whether_to_come_back(status: int, final: bool) -> None:
    """A 4xx is a refusal, unless it only means later."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with answering(handler) as url:
        if final:
            with pytest.raises(RefusedError):
                await first(url)
        else:
            assert str(status) in await first(url)


@pytest.mark.parametrize(
    ("code", "final"), [(1001, False), (1011, False), (4001, False), (4503, True)]
)
async def test_close_codes_tell_whether_to_come_back(code: int, final: bool) -> None:
    """From 4500 on a close is a refusal."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(protocols=["tracker.v1"])
        await ws.prepare(request)
        await ws.close(code=code, message=b"because")
        return ws

    async with answering(handler) as url:
        if final:
            with pytest.raises(RefusedError, match="because"):
                await first(url)
        else:
            assert await first(url) == "because"


async def test_another_kind_of_server_is_a_refusal() -> None:
    """A WebSocket that speaks of something else is not tried again."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str("hello")
        await ws.receive()
        return ws

    async with answering(handler) as url:
        with pytest.raises(RefusedError, match="does not speak"):
            await first(url)
