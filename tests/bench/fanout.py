"""Events to many WebSockets: deliveries per second on one core, and memory per socket.

The reference is the same server, subscriptions and events, but with one
``await ws.send_str()`` per event and subscriber.
"""

import asyncio
import gc
import multiprocessing
import time
from collections.abc import AsyncGenerator, Sequence
from ctypes import c_uint64
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.sharedctypes import RawValue
from typing import NamedTuple

import psutil
import uvloop
from aiohttp import web

from tests.bench import _crowd
from tests.bench._traffic import Raw, Traffic, agent
from tests.bench.figures import show, title
from tests.unit.outlets.unkept import Unkept
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.published import Published
from tracker.fanout.replay import Replay
from tracker.fanout.ring import Ring
from tracker.fanout.tail import Tails
from tracker.fanout.waiting import Waiting
from tracker.outlets.auth import Authenticator, AuthSettings
from tracker.outlets.payload import ServerSettings, Services
from tracker.outlets.server import create_server
from tracker.outlets.websocket.gateway import Gateway
from tracker.outlets.websocket.settings import StreamSettings
from tracker.store.follow import BEGINNING
from tracker.store.outbox import Outbox, Stored, Tailed
from tracker.telemetry import Metrics

CHUNK = 2_000
"""Entries between two looks at the clock."""
TURN = 50
"""Entries that arrive in one turn of the event loop."""
WINDOW_BYTES = 64 << 20
"""On the way to the clients at most: they have a core, not a network."""


class Scenario(NamedTuple):
    """Who listens, and to how much."""

    name: str
    agents: int
    firehoses: int
    entries: int
    reference_entries: int

    def filters(self) -> list[dict[str, object]]:
        """One per subscriber."""
        named: list[dict[str, object]] = [
            {"agents": [agent(number)]} for number in range(self.agents)
        ]
        return [*named, *({} for _ in range(self.firehoses))]

    def receivers(self, event: Published) -> int:
        """How many get *event*: its call's agents, if any listen, and all firehoses."""
        named = {name for field, name in event.terms if field == "agents"}
        return self.firehoses + (len(named) if self.agents else 0)


SCENARIOS = (
    Scenario("1,000 firehoses", 0, 1_000, 3_000, 150),
    Scenario("10,000 agents + 20 firehoses", 10_000, 20, 40_000, 5_000),
)


@dataclass
class Fed:
    """What was published, and what it took."""

    deliveries: int = 0
    sent_bytes: int = 0
    elapsed_s: float = 0.0
    cpu_s: float = 0.0


class Measured(NamedTuple):
    """What one run came to."""

    fed: Fed
    idle_bytes: float

    @property
    def per_s(self) -> float:
        return self.fed.deliveries / self.fed.elapsed_s

    @property
    def per_cpu_s(self) -> float:
        """What the core would deliver if nobody else worked on it."""
        return self.fed.deliveries / self.fed.cpu_s


class _NoStore(Outbox):
    """An outbox with nothing in it: entries are fed past it."""

    def __init__(self) -> None:
        self.partitions, self.epoch = 1, "bench"

    async def end(self, partition: int) -> str:
        return BEGINNING

    async def stored(self, partition: int) -> list[Stored]:
        return []

    async def read(self, partition: int, after: str, count: int) -> list[Tailed]:
        return []

    async def back(self, partition: int, newest: str) -> AsyncGenerator[list[Tailed]]:
        for page in list[list[Tailed]]():
            yield page


Queue = list[tuple[web.WebSocketResponse, Published]]


class _OneByOne:
    """The reference's subscriber: every event is a ``send_str`` of its own."""

    def __init__(self, ws: web.WebSocketResponse, queue: Queue) -> None:
        self._ws = ws
        self._queue = queue

    def deliver(self, event: Published) -> None:
        self._queue.append((self._ws, event))

    def removed(self, event: Published) -> None:
        raise AssertionError("nobody leaves a call here")

    def lost(self) -> None:
        raise AssertionError("nothing is lost here")


async def _send_one_by_one(queue: Queue) -> None:
    last: Published | None = None
    text = ""
    for ws, event in queue:
        if event is not last:
            last, text = event, event.body.decode()
        await ws.send_str(text)
    queue.clear()


async def _until(received: c_uint64, amount: int) -> None:
    while received.value < amount:  # noqa: ASYNC110 - another process counts
        await asyncio.sleep(0.0005)


HOUR_S = 3600.0
QUIET = StreamSettings(ping_interval_s=HOUR_S).model_copy(
    update={"cursor_interval_s": HOUR_S}
)


class Server:
    """The serving side without a store, in a process of its own."""

    def __init__(
        self, auth: AuthSettings | None = None, stream: StreamSettings = QUIET
    ) -> None:
        outbox = _NoStore()
        settings = ServerSettings(port=0)
        projection = Projection(outbox, settings)
        hub = Hub(Ring(1, settings.ring_entries))
        self.tails = Tails(outbox, projection, hub, settings)
        self.services = Services(
            projection=projection,
            hub=hub,
            replay=Replay(outbox, projection, hub, settings),
            outbox=outbox,
            requests=Unkept(),
            waiting=Waiting(),
            auth=Authenticator(auth or AuthSettings()),
            settings=settings,
            metrics=Metrics(),
            ready=lambda: (),
            version="bench",
        )
        self.gateway = Gateway(self.services, stream)
        self.one_by_one: Queue = []

    async def live(self, subscribers: int) -> None:
        """Return when so many subscriptions are live."""
        live = 0
        while live < subscribers:
            await asyncio.sleep(0.1)
            sessions = [c.session for c in self.gateway.connections()]
            found = (s for one in sessions for s in one.subscriptions.values())
            live = sum(subscription.since is not None for subscription in found)

    def make_reference(self) -> None:
        """Take the gateway's subscriptions out of the hub, and put plain ones in."""
        hub = self.services.hub
        for connection in self.gateway.connections():
            for subscription in connection.session.subscriptions.values():
                hub.discard(subscription.query, subscription)
                plain = _OneByOne(connection._socket.ws, self.one_by_one)
                hub.add(subscription.query, plain)

    async def feed(
        self, raws: Sequence[Raw], scenario: Scenario, received: c_uint64
    ) -> Fed:
        """Publish *raws* as fast as the clients take them, until they have them all.

        Parsing entries is the store's and is not counted.
        """
        fed = Fed()
        for first in range(0, len(raws), CHUNK):
            entries = [raw.tailed() for raw in raws[first : first + CHUNK]]
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            deliveries, sent = await self._feed(entries, scenario, received)
            fed.elapsed_s += time.perf_counter() - began_s
            fed.cpu_s += time.process_time() - began_cpu_s
            fed.deliveries += deliveries
            fed.sent_bytes += sent
        return fed

    async def _feed(
        self, entries: Sequence[Tailed], scenario: Scenario, received: c_uint64
    ) -> tuple[int, int]:
        base, sent, deliveries = received.value, 0, 0
        for first in range(0, len(entries), TURN):
            for tailed in entries[first : first + TURN]:
                self.tails.take(tailed)
                await _send_one_by_one(self.one_by_one)
            for event in self._newest(min(TURN, len(entries) - first)):
                receivers = scenario.receivers(event)
                deliveries += receivers
                sent += len(event.frame) * receivers
            await asyncio.sleep(0)
            await _until(received, base + sent - WINDOW_BYTES)
        await _until(received, base + sent)
        return deliveries, sent

    def _newest(self, count: int) -> list[Published]:
        slots = self.services.hub.ring.newest(count)
        return [event for slot in slots for event in slot.events]


async def _serve(
    pipe: Pipe, scenario: Scenario, ours: bool, received: c_uint64
) -> Measured:
    server = Server()
    await server.tails.start()
    app = create_server(server.services, [server.gateway.routes()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    process = psutil.Process()
    empty_bytes = process.memory_info().rss
    pipe.send(runner.addresses[0][1])
    count = scenario.agents + scenario.firehoses
    await server.live(count)
    await asyncio.sleep(0.5)
    idle_bytes = (process.memory_info().rss - empty_bytes) / count
    if not ours:
        server.make_reference()
    traffic = Traffic(scenario.agents or 100)
    await server.feed(list(traffic.begin()), scenario, received)
    amount = scenario.entries if ours else scenario.reference_entries
    entries = traffic.entries(amount)
    gc.collect()
    gc.freeze()  # the traffic's makings are not the server's
    return Measured(await server.feed(entries, scenario, received), idle_bytes)


def serve(pipe: Pipe, scenario: Scenario, ours: bool, received: c_uint64) -> None:
    """Run one server on one core, and send what was measured."""
    _crowd.raise_file_limit()
    _crowd.pin(0)
    pipe.send(uvloop.run(_serve(pipe, scenario, ours, received)))


def measure(scenario: Scenario, *, ours: bool) -> Measured:
    """One run, server and clients each in a process and on a core of its own."""
    context = multiprocessing.get_context("spawn")
    received = RawValue(c_uint64, 0)
    pipe, far = context.Pipe()
    server = context.Process(target=serve, args=(far, scenario, ours, received))
    server.start()
    far.close()
    crowd = context.Process(
        target=_crowd.run, args=(pipe.recv(), scenario.filters(), received)
    )
    crowd.start()
    try:
        measured: Measured = pipe.recv()
    finally:
        for process in (server, crowd):
            process.kill()
            process.join()
    return measured


def main(args: list[str]) -> None:
    """Print every scenario's figures; an argument picks those it is part of."""
    for scenario in SCENARIOS:
        if args and args[0] not in scenario.name:
            continue
        title(scenario.name)
        ours, reference = measure(scenario, ours=True), measure(scenario, ours=False)
        frame_bytes = ours.fed.sent_bytes / ours.fed.deliveries
        show("frame", frame_bytes, "bytes", "mean")
        show("deliveries", ours.per_s, "/s")
        show("deliveries, reference", reference.per_s, "/s", "one send_str each")
        show("ratio", ours.per_s / reference.per_s, "x", "aim: 4 or more")
        show("deliveries per CPU second", ours.per_cpu_s, "/s")
        show("deliveries per CPU second, reference", reference.per_cpu_s, "/s")
        ratio = ours.per_cpu_s / reference.per_cpu_s
        show("ratio per CPU second", ratio, "x", "if others use the core too")
        show("an idle connection", ours.idle_bytes / 1024, "KB RSS", "aim: 16 or less")
