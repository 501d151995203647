"""Which sources this process owns: leases taken, renewed, lost and given back."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from tracker.domain.entry import Resync
from tracker.domain.key import account_of, partition_of
from tracker.domain.placement import owner_of
from tracker.domain.reading import Alive
from tracker.errors import ConfigError, StoreError
from tracker.ingest.runner import Runner
from tracker.providers.base import Account, Source
from tracker.store.leases import Lease, Leases
from tracker.store.registry import Registry

log = structlog.get_logger(__name__)

ROLE = "ingest"
EVERY_S = 1.0
_STOP_S = 1.5
_LEAVE_S = 1.0
_RENEWALS = 3
"""Of a lease, before it would run out."""


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
        self._spent: dict[str, int] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._known: dict[str, Mapping[str, Source]] = {}
        self._unreadable: dict[str, str] = {}
        self._shares: tuple[object, set[str]] = (None, set())
        self._has_looked = False

    @property
    def runners(self) -> list[Runner]:
        """The sources owned now."""
        return [runner for runner, _ in self._running.values()]

    def alive(self) -> Alive:
        """This process's sign of life, with the owned sources that are blind now."""
        return Alive(
            process=self._process,
            overdue=tuple(filter(None, (one.overdue() for one in self.runners))),
            unread=tuple(filter(None, (one.unread for one in self.runners))),
        )

    def is_gone(self, source: str) -> bool:
        """The settings do not name it; False while they cannot be read."""
        is_known = any(source in sources for sources in self._known.values())
        can_tell = self._has_looked and account_of(source) not in self._unreadable
        return can_tell and not is_known

    def resync(self, asked: Resync) -> None:
        """A keeper found a hole in what an owned source told."""
        owned = self._running.get(asked.source)
        if owned is not None and owned[0].token == asked.token:
            owned[0].source.resync()

    def tell_again(self) -> None:
        """What was told is lost somewhere: all sources are to tell everything anew."""
        for runner in self.runners:
            runner.tell_again()

    async def run(self) -> None:
        """Own this process's share until cancelled; then give all of it back."""
        away = False
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await self._balance()
                    away = False
                except StoreError as error:
                    if not away:
                        log.warning("ingest_store_away", error=str(error))
                    away = True
                    if loop.time() - self._renewed_at_s > self._lease_s:
                        await self._stop(list(self._running))
                await asyncio.sleep(EVERY_S)
        finally:
            await self._leave()

    async def _balance(self) -> None:
        live = await self._registry.live(ROLE, self._process)
        sources = self._sources()
        mine = self._share(sources, tuple(sorted(live)))
        await self._part(sources, mine)
        if mine == self._running.keys() and not self._is_due():
            return
        held = await self._take(mine)
        self._renewed_at_s = asyncio.get_running_loop().time()
        lost = [
            key
            for key, (runner, _) in self._running.items()
            if key not in held or held[key].token != runner.token
        ]
        await self._stop(lost)
        for key in held.keys() - self._running.keys():
            self._start(sources[key], held[key])

    def _is_due(self) -> bool:
        """The leases are to be renewed now, not to run out before the next time."""
        age_s = asyncio.get_running_loop().time() - self._renewed_at_s
        return age_s >= self._lease_s / _RENEWALS

    async def _part(self, sources: Mapping[str, Source], mine: set[str]) -> None:
        """End what is gone, changed, broken or somebody else's by now."""
        over = {
            key: runner
            for key, (runner, task) in self._running.items()
            if key not in mine or sources[key] is not runner.source or task.done()
        }
        await self._stop(list(over))
        for key in over.keys() - sources.keys():
            task = asyncio.create_task(over[key].retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        await self._release(list(over))

    def _sources(self) -> dict[str, Source]:
        for account in self._accounts:
            try:
                self._known[account.key] = account.sources()
                self._unreadable.pop(account.key, None)
            except ConfigError as error:
                key, why = account.key, str(error)
                if why != self._unreadable.get(key):
                    log.error("agents_unreadable", account=key, error=why)
                self._unreadable[key] = why
                self._known.setdefault(key, {})
        self._has_looked = True
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
        """The leases held now, none with a token that an earlier runner told with.

        A runner's numbers begin at 1 again, which under the same token are repeats.
        """
        held: dict[str, Lease] = {}
        for partition, names in self._by_partition(keys).items():
            leases = self._leases[partition]
            taken = await leases.take(names)
            spent = [
                key
                for key, lease in taken.items()
                if key not in self._running and self._spent.get(key) == lease.token
            ]
            await leases.release(spent)
            for key in spent:
                del taken[key]
            held |= taken | await leases.take(spent)
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
        self._spent[source.key] = lease.token
        self._running[source.key] = (runner, asyncio.create_task(runner.run()))

    async def _leave(self) -> None:
        """Give everything back, as far as the store answers in time."""
        owned = list(self._running)
        await self._stop(owned)
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await self._registry.leave(ROLE, self._process)
                await self._release(owned)
                await asyncio.gather(*self._retiring)
        for task in self._retiring:
            task.cancel()

    async def _stop(self, keys: Sequence[str]) -> None:
        """End these runners; one that does not end within its time is told so."""
        tasks = [self._running.pop(key)[1] for key in keys if key in self._running]
        for task in tasks:
            task.cancel()
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=_STOP_S)
            if slow:
                log.error("sources_slow_to_stop", count=len(slow))
