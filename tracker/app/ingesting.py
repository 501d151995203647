"""The role that ingests, wired: accounts, their sources, and where these tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass, field
from functools import partial

import structlog

from tracker.app.opened import OpenedStore
from tracker.domain.key import account_of
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
from tracker.providers.registry import PROVIDERS
from tracker.settings import Settings
from tracker.store.asks import Asks
from tracker.store.leases import Lease
from tracker.store.scan import items
from tracker.telemetry import Metrics

log = structlog.get_logger(__name__)


@asynccontextmanager
async def opened_accounts(settings: Settings) -> AsyncIterator[list[Account]]:
    """Every account of the settings, with its connections."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(open_account(section))
            for name, open_account in PROVIDERS.items()
            for section in getattr(settings, name)
        ]


async def read_agents(settings: Settings) -> None:
    """Look once for who is to be observed, before anything is started.

    Raises:
        ConfigError: The place and the cure.
    """
    async with opened_accounts(settings) as accounts:
        for account in accounts:
            account.sources()


async def ingest(
    store: OpenedStore, settings: Settings, process: str, metrics: Metrics
) -> None:
    """Observe this process's share of the sources, until cancelled."""
    inboxes, leases = store.inboxes(), store.leases(process)
    writer, asks = Writer(inboxes), Asks(store.redis, store.keys)
    executor = Executor(writer, store.partitions)
    telling = _Telling(store, process, writer, executor, asks, metrics)
    async with opened_accounts(settings) as accounts:
        supervisor = Supervisor(
            accounts,
            store.registry,
            process,
            leases,
            store.settings.lease_s,
            telling.new_runner,
        )
        for account in accounts:
            for state in ("seen", "blind", "locked"):
                count = partial(_count, supervisor, account.key, state)
                metrics.sources.labels(account.key, state).set_function(count)
        offsets = [keys.meta for keys in store.keys]
        pulse = Pulse(
            store.redis,
            inboxes,
            offsets,
            supervisor.alive,
            supervisor.tell_again,
            writer,
        )
        retirement = Retirement(
            telling.stored, supervisor.is_gone, leases, telling.retire
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(supervisor.run())
                group.create_task(pulse.run())
                group.create_task(retirement.run())
                for partition in range(store.partitions):
                    following = follow_asks(asks, partition, supervisor, executor)
                    group.create_task(following)
        finally:
            await writer.close()


@dataclass
class _Telling:
    """What sources tell, and what is told of them."""

    store: OpenedStore
    process: str
    writer: Writer
    executor: Executor
    asks: Asks
    metrics: Metrics
    _logged: set[tuple[str, str]] = field(default_factory=set)

    def new_runner(self, source: Source, lease: Lease) -> Runner:
        story, serving = self._story(source.key, lease), self._serving
        token, writer = lease.token, self.writer
        return Runner(source, story, token, writer, self._on_unreadable, serving)

    async def stored(self) -> AsyncIterator[str]:
        """The keys of all sources that the store has."""
        for keys in self.store.keys:
            async for source, _ in items(self.store.redis, keys.sources):
                yield source

    async def retire(self, source: str, lease: Lease) -> None:
        await self.writer.append(self._story(source, lease).tell([RETIRED]))

    def _story(self, source: str, lease: Lease) -> Story:
        return Story(source, lease.token, self.process, self.store.partitions)

    def _serving(self, source: Source, token: int) -> AbstractAsyncContextManager[None]:
        return serve_source(self.executor, self.asks, source, token)

    def _on_unreadable(self, source: str, told: Unreadable) -> None:
        kind = (account_of(source), told.what)
        self.metrics.unreadable.labels(*kind).inc()
        if kind not in self._logged:
            self._logged.add(kind)
            log.warning("message_unreadable", source=source, shape=told.shape)


def _count(supervisor: Supervisor, account: str, state: str) -> int:
    owned = [r for r in supervisor.runners if account_of(r.source.key) == account]
    return sum(runner.state == state for runner in owned)
