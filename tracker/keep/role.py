"""Which partitions this process keeps: its share of them, by rendezvous hashing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from tracker.domain.placement import owner_of
from tracker.errors import LeaseLostError, StoreError
from tracker.keep.keeper import Keeper
from tracker.store.keys import KEEP_LEASE
from tracker.store.leases import Lease, Leases
from tracker.store.registry import Registry
from tracker.store.tending import tend

log = structlog.get_logger(__name__)

ROLE = "keep"
_EVERY_S = 1.0
_LEAVE_S = 1.0


class KeepRole:
    """Takes, keeps and gives back partitions as processes come and go.

    Args:
        registry: Who lives.
        process: This process's id.
        leases: Per partition.
        new_keeper: Makes an empty keeper of a partition.
    """

    def __init__(
        self,
        registry: Registry,
        process: str,
        leases: list[Leases],
        new_keeper: Callable[[int], Keeper],
    ) -> None:
        self._registry = registry
        self._process = process
        self._leases = leases
        self._new_keeper = new_keeper
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._known: dict[int, str] = {}

    @property
    def kept(self) -> int:
        """How many partitions are kept here now."""
        return sum(not task.done() for task in self._tasks.values())

    async def run(self) -> None:
        """Keep this process's share until cancelled; then give all of it back."""
        try:
            await tend(self._balance, _EVERY_S, "keep_store_away")
        finally:
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await self._stop(list(self._tasks))
                    await self._registry.leave(ROLE, self._process)

    async def _balance(self) -> None:
        live = await self._registry.live(ROLE, self._process)
        mine = {
            number
            for number in range(len(self._leases))
            if owner_of(f"partition-{number}", live) == self._process
        }
        for number in [n for n, task in self._tasks.items() if task.done()]:
            failed = self._tasks.pop(number).exception()
            if failed is not None:
                log.error("keeper_broken", partition=number, exc_info=failed)
        await self._stop([n for n in self._tasks if n not in mine])
        for number in sorted(mine - self._tasks.keys()):
            held = await self._leases[number].take([KEEP_LEASE])
            if KEEP_LEASE in held:
                task = self._keep(number, held[KEEP_LEASE])
                self._tasks[number] = asyncio.create_task(task)

    async def _keep(self, number: int, lease: Lease) -> None:
        """Keep one; a store that has gone back behind what is known has lost inputs."""
        keeper = self._new_keeper(number)
        try:
            epoch, _ = await self._registry.open(len(self._leases))
            await keeper.run(epoch, lease, self._known.get(number, "0-0"))
        except* LeaseLostError as lost:
            log.info("keeper_lost", partition=number, error=str(lost.exceptions[0]))
        except* StoreError as away:
            log.warning(
                "keeper_failed", partition=number, error=str(away.exceptions[0])
            )
        finally:
            if keeper.committed is not None:
                self._known[number] = keeper.committed

    async def _stop(self, numbers: list[int]) -> None:
        tasks = {number: self._tasks.pop(number) for number in numbers}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await asyncio.gather(*map(self._release, tasks))

    async def _release(self, number: int) -> None:
        with suppress(StoreError):
            await self._leases[number].release([KEEP_LEASE])
