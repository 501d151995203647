"""Which partitions this process delivers from: its share, by rendezvous hashing."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from tracker.domain.placement import owner_of
from tracker.errors import LeaseLostError, StoreError
from tracker.outlets.webhooks.desk import Desk
from tracker.outlets.webhooks.dispatcher import Dispatcher
from tracker.store.keys import DISPATCH_LEASE
from tracker.store.leases import Lease, Leases
from tracker.store.registry import Registry
from tracker.store.tending import tend

log = structlog.get_logger(__name__)

ROLE: Final = "dispatch"
EVERY_S: Final = 1.0
_LEAVE_S: Final = 2.0


class DispatchRole:
    """Takes, serves and gives back partitions as processes come and go.

    Args:
        registry: Who lives.
        process: This process's id.
        leases: Per partition.
        desk: What this process knows of endpoints.
        new_dispatcher: Makes what serves a partition.
    """

    def __init__(
        self,
        registry: Registry,
        process: str,
        leases: Sequence[Leases],
        desk: Desk,
        new_dispatcher: Callable[[int, Lease], Dispatcher],
    ) -> None:
        self._registry = registry
        self._process = process
        self._leases = leases
        self._desk = desk
        self._new_dispatcher = new_dispatcher
        self._running: dict[int, tuple[Lease, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Serve this process's share until cancelled; then give all of it back."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._desk.run())
            try:
                await self._desk.looked.wait()  # who is not there is purged
                await tend(self._balance, EVERY_S, "dispatch_store_away")
            finally:
                with suppress(StoreError, TimeoutError):
                    async with asyncio.timeout(_LEAVE_S):
                        await self._stop(list(self._running))
                        await self._registry.leave(ROLE, self._process)
                looking.cancel()

    async def _balance(self) -> None:
        live = await self._registry.live(ROLE, self._process)
        self._desk.processes = len(live)
        mine = {
            number
            for number in range(len(self._leases))
            if owner_of(f"dispatch-{number}", live) == self._process
        }
        for number in [n for n, (_, task) in self._running.items() if task.done()]:
            self._ended(number)
        await self._stop([n for n in self._running if n not in mine])
        for number in sorted(mine):
            held = (await self._leases[number].take([DISPATCH_LEASE])).get(
                DISPATCH_LEASE
            )
            running = self._running.get(number)
            if running is not None and running[0] != held:
                await self._stop([number], release=False)
                running = None
            if running is None and held is not None:
                serving = asyncio.create_task(self._dispatch(number, held))
                self._running[number] = (held, serving)

    def _ended(self, number: int) -> None:
        failed = self._running.pop(number)[1].exception()
        if failed is not None:
            log.error("dispatcher_broken", partition=number, exc_info=failed)

    async def _dispatch(self, number: int, lease: Lease) -> None:
        dispatcher = self._new_dispatcher(number, lease)
        self._desk.dispatchers[number] = dispatcher
        try:
            await dispatcher.run()
        except* LeaseLostError as lost:
            why = str(lost.exceptions[0])
            log.info("dispatcher_lost", partition=number, error=why)
        except* StoreError as away:
            why = str(away.exceptions[0])
            log.warning("dispatcher_failed", partition=number, error=why)
        finally:
            del self._desk.dispatchers[number]

    async def _stop(self, numbers: list[int], *, release: bool = True) -> None:
        tasks = {number: self._running.pop(number)[1] for number in numbers}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        if release:
            await asyncio.gather(*map(self._release, tasks))

    async def _release(self, number: int) -> None:
        with suppress(StoreError):
            await self._leases[number].release([DISPATCH_LEASE])
