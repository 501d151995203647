"""Clients that do not read, do not speak the protocol, do not answer, or want all."""

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.websocket.stage import (
    JWT,
    Stage,
    hear,
    playing,
    say,
    subscribe,
    token,
)
from tests.unit.fanout.world import until
from tracker.fanout.cursor import Cursor
from tracker.outlets.quota import LimitSettings
from tracker.outlets.websocket import codes
from tracker.outlets.websocket.settings import StreamSettings

HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SUBSCRIBE = b'{"op":"subscribe","id":"s"}'


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """A client's frame, whole, of fewer than 126 bytes, under a mask of zeros."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


class Raw:
    """A client without manners, over a bare socket that holds little."""

    def __init__(self, stage: Stage) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", stage.port))
        self.socket.setblocking(False)

    async def open(self) -> None:
        """Shake hands."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.socket, HANDSHAKE)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += await loop.sock_recv(self.socket, 1)
        assert answer.startswith(b"HTTP/1.1 101")

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def rest(self) -> bytes:
        """Everything until the server is through."""
        loop = asyncio.get_running_loop()
        received = bytearray()
        async with asyncio.timeout(10):
            try:
                while chunk := await loop.sock_recv(self.socket, 1 << 20):
                    received += chunk
            except ConnectionResetError:
                pass
        return bytes(received)


@contextmanager
def raw_client(stage: Stage) -> Iterator[Raw]:
    """A `Raw`, closed in the end."""
    client = Raw(stage)
    try:
        yield client
    finally:
        client.socket.close()


def close_code(received: bytes) -> int:
    """Of the close frame that ends what was received."""
    at = received.rindex(b"\x88")
    code: int = struct.unpack(">H", received[at + 2 : at + 4])[0]
    return code


def subscriptions(stage: Stage) -> int:
    sessions = [connection.session for connection in stage.gateway.connections()]
    return sum(len(session.subscriptions) for session in sessions)


async def test_one_who_never_reads_is_closed_and_costs_the_others_nothing() -> None:
    """4008, by the amount or by the time; everyone else has every event meanwhile."""
    settings = StreamSettings(
        slow_bytes=256 * 1024, slow_after_s=0.3, cursor_interval_s=0.5
    )
    async with playing(settings) as stage, stage.connect() as reader:
        await subscribe(reader)
        with raw_client(stage) as sleeper:
            await sleeper.open()
            await sleeper.send(frame(SUBSCRIBE))
            await until(lambda: subscriptions(stage) == 2)
            stage.process.outbox.padding = 50_000
            for number in range(200):
                stage.process.change(number)
                event = await hear(reader)
                assert event["id"] == stage.process.published[-1]
            await until(lambda: len(stage.gateway.connections()) == 1)
            name = "tracker_stream_closed_total"
            assert stage.metric(name, code=str(codes.SLOW)) == 1
            assert stage.metric("tracker_stream_connections") == 1
            stage.process.change(1)
            await hear(reader)


async def test_far_too_much_unsent_is_closed_at_once() -> None:
    """However short the time."""
    settings = StreamSettings(
        slow_after_s=3600, max_unsent_bytes=1 << 21, cursor_interval_s=0.5
    )
    async with playing(settings) as stage:
        with raw_client(stage) as sleeper:
            await sleeper.open()
            await sleeper.send(frame(SUBSCRIBE))
            await until(lambda: subscriptions(stage) == 1)
            stage.process.outbox.padding = 100_000
            for number in range(200):
                stage.process.change(number)
                await asyncio.sleep(0)
            await stage.nobody_left()
        assert stage.metric("tracker_stream_closed_total", code="4008") == 1


async def test_one_who_does_not_take_a_snapshot_is_closed() -> None:
    """Pages wait for the client, though not for ever."""
    settings = StreamSettings(page_timeout_s=0.3, close_timeout_s=0.1)
    async with playing(settings) as stage:
        stage.process.outbox.padding = 100_000
        for number in range(100):
            stage.process.change(number)
        with raw_client(stage) as sleeper:
            await sleeper.open()
            await sleeper.send(frame(SUBSCRIBE[:-1] + b',"snapshot":true}'))
            await until(stage.gateway.connections)
            await stage.nobody_left()
        assert stage.metric("tracker_stream_closed_total", code="4008") == 1


async def test_one_who_reads_slowly_gets_everything() -> None:
    """A snapshot larger than all buffers comes whole to a patient reader."""
    async with playing() as stage:
        stage.process.outbox.padding = 100_000
        for number in range(100):
            stage.process.change(number)
        with raw_client(stage) as slow:
            await slow.open()
            await slow.send(frame(SUBSCRIBE[:-1] + b',"snapshot":true}'))
            await until(lambda: subscriptions(stage) == 1)
            received = asyncio.create_task(slow.rest())
            await until(lambda: stage.process.hub._groups)
            await slow.send(frame(struct.pack(">H", 1000), 8))
            assert (await received).count(b'"padding":"x') == 100


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(b"\xff\xfe"), 1007),
        (frame(b"x", 3), 1002),
        (b"\x81\xff" + b"\xff" * 8, 1009),
        (b"\xf1\x80\0\0\0\0", 1002),
        (frame(b"{}", 2), codes.NOT_TEXT),
        (b"\x01\x81\0\0\0\0{" + frame(b"}", 9) + b"\x80\x81\0\0\0\0}", None),
    ],
    ids=["utf-8", "opcode", "length", "rsv", "binary", "fragments"],
)
async def test_breaches_of_the_protocol_are_closed_with_a_code(
    sent: bytes, code: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A documented one, and never a traceback; what is allowed is not a breach."""
    async with playing() as stage:
        with raw_client(stage) as client:
            await client.open()
            await client.send(sent)
            if code is None:
                await client.send(frame(struct.pack(">H", 1000), 8))
                assert b'"status":400' in await client.rest()
            else:
                assert close_code(await client.rest()) == code
                assert code in codes.MEANINGS
                await stage.nobody_left()
                name = "tracker_stream_closed_total"
                assert stage.metric(name, code=str(code)) == 1
    assert not [record for record in caplog.records if record.exc_info]


async def test_random_bytes_end_in_a_documented_close() -> None:
    """Whatever they are."""
    async with playing() as stage:
        for _ in range(30):
            with raw_client(stage) as client:
                await client.open()
                await client.send(os.urandom(200))
                client.socket.shutdown(socket.SHUT_WR)
                received = await client.rest()
                if received:
                    assert close_code(received) in codes.MEANINGS | {1000: ""}


async def test_one_who_answers_no_ping_is_cut() -> None:
    """A network that swallows everything looks like this."""
    settings = StreamSettings(ping_interval_s=0.2, cursor_interval_s=0.2)
    async with playing(settings) as stage, stage.connect() as answering:
        await subscribe(answering)
        with raw_client(stage) as silent:
            await silent.open()
            await until(lambda: len(stage.gateway.connections()) == 2)
            received = await silent.rest()
            assert received.count(b"\x89\x00") == 1
        for _ in range(4):
            await hear(answering, "cursor")


async def test_one_whose_turn_has_not_come_is_not_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is the server that does not read, while many come back at once."""
    settings = StreamSettings(ping_interval_s=0.1, cursor_interval_s=0.1)
    async with playing(settings) as stage, stage.connect() as other:
        await subscribe(other)
        replay, turn = stage.process.replay, asyncio.Event()
        check = replay.check

        async def in_turn(cursor: Cursor) -> None:
            await turn.wait()
            await check(cursor)

        monkeypatch.setattr(replay, "check", in_turn)
        async with stage.connect() as client:
            await say(client, op="subscribe", id="s", since=str(stage.process.cursor))
            for _ in range(8):
                await hear(other, "cursor")
            await say(client, op="unsubscribe", id="none")
            await say(client, op="subscribe", id="t")
            await say(client, op="ping")
            await hear(client, "pong")
            await (await client.ping())
            turn.set()
            assert (await hear(client, "subscribed"))["recovered"] is True
            assert (await hear(client, "error"))["status"] == 404
            assert (await hear(client, "subscribed"))["id"] == "t"
            for _ in range(8):
                await hear(client, "cursor")


async def test_a_cut_in_the_middle_of_a_snapshot_leaves_nothing() -> None:
    """The client is gone while it is being brought up."""
    async with playing() as stage:
        stage.process.outbox.padding = 100_000
        for number in range(100):
            stage.process.change(number)
        with raw_client(stage) as client:
            await client.open()
            await client.send(frame(SUBSCRIBE[:-1] + b',"snapshot":true}'))
            await until(lambda: subscriptions(stage) == 1)
        stage.process.change(1)
        await stage.nobody_left()


@pytest.mark.parametrize("headers", [b"", b"Upgrade: websocket\r\n"])
async def test_plain_http_is_answered_plainly(headers: bytes) -> None:
    """With a problem, 400."""
    async with playing() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        start = b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        writer.write(start + headers + b"\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in answer
        writer.close()
        await writer.wait_closed()


async def test_one_subject_has_so_many_subscriptions_on_all_its_sockets() -> None:
    """One that ends makes room, and so does a socket that is cut."""
    limits = LimitSettings(subscriptions_per_subject=3)
    async with playing(auth=JWT, limits=limits) as stage:
        ann, bob = (f"bearer.{token(name)}" for name in ("ann", "bob"))
        async with (
            stage.connect("tracker.v1", ann) as one,
            stage.connect("tracker.v1", ann) as two,
            stage.connect("tracker.v1", bob) as other,
        ):
            for client, id_ in ((one, "a"), (one, "b"), (two, "c"), (other, "a")):
                assert (await subscribe(client, id_))["op"] == "subscribed"
            error = await subscribe(two, "d")
            assert (error["id"], error["status"]) == ("d", 429)
            assert error["detail"].startswith("too many subscriptions of this subject")
            await say(two, op="unsubscribe", id="c")
            await hear(two, "result")
            assert (await subscribe(two, "d"))["op"] == "subscribed"
            one.transport.abort()
            await until(lambda: len(stage.gateway.connections()) == 2)
            for id_, op in (("e", "subscribed"), ("f", "subscribed"), ("g", "error")):
                assert (await subscribe(two, id_))["op"] == op
