"""A store with everything that keeps partitions, wired as a process wires it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.integration.cluster import Cluster
from tests.integration.store.connected import connected
from tracker.domain.changes import Policy
from tracker.domain.entry import Ask, Entry
from tracker.domain.key import make_key
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.ingest.story import Story, Tellable
from tracker.ingest.writer import Writer
from tracker.keep.keeper import Keeper
from tracker.keep.partition import Partition
from tracker.keep.role import KeepRole
from tracker.store.asks import Asks
from tracker.store.follow import BEGINNING
from tracker.store.functions import Functions
from tracker.store.inbox import Inbox
from tracker.store.keys import KEEP_LEASE, PartitionKeys
from tracker.store.leases import Lease, Leases
from tracker.store.ledger import Ledger
from tracker.store.outbox import Outbox, Tailed
from tracker.store.redis import ConnectionSettings, Keyspace
from tracker.store.registry import Registry
from tracker.store.retention import Limits, Retention

WITHIN_S = 10.0


@dataclass
class Kept:
    """One process's view of a store.

    Attributes:
        batches: How many entries each commit took, of all keepers made here.
        kept: The partitions of the keepers made here, newest last.
    """

    redis: Keyspace
    partitions: int
    epoch: str
    lease_s: float
    batches: list[int]
    kept: list[Partition]

    def __post_init__(self) -> None:
        self.policy = Policy()
        self.functions = Functions(self.redis)
        self.registry = Registry(self.redis, self.lease_s)
        self.keys = [PartitionKeys(number) for number in range(self.partitions)]
        self.outbox = Outbox(self.redis, self.partitions, self.epoch)
        self.asks = Asks(self.redis, self.keys)
        self.inboxes = [Inbox(self.redis, keys) for keys in self.keys]
        self.writer = Writer(self.inboxes)

    def ledger(self, number: int = 0) -> Ledger:
        return Ledger(self.redis, self.functions, self.keys[number], self.lease_s)

    def leases(self, holder: str) -> list[Leases]:
        return [
            Leases(self.functions, keys, holder, self.lease_s) for keys in self.keys
        ]

    async def lease(self, holder: str = "p1", number: int = 0) -> Lease:
        """The keeper's, which must be free."""
        held = await self.leases(holder)[number].take([KEEP_LEASE])
        return held[KEEP_LEASE]

    def retention(self, number: int = 0, limits: Limits | None = None) -> Retention:
        limits = limits or Limits()
        return Retention(self.redis, self.keys[number], limits, self.partitions)

    def keeper(self, number: int = 0) -> Keeper:
        partition = Partition(number, self.partitions, self.policy)
        self.kept.append(partition)
        return Keeper(
            self.ledger(number),
            self.inboxes[number],
            self.retention(number),
            partition,
            self.lease_s,
            lambda _, entries: self.batches.append(entries),
        )

    def role(self, process: str) -> KeepRole:
        return KeepRole(self.registry, process, self.leases(process), self.keeper)

    async def run(self, holder: str = "p1", number: int = 0) -> None:
        """Keep one partition, for as long as its lease holds."""
        lease = await self.lease(holder, number)
        await self.keeper(number).run(self.epoch, lease)


@asynccontextmanager
async def opened(
    url: str,
    partitions: int = 1,
    lease_s: float = 10.0,
    settings: ConnectionSettings | None = None,
) -> AsyncIterator[Kept]:
    async with connected(url, settings) as redis:
        epoch, _ = await Registry(redis).open(partitions)
        kept = Kept(redis, partitions, epoch, lease_s, [], [])
        try:
            yield kept
        finally:
            await kept.writer.close()


@asynccontextmanager
async def running(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Beside the test, until it ends; what ends by itself with an error fails it."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        failed = [task for task in tasks if task.done() and task.exception()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in failed:
            task.result()


class Teller:
    """One owner of a source, that tells what a test says.

    Args:
        kept: Whose inboxes.
        name: Of the source.
        token: Of its lease.
        process: The owner.
    """

    def __init__(
        self, kept: Kept, name: str = "jdoe", token: int = 1, process: str = "p1"
    ) -> None:
        self.key = make_key("genesys", "acme", name)
        self.story = Story(self.key, token, process, kept.partitions)
        self._writer = kept.writer

    async def tell(self, *readings: Tellable) -> None:
        """Append one turn; return when it is stored."""
        await self._writer.append(self.story.tell(readings))


class Listener:
    """Reads every outbox, as a serving process does.

    Attributes:
        entries: What was read, in order of each partition.
        asked: What keepers asked of sources' owners, likewise.
        lost: Partitions that the reader was told to read anew, each time; it went on
            with what came after.
    """

    def __init__(self, outbox: Outbox, asks: Asks) -> None:
        self.entries: list[Tailed] = []
        self.asked: list[Ask] = []
        self.lost: list[int] = []
        self._outbox = outbox
        self._asks = asks
        self._news = asyncio.Event()

    async def run(self, partition: int) -> None:
        """Follow one partition, until cancelled."""
        after = BEGINNING
        while True:
            try:
                async for batch in self._outbox.tail(partition, after):
                    self.entries += batch
                    after = batch[-1].id if batch else after
                    self._news.set()
            except PositionLostError:
                await self._outbox.refresh()
                after = await self._outbox.end(partition)
                self.lost.append(partition)
                self._news.set()
            except StoreUnavailableError:
                await asyncio.sleep(0.05)

    async def hear(self, partition: int) -> None:
        """Follow one partition's asks, until cancelled."""
        after = BEGINNING
        while True:
            try:
                async for batch in self._asks.follow(partition, after):
                    self.asked += [asked.ask for asked in batch]
                    after = batch[-1].id if batch else after
                    self._news.set()
            except PositionLostError:
                after = BEGINNING
            except StoreUnavailableError:
                await asyncio.sleep(0.05)

    async def until(self, what: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        """Wait for news that make *what* true."""
        async with asyncio.timeout(within_s):
            while not what():
                self._news.clear()
                await self._news.wait()

    def headers(self, key: str) -> list[Entry]:
        """Every version of one entity."""
        headers = (tailed.header for tailed in self.entries)
        return [h for h in headers if isinstance(h, Entry) and h.key == key]

    def snapshots(self, key: str) -> list[dict[str, Any]]:
        """The public form of one entity, version by version."""
        headers = self.headers(key)
        found = [t.snapshot for t in self.entries if t.header in headers and t.snapshot]
        return [json.loads(raw) for raw in found]

    def states(self, key: str) -> list[str | None]:
        """The recording states of a call, one after the other."""
        states: list[str | None] = []
        for header in self.headers(key):
            state = header.after.state if header.after else None
            if not states or states[-1] != state:
                states.append(state)
        return states

    def facts(self, key: str) -> list[str]:
        """What was told of an entity, without the prefix."""
        facts = (fact for header in self.headers(key) for fact in header.facts)
        return [fact.type.removeprefix("tracker.") for fact in facts]


@asynccontextmanager
async def listening(kept: Kept) -> AsyncIterator[Listener]:
    listener, numbers = Listener(kept.outbox, kept.asks), range(kept.partitions)
    async with running(*map(listener.run, numbers), *map(listener.hear, numbers)):
        yield listener


async def everything(redis: Keyspace) -> dict[bytes, bytes]:
    """All keys of a server with their values, to compare."""
    names = sorted(await redis.call("", "KEYS", "*"))
    return {name: await redis.call(name, "DUMP", name) for name in names}


def flush(cluster: Cluster) -> None:
    """Empty it."""
    for node in cluster.nodes:
        if node.info("replication")["role"] == "master":
            node.run("FLUSHALL")
