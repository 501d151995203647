"""The tails: from every outbox into the projection and on to the hub, for ever."""

import asyncio
from contextlib import aclosing
from operator import itemgetter

import structlog

from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.fanout.cursor import Place
from tracker.fanout.events import expand
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.ring import Recalled
from tracker.fanout.settings import FanoutSettings
from tracker.fanout.waiting import Waiting
from tracker.store.outbox import Outbox, Tailed

_log = structlog.get_logger(__name__)
_RETRY_S = 0.1


class Tails:
    """One task per partition.

    Args:
        outbox: Of the store.
        projection: Brought up to each entry, then
        hub: is told of its events, in the same turn.
        settings: Of the fanout.
        waiting: Those who asked for something are told after the hub.
    """

    def __init__(
        self,
        outbox: Outbox,
        projection: Projection,
        hub: Hub,
        settings: FanoutSettings | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._outbox = outbox
        self._projection = projection
        self._hub = hub
        self._waiting = waiting or Waiting()
        self._settings = settings or FanoutSettings()

    async def start(self) -> None:
        """Read what there is, and what was told last: who was cut comes back here.

        Raises:
            StoreUnavailableError: The store is away; start again.
        """
        for partition in range(self._outbox.partitions):
            await self._load(partition)
        begins, slots = list[Place](), list[Recalled]()
        for partition in range(self._outbox.partitions):
            begin, recent = await self._recent(partition)
            begins.append(begin)
            slots += recent
        slots.sort(key=itemgetter(1))
        self._hub.ring.fill(begins, slots)

    async def run(self) -> None:
        """Follow every outbox, after `start`, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for partition in range(self._outbox.partitions):
                tasks.create_task(self._follow(partition), name=f"tail {partition}")

    def take(self, tailed: Tailed) -> None:
        """Take in one entry, the next of its partition."""
        events = expand(tailed, self._outbox.epoch)
        place = self._projection.apply(tailed)
        self._hub.publish(tailed.partition, place, events)
        self._waiting.take(tailed)

    async def _load(self, partition: int) -> None:
        place = await self._projection.load(partition)
        self._hub.reset(partition, place)
        self._waiting.lost()

    async def _recent(self, partition: int) -> tuple[Place, list[Recalled]]:
        """The ring's share of *partition*, oldest first, and the place before it."""
        place = self._projection.cursor.places[partition]
        count = self._hub.ring.size // self._outbox.partitions + 1
        epoch, found = self._outbox.epoch, list[Recalled]()
        async with aclosing(self._outbox.back(partition, place.stream_id)) as pages:
            async for page in pages:
                found += [
                    (partition, Place.parse(t.id), expand(t, epoch)) for t in page
                ]
                if len(found) >= count:
                    break
        if not found:
            return place, []
        *recent, (_, begin, _) = found[:count]
        return begin, recent[::-1]

    async def _follow(self, partition: int) -> None:
        """Tail, and begin again after every loss; only edges are logged."""
        whole, retry_s = True, 0.0
        while True:
            try:
                if not whole:
                    await self._outbox.refresh()
                    await self._load(partition)
                    whole = True
                after = self._projection.cursor.places[partition].stream_id
                async for batch in self._outbox.tail(partition, after):
                    if retry_s:
                        _log.info("tail_recovered", partition=partition)
                        retry_s = 0.0
                    for tailed in batch:
                        self.take(tailed)
            except (PositionLostError, StoreUnavailableError) as error:
                whole = whole and isinstance(error, StoreUnavailableError)
                if not retry_s:
                    _log.warning("tail_lost", partition=partition, error=str(error))
                retry_s = min(max(_RETRY_S, retry_s * 2), self._settings.retry_max_s)
                await asyncio.sleep(retry_s)
