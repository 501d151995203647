"""The role that ingests, of the settings: every account opened, and its metrics."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog

from tracker.app.opened import OpenedStore
from tracker.domain.key import account_of
from tracker.domain.reading import Unreadable
from tracker.ingest.role import IngestRole, Ways
from tracker.ingest.supervisor import Supervisor
from tracker.providers.base import Account
from tracker.providers.registry import PROVIDERS
from tracker.settings import Settings
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
    ways = Ways(store.redis, store.keys, inboxes, leases, store.registry)
    lease_s, unreadable = store.settings.lease_s, _Unreadable(metrics)
    async with opened_accounts(settings) as accounts:
        role = IngestRole(ways, process, lease_s, accounts, unreadable.take)
        for account in accounts:
            for state in ("seen", "blind", "locked"):
                count = partial(_count, role.supervisor, account.key, state)
                metrics.sources.labels(account.key, state).set_function(count)
        await role.run()


class _Unreadable:
    """Counts what could not be read, and logs the first of each kind."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._logged: set[tuple[str, str]] = set()

    def take(self, source: str, told: Unreadable) -> None:
        kind = (account_of(source), told.what)
        self._metrics.unreadable.labels(*kind).inc()
        if kind not in self._logged:
            self._logged.add(kind)
            log.warning("message_unreadable", source=source, shape=told.shape)


def _count(supervisor: Supervisor, account: str, state: str) -> int:
    owned = [r for r in supervisor.runners if account_of(r.source.key) == account]
    return sum(runner.state == state for runner in owned)
