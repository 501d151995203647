"""`/v1/stream` over real sockets, with an independent client."""

import asyncio
import logging
from contextlib import suppress

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.websocket.stage import (
    JWT,
    Stage,
    closed,
    hear,
    playing,
    say,
    subscribe,
    token,
)
from tracker.outlets.auth import LEEWAY_S
from tracker.outlets.websocket import codes
from tracker.outlets.websocket.settings import StreamSettings


async def test_a_subscriber_gets_what_there_is_and_what_comes() -> None:
    """Snapshot, cursor, events as they are published, removals."""
    async with playing() as stage, stage.connect() as client:
        stage.process.change(1, ("ann",))
        await say(
            client, op="subscribe", id="s", filter={"agents": ["ann"]}, snapshot=True
        )
        assert (await hear(client, "subscribed"))["recovered"] is False
        page = await hear(client, "snapshot")
        assert page["calls"] == [{"key": "genesys/acme/c1", "version": 1}]
        assert (page["sources"], page["accounts"], page["more"]) == ([], [], False)
        assert (await hear(client, "cursor"))["live"] is True
        stage.process.change(1, ("ann", "bob"), facts=2)
        events = [await hear(client), await hear(client)]
        assert [event["id"] for event in events] == stage.process.published[1:]
        stage.process.change(1, ("bob",))
        stage.process.change(1, ("bob",))
        removed = await hear(client, "removed")
        assert removed == {
            "op": "removed",
            "id": "s",
            "key": "genesys/acme/c1",
            "version": 3,
        }
        await say(client, op="ping")
        assert (await hear(client, "", "pong"))["op"] == "pong"


async def test_the_handshake_agrees_on_the_subprotocol_and_no_compression() -> None:
    """Frames are made once for all: they cannot be compressed for one."""
    async with playing() as stage, stage.connect() as client:
        assert client.subprotocol == "tracker.v1"
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
    async with playing() as stage, stage.connect("tracker.v9", "tracker.v1") as client:
        assert client.subprotocol == "tracker.v1"


async def test_other_subprotocols_are_refused_and_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was offered may hold a token."""
    caplog.set_level(logging.DEBUG)
    async with playing() as stage:
        with pytest.raises(InvalidStatus) as refused:
            await stage.connect("bearer.eyJhbGciOi")
        assert refused.value.response.status_code == 400
        async with stage.connect("tracker.v1", "bearer.eyJhbGciOi") as client:
            assert client.subprotocol == "tracker.v1"
    ours = [r for r in caplog.records if not r.name.startswith("websockets")]
    assert "eyJhbGciOi" not in str([record.getMessage() for record in ours])


async def test_a_socket_that_was_cut_resumes_where_it_was() -> None:
    """Exactly what was missed, though this side had noticed nothing."""
    async with playing() as stage:
        async with stage.connect() as client:
            await subscribe(client)
            stage.process.change(1)
            cursor = str(stage.process.cursor)
            await hear(client)
            client.transport.abort()
        for number in range(5):
            stage.process.change(number)
        async with stage.connect() as client:
            await say(client, op="subscribe", id="s", since=cursor)
            assert (await hear(client, "subscribed"))["recovered"] is True
            missed = [(await hear(client))["id"] for _ in range(5)]
        assert missed == stage.process.published[1:]


async def test_a_storm_of_resumes_is_served_from_memory() -> None:
    """Hundreds come back at once, each to exactly its own."""
    async with playing() as stage:
        cursor = str(stage.process.cursor)
        for number in range(200):
            stage.process.change(number % 50, (f"agent-{number % 50}",))

        async def resume(number: int) -> list[str]:
            wanted = {"agents": [f"agent-{number % 50}"]}
            async with stage.connect() as client:
                await say(client, op="subscribe", id="s", since=cursor, filter=wanted)
                return [(await hear(client))["id"] for _ in range(4)]

        told = await asyncio.gather(*(resume(number) for number in range(200)))
        for number, ids in enumerate(told):
            assert ids == stage.process.published[number % 50 :: 50]
        assert stage.process.outbox.reading == 0


@pytest.mark.parametrize("text", ["", "{", '{"op":"x"}', '{"op":"subscribe"}', "é"])
async def test_nonsense_is_answered_and_the_socket_stays(text: str) -> None:
    """With an ``error``."""
    async with playing() as stage, stage.connect() as client:
        await client.send(text)
        error = await hear(client, "error")
        assert error["status"] == 400
        await say(client, op="ping")
        await hear(client, "pong")


async def test_a_thousand_subscriptions_are_refused_politely() -> None:
    """A hundred are served, the others are told; everyone else notices nothing."""
    async with playing() as stage, stage.connect() as client, stage.connect() as other:
        await subscribe(other)
        asked = [
            say(client, op="subscribe", id=str(number), filter={"agents": ["ann"]})
            for number in range(1000)
        ]
        await asyncio.gather(*asked)
        errors = [await hear(client, "error") for _ in range(900)]
        assert {error["status"] for error in errors} == {429}
        stage.process.change(1, ("ann",))
        assert (await hear(client))["id"] == (await hear(other))["id"]


@pytest.mark.parametrize(
    ("size", "code"), [(64 * 1024 - 1, None), (64 * 1024 + 1, 1009), (10**7, 1009)]
)
async def test_an_oversized_frame_is_closed_with_1009(
    size: int, code: int | None
) -> None:
    """Before it is read whole."""
    async with playing() as stage, stage.connect() as client:
        with suppress(ConnectionClosed):
            await client.send("x" * size)
        if code is None:
            assert (await hear(client, "error"))["status"] == 400
        else:
            assert (await closed(client))[0] == code


async def test_a_binary_frame_is_closed_with_4500() -> None:
    """Text frames of JSON only."""
    async with playing() as stage, stage.connect() as client:
        await client.send(b"\x00")
        assert await closed(client) == (codes.NOT_TEXT, "text frames only")
    assert stage.metric("tracker_stream_closed_total", code="4500") == 1


async def test_pings_of_the_protocol_are_answered() -> None:
    """RFC 6455, 5.5.3."""
    async with playing() as stage, stage.connect(ping_interval=None) as client:
        await asyncio.wait_for(await client.ping(b"hello"), 5)


async def test_cursors_come_by_themselves() -> None:
    """To who has subscribed to something."""
    settings = StreamSettings(cursor_interval_s=0.1)
    async with playing(settings) as stage, stage.connect() as client:
        await subscribe(client)
        first, second = await hear(client, "cursor"), await hear(client, "cursor")
        assert first["cursor"] == second["cursor"] == str(stage.process.cursor)
        assert first["server_time"] < second["server_time"]


async def test_live_is_told_at_once_when_it_changes() -> None:
    """Not when the next cursor is due."""
    settings = StreamSettings().model_copy(update={"cursor_interval_s": 25})
    async with playing(settings) as stage, stage.connect() as client:
        await subscribe(client)
        await stage.process.projection.load(0)
        async with asyncio.timeout(5):
            assert (await hear(client, "cursor"))["live"] is False
        stage.process.tails.take(stage.process.outbox.mark(0))
        async with asyncio.timeout(5):
            assert (await hear(client, "cursor"))["live"] is True


async def test_conflated_events_come_late_and_few_then_the_cursor() -> None:
    """The latest of each entity."""
    async with playing() as stage, stage.connect() as client:
        await subscribe(client, conflate_ms=50)
        for number in range(30):
            stage.process.change(number % 3)
        told = [await hear(client, "", "cursor") for _ in range(4)]
        versions = [event.get("sequence") for event in told]
        assert versions == ["0000000010"] * 3 + [None]
        assert told[-1]["cursor"] == str(stage.process.cursor)


async def test_a_lost_partition_closes_with_4002_and_is_told_anew() -> None:
    """The client comes back, and its cursor is held against the store."""
    async with playing() as stage:
        async with stage.connect() as client:
            await subscribe(client)
            stage.process.change(1)
            cursor = str(stage.process.cursor)
            await hear(client)
            partition = int(stage.process.published[0].split(".")[1])
            stage.process.outbox.trim(partition, 0)
            place = await stage.process.projection.load(partition)
            stage.process.hub.reset(partition, place)
            assert (await closed(client))[0] == codes.EVENTS_LOST
        async with stage.connect() as client:
            answer = await subscribe(client, since=cursor)
            assert answer["recovered"] is False


async def test_shutting_down_says_so() -> None:
    """4001: come back, elsewhere perhaps."""
    async with playing() as stage:
        client = await stage.connect()
        await subscribe(client)
        closing = asyncio.create_task(closed(client))
    assert (await closing)[0] == codes.GOING_AWAY


async def test_connections_are_counted() -> None:
    """Open ones, and closed ones by code."""
    async with playing() as stage:
        async with stage.connect() as client, stage.connect():
            await subscribe(client)
            assert stage.metric("tracker_stream_connections") == 2
        await stage.nobody_left()
        assert stage.metric("tracker_stream_connections") == 0
        assert stage.metric("tracker_stream_closed_total", code="client") == 2


async def only_ann_is_seen(stage: Stage, client: ClientConnection) -> bool:
    """Whether the client is told of ann's calls, and of no others."""
    await subscribe(client)
    stage.process.change(1, ("bob",))
    stage.process.change(2, ("ann",))
    subject: str = (await hear(client))["subject"]
    return subject == "genesys/acme/c2"


async def test_a_header_token_is_judged_before_the_handshake() -> None:
    """A bad one is a 401 that a program can read."""
    async with playing(auth=JWT) as stage:
        good = {"Authorization": f"Bearer {token(agents=['ann'])}"}
        async with stage.connect(additional_headers=good) as client:
            assert await only_ann_is_seen(stage, client)
        bad = {"Authorization": "Bearer nonsense"}
        with pytest.raises(InvalidStatus) as refused:
            await stage.connect(additional_headers=bad)
        assert refused.value.response.status_code == 401


async def test_a_browser_sends_its_token_as_a_subprotocol() -> None:
    """A bad one is closed with a code, which a browser can see."""
    async with playing(auth=JWT) as stage:
        good = f"bearer.{token(agents=['ann'])}"
        async with stage.connect("tracker.v1", good) as client:
            assert client.subprotocol == "tracker.v1"
            assert await only_ann_is_seen(stage, client)
        async with stage.connect("tracker.v1", "bearer.nonsense") as client:
            assert (await closed(client))[0] == codes.UNAUTHORIZED


async def test_the_first_frame_may_be_the_token() -> None:
    """A good one is answered; a bad one, or anything else, is closed with 4503."""
    async with playing(auth=JWT) as stage:
        async with stage.connect() as client:
            await say(client, op="auth", token=token(agents=["ann"]))
            assert (await hear(client, "result"))["of"] == "auth"
            assert await only_ann_is_seen(stage, client)
        for frame in ({"op": "auth", "token": "nonsense"}, {"op": "ping"}):
            async with stage.connect() as client:
                await say(client, **frame)
                assert (await closed(client))[0] == codes.UNAUTHORIZED


async def test_who_says_nothing_is_closed_in_time() -> None:
    """Pings keep nobody in."""
    settings = StreamSettings(auth_timeout_s=0.2)
    async with playing(settings, JWT) as stage, stage.connect() as client:
        await client.ping()
        assert await closed(client) == (codes.UNAUTHORIZED, "no access token in time")


async def test_an_expired_token_ends_the_socket_unless_renewed() -> None:
    """4009: come back with a new one."""
    settings = StreamSettings(cursor_interval_s=0.1)
    lasts_s = 3.0 - LEEWAY_S  # claims are in whole seconds: it may be one less
    async with (
        playing(settings, JWT) as stage,
        stage.connect() as client,
        stage.connect() as renewing,
    ):
        for one in (client, renewing):
            await say(one, op="auth", token=token(lasts_s=lasts_s))
            assert (await hear(one, "result"))["expires_at"]
        await renewing.send('{"op":"auth","token":"nonsense"}')
        assert (await hear(renewing, "error"))["status"] == 401
        await say(renewing, op="auth", token=token())
        await hear(renewing, "result")
        assert (await closed(client))[0] == codes.EXPIRED
        await say(renewing, op="ping")
        await hear(renewing, "pong")


async def test_a_token_of_other_rights_needs_a_new_socket() -> None:
    """4010: what was subscribed to was subscribed to with the old ones."""
    async with playing(auth=JWT) as stage, stage.connect() as client:
        await say(client, op="auth", token=token(agents=["ann"]))
        await hear(client, "result")
        await say(client, op="auth", token=token(agents=["bob"]))
        assert (await closed(client))[0] == codes.RIGHTS_CHANGED
