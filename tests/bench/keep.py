"""Inbox, decide, commit, tail: transitions per second and latency in one process.

The reference is `redis-benchmark` calling the same commit function with the same
arguments, over and over, on the same server.
"""

import asyncio
import re
import shutil
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import uvloop

from tests.bench.figures import percentile, show
from tracker.app.opened import OpenedStore, opened_store
from tracker.app.run import spare_the_collector
from tracker.domain.changes import Policy
from tracker.domain.entry import Entry
from tracker.domain.key import make_key, partition_of
from tracker.domain.reading import Alive, Checkpoint, Observation, Stamp, Told
from tracker.domain.terms import ALL_ACTIONS, RecordingState
from tracker.keep.keeper import Keeper
from tracker.keep.partition import Partition
from tracker.keep.role import KeepRole
from tracker.keep.writes import operations
from tracker.settings import StoreSettings
from tracker.store.inbox import Inbox
from tracker.store.keys import KEEP_LEASE
from tracker.store.ledger import Batch, Ledger, Written
from tracker.store.redis import Value
from tracker.store.retention import Retention

CALLS = 1000
FLAT_OUT = 40_000
PACED_PER_S = 1000
PACED_S = 10
REFERENCE_CALLS = 3_000
INPUTS_PER_ENTRY = 4
PROCESS = "bench"
ALIVE_EVERY_S = 2.0
UNDER_WAY = 8  # entries that one partition's producers have sent without an answer


class Traffic:
    """Two-leg calls whose first leg is paused and resumed in turn."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._numbers: Counter[tuple[str, int]] = Counter()
        self._turns = [0] * CALLS
        self.keys = [make_key("genesys", "bench", f"{n:032X}") for n in range(CALLS)]

    def begun(self) -> Iterator[tuple[int, Told]]:
        """Every source's first read, and every call's first notifications."""
        shown = Checkpoint(process=PROCESS, fresh=True)
        for call, leg in product(range(CALLS), (0, 1)):
            partition, source = self._place(call, leg)
            if not self._numbers[source, partition]:
                yield partition, self._next(partition, source, shown)
            yield self.told(call, leg, "recording")

    def told(self, call: int, leg: int, recording: RecordingState) -> tuple[int, Told]:
        """A notification about a leg, and its partition."""
        key, agent = self.keys[call], _agent(call, leg)
        partition, source = self._place(call, leg)
        reading = Observation(
            call=key,
            leg_id=key,
            state="active",
            recording=recording,
            agent=agent,
            team="sales",
            number="15000",
            device="631608b3-ceb1-472b-ba05-2ae39555b0d1",
            expected="always",
            actions=ALL_ACTIONS,
            type="internal",
            dnis="15001",
            provider_ids={"connId": "007102719818001f"},
        )
        return partition, self._next(partition, source, reading)

    def transition(self, call: int) -> tuple[int, Told]:
        """The call's next one."""
        self._turns[call] += 1
        return self.told(call, 0, "paused" if self._turns[call] % 2 else "recording")

    def _place(self, call: int, leg: int) -> tuple[int, str]:
        source = make_key("genesys", "bench", _agent(call, leg))
        return partition_of("call", self.keys[call], self._partitions), source

    def _next(
        self, partition: int, source: str, reading: Observation | Checkpoint
    ) -> Told:
        self._numbers[source, partition] += 1
        stamp = Stamp(source, 1, self._numbers[source, partition])
        return Told(stamp=stamp, reading=reading)


def _agent(call: int, leg: int) -> str:
    return f"agent-{call % 250}-{leg}"


@dataclass
class Run:
    """Keepers and tails over one store, in this process."""

    store: OpenedStore
    traffic: Traffic
    inboxes: list[Inbox]
    seen: int = 0
    appended_at_s: dict[str, float] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    commits: Counter[str] = field(default_factory=Counter)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def tail(self, partition: int) -> None:
        """Count what comes out, and how long it took."""
        outbox = self.store.outbox(Policy())
        async for batch in outbox.tail(partition, "0-0"):
            now_s = time.perf_counter()
            for tailed in batch:
                if isinstance(tailed.header, Entry) and tailed.header.entity == "call":
                    self.seen += 1
                    began_s = self.appended_at_s.pop(tailed.header.key, None)
                    if began_s is not None:
                        self.latencies_s.append(now_s - began_s)
            self._news.set()

    async def live(self) -> None:
        """Give signs of life, as a process that ingests does."""
        while True:
            for inbox in self.inboxes:
                await inbox.append([Alive(process=PROCESS)])
            await asyncio.sleep(ALIVE_EVERY_S)

    async def until_seen(self, count: int) -> None:
        """Wait until so many changes came out."""
        while self.seen < count:
            self._news.clear()
            await self._news.wait()

    def keeper(self, number: int) -> Keeper:
        """Of one partition, as a process would have it."""
        store, keys = self.store, self.store.keys[number]
        return Keeper(
            Ledger(store.redis, store.functions, keys, 10.0),
            self.inboxes[number],
            Retention(store.redis, keys, store.limits, store.partitions),
            Partition(number, store.partitions, Policy()),
            10.0,
            lambda _partition, entries: self.commits.update(n=1, entries=entries),
        )


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[Run]:
    """A store with all its keepers and tails."""
    async with opened_store(StoreSettings(data_dir=data_dir)) as store:
        run = Run(store, Traffic(store.partitions), store.inboxes())
        role = KeepRole(store.registry, "bench", store.leases("bench"), run.keeper)
        tasks = [asyncio.create_task(role.run()), asyncio.create_task(run.live())]
        tasks += [asyncio.create_task(run.tail(n)) for n in range(store.partitions)]
        try:
            yield run
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def flat_out(run: Run) -> float:
    """As much as it takes; transitions per second."""
    lanes: list[list[Told]] = [[] for _ in run.inboxes]
    for partition, told in run.traffic.begun():
        await run.inboxes[partition].append([told])
    await run.until_seen(2 * CALLS)
    for n in range(FLAT_OUT):
        partition, told = run.traffic.transition(n % CALLS)
        lanes[partition].append(told)
    run.commits.clear()
    began_s, cpu_s = time.perf_counter(), time.process_time()

    async def feed(partition: int) -> None:
        inbox, entries = run.inboxes[partition], batched(lanes[partition])
        for begun in range(0, len(entries), UNDER_WAY):
            sent = map(inbox.append, entries[begun : begun + UNDER_WAY])
            await asyncio.gather(*sent)

    await asyncio.gather(*(feed(partition) for partition in range(len(lanes))))
    await run.until_seen(2 * CALLS + FLAT_OUT)
    per_s = FLAT_OUT / (time.perf_counter() - began_s)
    show("flat out", per_s, "transitions/s")
    cpu_us = (time.process_time() - cpu_s) / FLAT_OUT * 1e6
    show("CPU of this process", cpu_us, "us/transition", "producer and tail included")
    show("transitions per commit", FLAT_OUT / run.commits["n"], "")
    return per_s


def batched(lane: list[Told]) -> list[list[Told]]:
    """The inbox entries that *lane* goes in."""
    size = INPUTS_PER_ENTRY
    return [lane[start : start + size] for start in range(0, len(lane), size)]


async def paced(run: Run) -> None:
    """Latency from before the append to after the tail."""
    run.latencies_s.clear()
    loop = asyncio.get_running_loop()
    began_s, under_way = loop.time(), set()
    for n in range(PACED_PER_S * PACED_S):
        partition, told = run.traffic.transition(n % CALLS)
        run.appended_at_s[run.traffic.keys[n % CALLS]] = time.perf_counter()
        task = loop.create_task(run.inboxes[partition].append([told]))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        await asyncio.sleep(max(0.0, began_s + n / PACED_PER_S - loop.time()))
    await run.until_seen(2 * CALLS + FLAT_OUT + PACED_PER_S * PACED_S)
    note = f"{len(run.latencies_s)} at {PACED_PER_S}/s"
    show("inbox to tail, p50", percentile(run.latencies_s, 0.5) * 1e3, "ms", note)
    show("inbox to tail, p99", percentile(run.latencies_s, 0.99) * 1e3, "ms", note)


async def reference(store: OpenedStore) -> float | None:
    """Transitions per second of `redis-benchmark` with the commit of one batch."""
    program = shutil.which("redis-benchmark")
    if program is None or store.server is None:
        return None
    ledger = Ledger(store.redis, store.functions, store.keys[0], 600.0)
    held = await store.leases("reference")[0].take([KEEP_LEASE])
    await ledger.adopt(store.epoch, 1)
    size, traffic = 33, Traffic(1)
    partition = Partition(0, 1, Policy())
    now = await ledger.now()
    for n in range(size):
        partition.fold(f"{n}-1", now, [traffic.told(n, 0, "recording")[1]])
    writes, _ = operations(ledger.keys, partition, Written())
    batch = Batch("0-0", "0-0", "x__rand_int__", writes)
    keys, args = ledger.arguments(batch, store.epoch, held[KEEP_LEASE])
    await store.functions.load()
    command: list[Value] = ["FCALL", store.functions.name("commit"), len(keys)]
    words = [w if isinstance(w, bytes) else str(w) for w in [*command, *keys, *args]]
    socket = store.server.url.removeprefix("unix://")
    options = ["-s", socket, "-n", str(REFERENCE_CALLS), "-c", "16", "-r", "1000000"]
    process = await asyncio.create_subprocess_exec(
        program, *options, "-q", *words, stdout=PIPE, stderr=DEVNULL
    )
    printed, _ = await process.communicate()
    rates = re.findall(rb"([\d.]+) requests per second", printed)
    return float(rates[-1]) * size


async def bench() -> None:
    """Run all of it on embedded stores of its own."""
    spare_the_collector()
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        async with running(Path(folder) / "run") as run:
            per_s = await flat_out(run)
            await paced(run)
        async with opened_store(StoreSettings(data_dir=Path(folder) / "ref")) as store:
            bare = await reference(store)
        if bare is None:
            show("reference", 0, "", "redis-benchmark is not on PATH")
        else:
            show("redis-benchmark, commits of 33", bare, "transitions/s")
            show("ratio to it", per_s / bare, "")


def main(_args: list[str]) -> None:
    """Print the figures."""
    uvloop.run(bench())
