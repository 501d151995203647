"""A reconnect storm: all sockets are cut at once, and their clients come back.

The server is one process without a store; 5,000 agents' subscribers, each with an
access token of its own, are in a second one and come back as tracker's client does; a
few that are not cut listen to everything in a third. The reference is the same stream
before the cut.
"""

import asyncio
import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple, cast

import uvloop

from tests.bench import _crowd
from tests.bench._traffic import Raw, Traffic, agent
from tests.bench.fanout import Server
from tests.bench.figures import percentile, show, title
from tracker.client.follower import Begun, Event, Follower
from tracker.client.stream import pause_s
from tracker.fanout.filters import Filter
from tracker.outlets.auth import AuthSettings, Limits, mint
from tracker.outlets.server import create_server, listening
from tracker.outlets.websocket.settings import StreamSettings

SUBSCRIBERS = 5_000
STEADY = 5
RATE = 100
"""Entries a second, before, during and after the storm."""
CALM_S = 5.0
"""Of traffic before the cut, and after everybody is back."""
BACK_S = 60.0
AUTH = AuthSettings.model_validate({"mode": "jwt", "secret": "storm" * 8})
FIREHOSE = "firehose"
TEXT, PING, PONG = 1, 9, 10
HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: tracker.v1\r\nAuthorization: Bearer %b\r\n\r\n"
)

Told = dict[str, tuple[float, str]]
"""When an event was published, and whose call it is about; by its id."""


class Heard(NamedTuple):
    """What one subscriber got: ids with their times, and when it was let in."""

    name: str
    events: list[tuple[str, float]]
    begun_s: list[float]


def main(args: list[str]) -> None:
    """Run the storm and print what became of everybody; an argument is how many."""
    count = int(args[0]) if args else SUBSCRIBERS
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    names = [agent(number) for number in range(count)]
    groups = ([*names], [f"{FIREHOSE}-{number}" for number in range(STEADY)])

    def started(target: Callable[..., None], *args: object) -> Pipe:
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(theirs, *args))
        process.start()
        pipes.append(ours)
        processes.append(process)
        return ours

    try:
        server = started(serve, count)
        port = server.recv()
        crowd, steady = (started(listen, port, group) for group in groups)
        for listeners in (crowd, steady):
            listeners.recv()
        server.send("blow")
        cut_s: float = server.recv()
        came_back = crowd.poll(BACK_S) and crowd.recv()
        time.sleep(CALM_S)
        server.send("stop")
        told: Told = server.recv()
        time.sleep(CALM_S)
        for listeners in (crowd, steady):
            listeners.send("stop")
        report(told, cut_s, crowd.recv(), steady.recv(), came_back=bool(came_back))
    finally:
        for process in processes:
            process.kill()
            process.join()


def report(
    told: Told,
    cut_s: float,
    crowd: Sequence[Heard],
    steady: Sequence[Heard],
    *,
    came_back: bool,
) -> None:
    """Print what was missed, and how late everything was."""
    back_s = [heard.begun_s[-1] - cut_s for heard in crowd if len(heard.begun_s) > 1]
    wanted = defaultdict(list)
    for id_, (_, name) in told.items():
        wanted[name].append(id_)
    missed = repeated = 0
    for heard in (*crowd, *steady):
        every = list(told) if FIREHOSE in heard.name else wanted[heard.name]
        got = [id_ for id_, _ in heard.events]
        missed += len(set(every) - set(got))
        repeated += len(got) - len(set(got))
    end_s = cut_s + max(back_s)
    calm = late(told, steady, 0, cut_s)
    during = late(told, steady, cut_s, end_s)
    again = [
        at_s - told[id_][0]
        for heard in crowd
        for id_, at_s in heard.events
        if told[id_][0] > heard.begun_s[-1] > cut_s
    ]
    title(f"{len(crowd):,} subscribers cut at once, {RATE} entries/s")
    show("back", len(back_s), "subscribers", "all" if came_back else "not all in time")
    show("back, half of them", percentile(back_s, 0.5), "s")
    show("back, the last one", max(back_s), "s", "aim: 30 or less")
    show("missed", missed, "events", f"of {len(told):,} published; aim: none")
    show("repeated", repeated, "events", "aim: none")
    show("a live event during the storm, p99", percentile(during, 0.99), "s", "aim: 1")
    show("the same to who is back, p99", percentile(again, 0.99), "s")
    show("the same before the cut, p99", percentile(calm, 0.99), "s", "the reference")


def late(
    told: Told, listeners: Sequence[Heard], from_s: float, to_s: float
) -> list[float]:
    """How late events were that were published between two times."""
    return [
        at_s - told[id_][0]
        for heard in listeners
        for id_, at_s in heard.events
        if from_s <= told[id_][0] <= to_s
    ]


def serve(pipe: Pipe, agents: int) -> None:
    """Be the server, as the pipe says."""
    _crowd.raise_file_limit()
    uvloop.run(_serve(pipe, agents))


async def _serve(pipe: Pipe, agents: int) -> None:
    server = Server(AUTH, StreamSettings())
    await server.tails.start()
    traffic = Traffic(agents)
    for raw in traffic.begin():
        server.tails.take(raw.tailed())
    entries = traffic.entries(int(RATE * (2 * CALM_S + BACK_S + 10)))
    app = create_server(server.services, [server.gateway.routes()])
    async with listening(app, server.services.settings) as url:
        pipe.send(int(url.rpartition(":")[2]))
        await asyncio.to_thread(pipe.recv)
        told: Told = {}
        feeding = asyncio.create_task(_feed(server, entries, told))
        await asyncio.sleep(CALM_S)
        _cut(server)
        pipe.send(time.monotonic())
        await asyncio.to_thread(pipe.recv)
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding
        pipe.send(told)
        await asyncio.Event().wait()


async def _feed(server: Server, entries: Sequence[Raw], told: Told) -> None:
    """Publish so many a second, and note when."""
    begun_s = time.monotonic()
    for number, raw in enumerate(entries):
        await asyncio.sleep(begun_s + number / RATE - time.monotonic())
        at_s = time.monotonic()
        server.tails.take(raw.tailed())
        for event in server.services.hub.ring.newest(1)[0].events:
            names = [name for field, name in event.terms if field == "agents"]
            told[str(event.position)] = (at_s, names[0] if names else "")


def _cut(server: Server) -> None:
    for connection in server.gateway.connections():
        access = connection.session.access
        if access is not None and FIREHOSE not in access.subject:
            connection._socket.transport.abort()


def listen(pipe: Pipe, port: int, names: Sequence[str]) -> None:
    """Be a subscriber for each of *names*, until the pipe says stop."""
    _crowd.raise_file_limit()
    uvloop.run(_listen(pipe, port, names))


async def _listen(pipe: Pipe, port: int, names: Sequence[str]) -> None:
    crowd = [Heard(name, [], []) for name in names]
    opening = asyncio.Semaphore(100)
    tasks = [asyncio.create_task(_follow(port, heard, opening)) for heard in crowd]
    await _until(crowd, 1)
    pipe.send("listening")
    if FIREHOSE not in names[0]:
        await _until(crowd, 2)
        pipe.send("back")
    await asyncio.to_thread(pipe.recv)
    pipe.send(crowd)
    for task in tasks:
        task.cancel()


async def _until(crowd: Sequence[Heard], times: int) -> None:
    """Wait until everybody has been let in so often."""
    while any(len(heard.begun_s) < times for heard in crowd):  # noqa: ASYNC110 measured
        await asyncio.sleep(0.05)


async def _follow(port: int, heard: Heard, opening: asyncio.Semaphore) -> None:
    """Come back whenever the connection is lost, as tracker's client does."""
    firehose = FIREHOSE in heard.name
    wanted = Filter() if firehose else Filter(agents=frozenset({heard.name}))
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    limits = Limits(agents=None if firehose else frozenset({heard.name}))
    token = mint(AUTH, heard.name, {"calls:read"}, limits, expires_at)
    follower, failures = Follower(wanted, snapshot=False), 0
    loop = asyncio.get_running_loop()
    async with opening:
        _, socket = await loop.create_connection(
            lambda: Socket(follower, heard, token), "127.0.0.1", port
        )
        await socket.let_in
    while True:
        await socket.lost
        failures = 1 if socket.let_in.done() else failures + 1
        await asyncio.sleep(pause_s(failures, random.random()))  # noqa: S311
        _, socket = await loop.create_connection(
            lambda: Socket(follower, heard, token), "127.0.0.1", port
        )


class Socket(asyncio.Protocol):
    """A WebSocket that costs its machine next to nothing: the server is measured."""

    def __init__(self, follower: Follower, heard: Heard, token: str) -> None:
        loop = asyncio.get_running_loop()
        self.let_in: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._follower, self._heard, self._token = follower, heard, token
        self._unread = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is its own
        self._transport.write(HANDSHAKE % self._token.encode())

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._open:
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 101 " in head, head
            self._open, self._unread = True, rest
            self._transport.write(masked(1, self._follower.subscribe().encode()))
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost.set_result(None)

    def _frame(self) -> tuple[int, bytes] | None:
        """The first whole frame: its opcode and payload (RFC 6455, 5.2)."""
        unread = self._unread
        size, begin = (unread[1] if len(unread) > 1 else 0), 2
        if size > 125:  # a mark: the length is behind it
            begin = 4 if size == 126 else 10
            size = int.from_bytes(unread[2:begin], "big")
        if len(unread) < begin + size:
            return None
        self._unread = unread[begin + size :]
        return unread[0] & 15, unread[begin : begin + size]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(masked(PONG, payload))
        if opcode != TEXT:
            return
        message = self._follower.receive(payload)
        if isinstance(message, Begun):
            self._heard.begun_s.append(time.monotonic())
            self.let_in.set_result(None)
        elif isinstance(message, Event):
            self._heard.events.append((message.body["id"], time.monotonic()))


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame under a mask of zeros."""
    size = len(payload)
    head = bytes((0x80 | opcode,))
    if size < 126:
        return head + bytes((0x80 | size,)) + bytes(4) + payload
    return head + b"\xfe" + size.to_bytes(2, "big") + bytes(4) + payload
