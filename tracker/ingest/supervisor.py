"""Which sources this process owns: leases taken, renewed, lost and given back."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from tracker.domain.entry import Resync
from tracker.domain.key import partition_of
from tracker.domain.placement import owner_of
from tracker.domain.reading import Overdue
from tracker.errors import ConfigError, StoreError
from tracker.ingest.runner import Runner
from tracker.providers.base import Account, Source
from tracker.store.leases import Lease, Leases
from tracker.store.registry import Registry

log = structlog.get_logger(__name__)

ROLE = "ingest"
EVERY_S = 1.0
_STOP_S = 1.5


class Supervisor:
    """Owns this process's share of all sources.

    A process that cannot renew in time stops its sources by itself: somebody else
    owns them by then.

    Args:
        accounts: All accounts of the settings.
        registry: Who lives.
        process: This process's id.
        leases: Per partition.
        lease_s: How long they hold.
        new_runner: Makes what observes a source under its lease.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        registry: Registry,
        process: str,
        leases: Sequence[Leases],
        lease_s: float,
        new_runner: Callable[[Source, Lease], Runner],
    ) -> None:
        self._accounts = accounts
        self._registry = registry
        self._process = process
        self._leases = leases
        self._lease_s = lease_s
        self._new_runner = new_runner
        self._running: dict[str, tuple[Runner, asyncio.Task[None]]] = {}
        self._renewed_at_s = 0.0
        self._known: dict[str, Mapping[str, Source]] = {}
        self._shares: tuple[object, set[str]] = (None, set())

    @property
    def runners(self) -> list[Runner]:
        """The sources owned now."""
        return [runner for runner, _ in self._running.values()]

    def overdue(self) -> tuple[Overdue, ...]:
        """The owned sources that are blind now."""
        now_s = asyncio.get_running_loop().time()
        ages = [(runner, runner.overdue_s(now_s)) for runner in self.runners]
        return tuple(
            Overdue(runner.source.key, runner.token, round(age_s, 3))
            for runner, age_s in ages
            if age_s is not None
        )

    def resync(self, asked: Resync) -> None:
        """A keeper found a hole in what an owned source told."""
        owned = self._running.get(asked.source)
        if owned is not None and owned[0].token == asked.token:
            owned[0].source.resync()

    async def run(self) -> None:
        """Own this process's share until cancelled; then give all of it back."""
        away = False
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await self._balance()
                    self._renewed_at_s, away = loop.time(), False
                except StoreError as error:
                    if not away:
                        log.warning("ingest_store_away", error=str(error))
                    away = True
                    if loop.time() - self._renewed_at_s > self._lease_s:
                        await self._stop(list(self._running))
                await asyncio.sleep(EVERY_S)
        finally:
            owned = list(self._running)
            await self._stop(owned)
            with suppress(StoreError):
                await self._registry.leave(ROLE, self._process)
                await self._release(owned)

    async def _balance(self) -> None:
        live = await self._registry.live(ROLE, self._process)
        sources = self._sources()
        mine = self._share(sources, tuple(sorted(live)))
        changed = [
            key
            for key, (runner, _) in self._running.items()
            if key not in mine or sources[key] is not runner.source
        ]
        gone = [key for key in changed if key not in sources]
        for key in gone:
            await self._retire(key)
        await self._stop(changed)
        await self._release([key for key in changed if key not in mine])
        held = await self._take(mine)
        lost = [
            key
            for key, (runner, _) in self._running.items()
            if key not in held or held[key].token != runner.token
        ]
        await self._stop(lost)
        for key in held.keys() - self._running.keys():
            self._start(sources[key], held[key])

    def _sources(self) -> dict[str, Source]:
        for account in self._accounts:
            try:
                self._known[account.key] = account.sources()
            except ConfigError as error:
                log.error("agents_unreadable", account=account.key, error=str(error))
                self._known.setdefault(account.key, {})
        return {
            key: source
            for sources in self._known.values()
            for key, source in sources.items()
        }

    def _share(self, sources: Mapping[str, Source], live: tuple[str, ...]) -> set[str]:
        """The sources that should be here; the same question has the same answer."""
        question = (live, frozenset(sources))
        if question != self._shares[0]:
            mine = {key for key in sources if owner_of(key, live) == self._process}
            self._shares = (question, mine)
        return self._shares[1]

    async def _take(self, keys: set[str]) -> dict[str, Lease]:
        held: dict[str, Lease] = {}
        for partition, names in self._by_partition(keys).items():
            held |= await self._leases[partition].take(names)
        return held

    async def _release(self, keys: Sequence[str]) -> None:
        for partition, names in self._by_partition(keys).items():
            await self._leases[partition].release(names)

    def _by_partition(self, keys: Sequence[str] | set[str]) -> dict[int, list[str]]:
        found: defaultdict[int, list[str]] = defaultdict(list)
        for key in keys:
            found[partition_of("source", key, len(self._leases))].append(key)
        return found

    def _start(self, source: Source, lease: Lease) -> None:
        runner = self._new_runner(source, lease)
        self._running[source.key] = (runner, asyncio.create_task(runner.run()))

    async def _retire(self, key: str) -> None:
        runner, task = self._running[key]
        task.cancel()
        await asyncio.wait([task], timeout=_STOP_S)
        await runner.retire()

    async def _stop(self, keys: Sequence[str]) -> None:
        """End these runners; one that does not end within its time is told so."""
        tasks = [self._running.pop(key)[1] for key in keys if key in self._running]
        for task in tasks:
            task.cancel()
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=_STOP_S)
            if slow:
                log.error("sources_slow_to_stop", count=len(slow))
