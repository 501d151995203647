"""What one partition owes: kept in the store and in memory, never in one alone."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from tracker.domain.delivery import Owed
from tracker.errors import StoreError
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.lanes import Lanes
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.store.deliveries import BODY_FIELD, DELIVERY_FIELD
from tracker.store.dispatch import HOUR_MS, DispatchLedger, Writes
from tracker.store.keys import PartitionKeys
from tracker.store.leases import Lease
from tracker.store.redis import Value

CACHED_BYTES: Final = 8 * 1024 * 1024
"""Of bodies that one partition keeps at hand; others are fetched when they are due."""

PACE_S: Final = 0.05
"""From one commit to the next, where nobody waits for it: what is taken meanwhile is
stored together."""


class Books:
    """The one who writes for a partition: what comes meanwhile is the next commit.

    Args:
        ledger: Of the partition.
        lease: Its dispatcher's.
        epoch: The store's.

    Attributes:
        draft: What the next commit writes.
    """

    def __init__(self, ledger: DispatchLedger, lease: Lease, epoch: str) -> None:
        self.draft = Writes()
        self._ledger = ledger
        self._lease = lease
        self._epoch = epoch
        self._offset = self._reached = ""
        self._written: asyncio.Future[None] = asyncio.Future()
        self._after: list[Callable[[], None]] = []
        self._wake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._begun_s = 0.0

    def begin(self, offset: str) -> None:
        """Everything up to *offset* is stored already."""
        self._offset = self._reached = offset

    def reach(self, offset: str) -> None:
        """The next commit says that everything up to *offset* is in it."""
        self._reached = offset

    async def written(self) -> None:
        """Return when the draft, as it is now, is stored.

        Raises:
            StoreError: It is not, and this partition is somebody else's by now.
        """
        written = self._written
        self._wake.set()
        await asyncio.shield(written)

    def then(self, done: Callable[[], None]) -> None:
        """Call *done* when the draft, as it is now, is stored; if that fails, never.

        Where commits follow one another, it takes until the next: see `PACE_S`.
        """
        self._after.append(done)
        if self._alarm is None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_at(self._begun_s + PACE_S, self._wake.set)

    async def run(self) -> None:
        """Write until it cannot be.

        Raises:
            StoreError: Why not.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._begin()
            draft, self.draft = self.draft, Writes()
            written, self._written = self._written, asyncio.Future()
            after, self._after = self._after, []
            offsets = (self._offset, self._reached)
            try:
                await self._ledger.commit(
                    draft.operations(), self._lease, self._epoch, offsets
                )
            except StoreError as error:
                for future in (written, self._written):
                    future.set_exception(error)
                    future.exception()  # somebody may wait for it, or nobody
                raise
            self._offset = offsets[1]
            written.set_result(None)
            for done in after:
                done()

    def _begin(self) -> None:
        """A commit begins: nobody has to be woken for what is in it."""
        self._begun_s = asyncio.get_running_loop().time()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


class Bodies:
    """The bytes that a partition's deliveries need, each kept once for all of them.

    Args:
        ledger: Of the partition.
    """

    def __init__(self, ledger: DispatchLedger) -> None:
        self._ledger = ledger
        self._owed: Counter[str] = Counter()
        self._cache: dict[str, bytes] = {}
        self._cached_bytes = 0
        self._wanted: dict[str, asyncio.Future[bytes | None]] = {}
        self._fetching: asyncio.Task[None] | None = None

    def count(self, events: Iterable[str]) -> None:
        """They are owed once more, and stored."""
        self._owed.update(events)

    def keep(self, event: str, body: bytes, writes: Writes) -> None:
        """One more delivery needs *body*."""
        self._owed[event] += 1
        if self._owed[event] > 1:
            return
        writes.put(self._ledger.keys.bodies, event, body)
        if self._cached_bytes + len(body) <= CACHED_BYTES:
            self._cache[event] = body
            self._cached_bytes += len(body)

    def release(self, events: Iterable[str], writes: Writes) -> None:
        """One delivery of each needs it no longer."""
        free: list[str] = []
        for event in events:
            self._owed[event] -= 1
            if self._owed[event] <= 0:
                del self._owed[event]
                self._cached_bytes -= len(self._cache.pop(event, b""))
                free.append(event)
        if free:
            writes.drop(self._ledger.keys.bodies, free)

    async def of(self, event: str) -> bytes | None:
        """The body of *event*; None = the store has it no longer."""
        if event in self._cache:
            return self._cache[event]
        if event not in self._wanted:
            self._wanted[event] = asyncio.Future()
        wanted = self._wanted[event]
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
        return await asyncio.shield(wanted)

    async def _fetch(self) -> None:
        """Fetch all that is wanted, and what was wanted meanwhile."""
        while self._wanted:
            wanted, self._wanted = self._wanted, {}
            try:
                bodies = await self._ledger.bodies(list(wanted))
            except StoreError as error:
                for future in wanted.values():
                    future.set_exception(error)
                    future.exception()
            else:
                for future, body in zip(wanted.values(), bodies, strict=True):
                    future.set_result(body)


class Backlog:
    """What one partition owes one endpoint.

    Args:
        endpoint: Its id.
        keys: Of the partition.
        books: Where everything is written.
        bodies: Of the partition.
        settings: How much is kept.
        clock: The time of day.
        share: Of the bounds: one partition's.

    Attributes:
        unsaved: Deliveries of which it is not stored yet that they are over.
    """

    def __init__(  # noqa: PLR0913, PLR0917 what it is put together from
        self,
        endpoint: str,
        keys: PartitionKeys,
        books: Books,
        bodies: Bodies,
        settings: WebhookSettings,
        clock: Clock,
        share: int,
    ) -> None:
        self.lanes = Lanes()
        self.unsaved = 0
        self.endpoint = endpoint
        self._books = books
        self._bodies = bodies
        self._clock = clock
        self._max_owed = max(1, settings.max_owed // share)
        self._max_logged = max(1, settings.max_logged // share)
        self._owed = keys.owed(endpoint)
        self._deliveries = keys.deliveries(endpoint)
        self._over = keys.delivered(endpoint)
        self._tally = keys.tally(endpoint)

    def restore(self, owed: Iterable[Owed]) -> None:
        """Take in what is stored."""
        self.lanes = Lanes(owed)
        self._bodies.count(one.event for one in self.lanes)

    def owe(self, owed: Owed, body: bytes) -> bool:
        """One more, in the next commit; False = it is owed already."""
        if not self.lanes.add(owed):
            return False
        writes = self._books.draft
        self._bodies.keep(owed.event, body, writes)
        writes.put(self._deliveries, owed.event, owed.dump())
        writes.rank(self._owed, owed.event, owed.owed_ms)
        return True

    async def body(self, owed: Owed) -> bytes | None:
        """What is to be sent; None = it is lost."""
        return await self._bodies.of(owed.event)

    def delivered(self, owed: Owed, stored: Callable[[], None]) -> None:
        """It was taken, and is owed no longer; *stored* is called when that is stored.

        The next of its entity may go before: a crash repeats both, in order.
        """
        self._count("succeeded")
        self._end(owed, owed.told("delivered", self._clock.now_ms()))
        self.unsaved += 1

        def saved() -> None:
            self.unsaved -= 1
            stored()

        self._books.then(saved)

    async def again(self, owed: Owed, due_ms: int) -> None:
        """It was not: it is tried again then."""
        self._count("failed")
        owed.due_ms = due_ms
        self._books.draft.put(self._deliveries, owed.event, owed.dump())
        await self._books.written()
        self.lanes.again(owed, due_ms)

    async def given_up(self, owed: Owed, problem: str) -> None:
        """It was not, and is not tried again, unless somebody asks for it."""
        body = await self._bodies.of(owed.event)
        self._count("failed")
        self._end(owed, owed.told("failed", self._clock.now_ms(), problem), body)
        await self._books.written()

    def shorten(self, before_ms: int) -> int:
        """Drop what is beyond the bounds, in the next commit; how many that were."""
        dropped = self.lanes.drop_older(before_ms)
        self._drop(dropped, "it was owed for too long")
        beyond = len(self.lanes) - self._max_owed
        if beyond > 0:
            oldest = self.lanes.drop_oldest(beyond + self._max_owed // 100)
            self._drop(oldest, "too many were owed")
            return len(dropped) + len(oldest)
        return len(dropped)

    def _drop(self, dropped: list[Owed], problem: str) -> None:
        for owed in dropped:
            self._log(owed.told("dropped", self._clock.now_ms(), problem))
        self._remove(dropped)

    def discard(self) -> None:
        """The endpoint is no more: nothing of it needs a body."""
        self._bodies.release([owed.event for owed in self.lanes], self._books.draft)

    def _end(self, owed: Owed, told: bytes, body: bytes | None = None) -> None:
        self._log(told, body)
        self._remove([owed])
        self.lanes.over(owed)

    def _remove(self, gone: list[Owed]) -> None:
        if gone:
            events, writes = [owed.event for owed in gone], self._books.draft
            writes.drop(self._deliveries, events)
            writes.unrank(self._owed, events)
            self._bodies.release(events, writes)

    def _log(self, delivery: bytes, body: bytes | None = None) -> None:
        fields: dict[bytes, Value] = {DELIVERY_FIELD: delivery}
        if body is not None:
            fields[BODY_FIELD] = body
        self._books.draft.append(self._over, self._max_logged, fields)

    def _count(self, outcome: str) -> None:
        hour = self._clock.now_ms() // HOUR_MS
        self._books.draft.count(self._tally, f"{hour} {outcome}")
