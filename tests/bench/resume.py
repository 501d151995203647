"""Agents come back to a process that has just begun: what they missed, out of its ring.

A store's outbox has the last minutes of 5,000 agents, which the process reads back as
it begins; then they resume where they were cut, each with a filter of its own. The
reference is a process without a ring, which reads the store for each of them.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.bench._traffic import Raw, Traffic, agent
from tests.bench.figures import show, title
from tracker.app.opened import OpenedStore, opened_store
from tracker.app.run import spare_the_collector
from tracker.domain.changes import Policy
from tracker.fanout.cursor import Cursor, Place
from tracker.fanout.filters import Filter, Query
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.replay import Replay
from tracker.fanout.ring import Ring
from tracker.fanout.tail import Tails
from tracker.settings import StoreSettings
from tracker.store.codec import HEADER_FIELD, NUMBER_FIELD, SNAPSHOT_FIELD

AGENTS = 5_000
ENTRIES = 20_000
MISSED = 2_000
"""Entries at most since somebody was cut."""
COUNTS = {ENTRIES: 2_000, 1: 50}
"""How many resume, by how much the ring holds."""


class Begun:
    """A process that serves one store's outbox."""

    def __init__(self, store: OpenedStore, ring_entries: int) -> None:
        self._outbox = store.outbox(Policy())
        self.projection = Projection(self._outbox)
        self._hub = Hub(Ring(store.partitions, ring_entries))
        self._replay = Replay(self._outbox, self.projection, self._hub)

    async def start(self) -> float:
        """Read what there is; seconds."""
        began_s = time.perf_counter()
        await Tails(self._outbox, self.projection, self._hub).start()
        return time.perf_counter() - began_s

    async def resume(self, name: str, cursor: Cursor) -> int:
        """Events that an agent's light missed."""
        query = Query(Filter(agents=frozenset({name})))
        await self._replay.check(cursor)
        pages = self._replay.pages(query, cursor)
        return sum([len(page.events) async for page in pages])


async def _fill(store: OpenedStore, entries: Sequence[Raw]) -> list[str]:
    """Write *entries* as commits would; their ids."""
    key, ids = store.keys[0].outbox, list[str]()
    for begin in range(0, len(entries), 500):
        fields = [
            (NUMBER_FIELD, n, HEADER_FIELD, raw.header, SNAPSHOT_FIELD, raw.snapshot)
            for n, raw in enumerate(entries[begin : begin + 500], begin + 1)
        ]
        commands = [("XADD", key, "*", *pairs) for pairs in fields]
        ids += [id_.decode() for id_ in await store.redis.pipeline(key, commands)]
    return ids


async def bench(directory: Path) -> None:
    """The same agents, with and without a ring."""
    traffic = Traffic(AGENTS)
    entries = [*traffic.begin(), *traffic.entries(ENTRIES)]
    del traffic
    spare_the_collector()
    async with opened_store(StoreSettings(data_dir=directory, partitions=1)) as store:
        ids = await _fill(store, entries)
        for ring_entries, count in COUNTS.items():
            await measure(store, ids[-MISSED:], ring_entries, count)


async def measure(
    store: OpenedStore, cuts: Sequence[str], ring_entries: int, count: int
) -> None:
    """One process, and *count* agents who were cut at one of *cuts*."""
    title(f"a ring of {ring_entries:,}")
    begun = Begun(store, ring_entries)
    show("until it is ready", await begun.start(), "s")
    epoch, chosen, events = begun.projection.epoch, random.Random(7), 0  # noqa: S311 - as it falls
    began_s = time.perf_counter()
    for _ in range(count):
        cut = Cursor(epoch, (Place.parse(chosen.choice(cuts)),))
        events += await begun.resume(agent(chosen.randrange(AGENTS)), cut)
    each_ms = (time.perf_counter() - began_s) / count * 1000
    show("a resume", each_ms, "ms", f"{events / count:.2f} events, {count:,} agents")


def main(_: list[str]) -> None:
    """Run it."""
    with tempfile.TemporaryDirectory() as directory:
        uvloop.run(bench(Path(directory)))
