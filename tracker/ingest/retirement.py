"""Sources that the store remembers and no settings name: removed while nobody ran."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NoReturn

import structlog

from tracker.domain.key import partition_of
from tracker.store.leases import Lease, Leases
from tracker.store.tending import tend

log = structlog.get_logger(__name__)

EVERY_S = 30.0
AGAIN_S = 600.0
"""A keeper of an older release may bring one back: that is not to go to and fro."""


class Retirement:
    """Looks for them now and then, and retires those that nobody else observes.

    Args:
        stored: The keys of all sources that the store has.
        is_gone: Of a source: the settings were read, and do not name it.
        leases: Per partition; a source that another process observes is its own.
        retire: Tells that a source is no more, under its lease.
    """

    def __init__(
        self,
        stored: Callable[[], AsyncIterator[str]],
        is_gone: Callable[[str], bool],
        leases: Sequence[Leases],
        retire: Callable[[str, Lease], Awaitable[None]],
    ) -> None:
        self._stored = stored
        self._is_gone = is_gone
        self._leases = leases
        self._retire = retire
        self._retired_at_s: dict[str, float] = {}

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        await asyncio.sleep(EVERY_S)
        await tend(self._look, EVERY_S, "retirement_store_away")

    async def _look(self) -> None:
        now_s = asyncio.get_running_loop().time()
        gone = [source async for source in self._stored() if self._is_gone(source)]
        for source in gone:
            leases = self._leases[partition_of("source", source, len(self._leases))]
            if self._retired_at_s.get(source, -math.inf) + AGAIN_S > now_s:
                continue
            held = await leases.take([source])
            if source in held:
                if self._is_gone(source):
                    self._retired_at_s[source] = now_s
                    log.info("source_retired", source=source)
                    await self._retire(source, held[source])
                await leases.release([source])
