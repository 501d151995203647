"""What a reader missed: from the ring, before it from the outboxes; never a part."""

import asyncio
from collections.abc import AsyncGenerator

from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.fanout.cursor import BEGINNING, WHOLE, Cursor, Place
from tracker.fanout.events import expand
from tracker.fanout.filters import Query
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.ring import Page
from tracker.fanout.settings import FanoutSettings
from tracker.store.outbox import Outbox, Tailed

_POLL_S = 0.02


class Replay:
    """Pages of what a query wants after a cursor, up to now.

    Args:
        outbox: For what the ring no longer has.
        projection: Tells how far this process is.
        hub: Has the ring.
        settings: Of the fanout.
    """

    def __init__(
        self,
        outbox: Outbox,
        projection: Projection,
        hub: Hub,
        settings: FanoutSettings | None = None,
    ) -> None:
        self._outbox = outbox
        self._projection = projection
        self._ring = hub.ring
        self._settings = settings or FanoutSettings()
        self._reads = asyncio.Semaphore(self._settings.parallel_reads)

    async def check(self, cursor: Cursor) -> None:
        """Return when everything after *cursor* can be replayed.

        Raises:
            PositionLostError: Something after it is gone, or it is of another epoch.
            StoreUnavailableError: That cannot be told now.
        """
        partitions = len(self._projection.cursor.places)
        if cursor.epoch != self._projection.epoch or len(cursor.places) != partitions:
            raise PositionLostError("the cursor is of another store")
        for partition, place in enumerate(cursor.places):
            if self._ring.has(partition, place):
                continue
            await self._entries(partition, place, 1)
            await self._reach(partition, place)

    async def pages(self, query: Query, cursor: Cursor) -> AsyncGenerator[Page, None]:
        """Page by page; slow readers may take their time between pages.

        Whoever adds its subscriber to the hub on the page that is `last`, before
        its next await, misses nothing and gets nothing twice.

        Raises:
            PositionLostError: What comes next was trimmed; what came is not whole.
            StoreUnavailableError: The store is away.
        """
        while True:
            missing = self._missing(cursor)
            if missing is not None:
                page = await self._read(query, cursor, missing)
            else:
                page = self._ring.page(query, cursor, self._settings.page_bytes)
                if page.last:
                    page = page._replace(cursor=self._projection.cursor)
            yield page
            if page.last:
                return
            cursor = page.cursor

    def _missing(self, cursor: Cursor) -> int | None:
        """The first partition whose place the ring no longer has."""
        for partition, place in enumerate(cursor.places):
            if not self._ring.has(partition, place):
                return partition
        return None

    async def _read(self, query: Query, cursor: Cursor, partition: int) -> Page:
        """A page from the outbox, not beyond what this process has published."""
        place = cursor.places[partition]
        entries = await self._entries(partition, place, self._settings.read_entries)
        head = self._projection.cursor.places[partition]
        entries = [tailed for tailed in entries if Place.parse(tailed.id) <= head]
        if not entries:
            raise PositionLostError("the outbox ends before what was published of it")
        events = (event for tailed in entries for event in expand(tailed, cursor.epoch))
        found = query.choose(e for e in events if e.position.place > place)
        places = list(cursor.places)
        places[partition] = Place.parse(entries[-1].id)
        return Page(found, cursor._replace(places=tuple(places)), last=False)

    async def _entries(self, partition: int, place: Place, count: int) -> list[Tailed]:
        """What the outbox has after *place*.

        The beginning cannot be told from what was trimmed: it is lost. Behind a part
        of an entry comes the entry itself.
        """
        if place == BEGINNING:
            raise PositionLostError("the cursor is older than what can be replayed")
        outbox, id_ = self._outbox, place.stream_id
        async with self._reads:
            begun = [] if place.fact == WHOLE else [await outbox.entry(partition, id_)]
            return begun + await outbox.read(partition, id_, count)

    async def _reach(self, partition: int, place: Place) -> None:
        """Wait until this process knows of *place*, which another one has told."""
        for _ in range(round(self._settings.behind_s / _POLL_S)):
            if self._projection.cursor.places[partition] >= place:
                return
            await asyncio.sleep(_POLL_S)
        raise StoreUnavailableError("this process is behind the cursor")
