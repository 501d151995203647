"""The role that ingests, wired: what a process does about its share of sources."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from tracker.ingest.asks import follow_asks
from tracker.ingest.executor import Executor, serve_source
from tracker.ingest.pulse import Pulse
from tracker.ingest.retirement import Retirement
from tracker.ingest.runner import RETIRED, Lock, OnUnreadable, Runner
from tracker.ingest.story import Story
from tracker.ingest.supervisor import Supervisor
from tracker.ingest.writer import Writer
from tracker.providers.base import Account, Source
from tracker.store.asks import Asks
from tracker.store.inbox import Inbox
from tracker.store.keys import PartitionKeys
from tracker.store.leases import Lease, Leases
from tracker.store.redis import Keyspace
from tracker.store.registry import Registry
from tracker.store.scan import items


class Ways(NamedTuple):
    """Into the store, and who shares it; all but the registry are per partition."""

    redis: Keyspace
    keys: Sequence[PartitionKeys]
    inboxes: Sequence[Inbox]
    leases: Sequence[Leases]
    registry: Registry


class IngestRole:
    """Observes sources, tells what they say, and does there what keepers ask for.

    Args:
        ways: Of the store.
        process: This process's id.
        lease_s: How long a source's lease holds.
        accounts: All of the settings.
        on_unreadable: Told of every message that could not be read.

    Attributes:
        supervisor: Which sources are owned.
        executor: Which commands are open.
    """

    def __init__(
        self,
        ways: Ways,
        process: str,
        lease_s: float,
        accounts: Sequence[Account],
        on_unreadable: OnUnreadable,
    ) -> None:
        redis, keys, inboxes, leases, registry = ways
        self._redis, self._keys, self._process = redis, keys, process
        self._on_unreadable = on_unreadable
        self._asks = Asks(redis, keys)
        self._writer = Writer(inboxes)
        self.executor = Executor(self._writer, len(keys))
        self.supervisor = supervisor = Supervisor(
            accounts, registry, process, leases, lease_s, self.new_runner
        )
        self._pulse = Pulse(
            redis,
            inboxes,
            [one.meta for one in keys],
            supervisor.alive,
            supervisor.tell_again,
            self._writer,
        )
        self._retirement = Retirement(
            self._stored, supervisor.is_gone, leases, self._retire
        )

    async def run(self) -> None:
        """Until cancelled; then all is given back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.supervisor.run())
                group.create_task(self._pulse.run())
                group.create_task(self._retirement.run())
                for partition in range(len(self._keys)):
                    asked = partition, self.supervisor, self.executor
                    group.create_task(follow_asks(self._asks, *asked))
        finally:
            await self._writer.close()

    def new_runner(self, source: Source, lease: Lease) -> Runner:
        """What observes *source* under *lease*."""
        return Runner(
            source,
            self._story(source.key, lease),
            lease.token,
            self._writer,
            self._on_unreadable,
            self._serving,
        )

    def _serving(self, source: Source, token: int) -> AbstractAsyncContextManager[Lock]:
        return serve_source(self.executor, self._asks, source, token)

    def _story(self, source: str, lease: Lease) -> Story:
        return Story(source, lease.token, self._process, len(self._keys))

    async def _stored(self) -> AsyncIterator[str]:
        """The keys of all sources that the store has."""
        for keys in self._keys:
            async for source, _ in items(self._redis, keys.sources):
                yield source

    async def _retire(self, source: str, lease: Lease) -> None:
        await self._writer.append(self._story(source, lease).tell([RETIRED]))
