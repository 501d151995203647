"""One process's ingest over a store, wired as a process wires it."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from tests.integration.store.kept import Kept
from tracker.domain.reading import Unreadable
from tracker.ingest.asks import follow_asks
from tracker.ingest.executor import Executor, serve_source
from tracker.ingest.pulse import Pulse
from tracker.ingest.retirement import Retirement
from tracker.ingest.runner import RETIRED, Runner
from tracker.ingest.story import Story
from tracker.ingest.supervisor import Supervisor
from tracker.ingest.writer import Writer
from tracker.providers.base import Account, Source
from tracker.store.leases import Lease
from tracker.store.scan import items


class Ingesting:
    """Observes its share of the sources while it runs.

    Attributes:
        tokens: Of every runner that it started, by source, in order.
    """

    def __init__(self, kept: Kept, process: str, *accounts: Account) -> None:
        self.tokens: dict[str, list[int]] = {}
        leases = kept.leases(process)
        self.writer = Writer(kept.inboxes)
        self.supervisor = Supervisor(
            accounts,
            kept.registry,
            process,
            leases,
            kept.lease_s,
            self._new_runner,
        )
        self.pulse = Pulse(
            kept.redis,
            kept.inboxes,
            [keys.meta for keys in kept.keys],
            self.supervisor.alive,
            self.supervisor.tell_again,
            self.writer,
        )
        self.retirement = Retirement(
            partial(_stored, kept), self.supervisor.is_gone, leases, self._retire
        )
        self._process = process
        self._partitions = kept.partitions
        self._asks = kept.asks
        self.executor = Executor(self.writer, kept.partitions)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.supervisor.run())
                group.create_task(self.pulse.run())
                group.create_task(self.retirement.run())
                for partition in range(self._partitions):
                    asked = self.supervisor, self.executor
                    group.create_task(follow_asks(self._asks, partition, *asked))
        finally:
            await self.writer.close()

    async def _retire(self, source: str, lease: Lease) -> None:
        story = Story(source, lease.token, self._process, self._partitions)
        await self.writer.append(story.tell([RETIRED]))

    def _new_runner(self, source: Source, lease: Lease) -> Runner:
        self.tokens.setdefault(source.key, []).append(lease.token)
        story = Story(source.key, lease.token, self._process, self._partitions)
        serving = partial(serve_source, self.executor, self._asks)
        return Runner(source, story, lease.token, self.writer, _ignore, serving)


async def _stored(kept: Kept) -> AsyncIterator[str]:
    for keys in kept.keys:
        async for source, _ in items(kept.redis, keys.sources):
            yield source


def _ignore(_: str, __: Unreadable) -> None:
    return
