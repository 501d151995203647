"""One partition's writes and bodies, shared by all that it owes."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Final, Protocol

from tracker.errors import StoreError
from tracker.store.dispatch import DispatchLedger, Writes
from tracker.store.leases import Lease
from tracker.store.redis import Value

CACHED_BYTES: Final = 8 * 1024 * 1024
"""Of bodies that one partition keeps at hand; others are fetched when they are due."""

PACE_S: Final = 0.05
"""From one commit to the next, where nobody waits for it: what is taken meanwhile is
stored together."""


class Settles(Protocol):
    """Who has something to write that nobody waits for."""

    def settle(self) -> None:
        """Put all of it into the draft."""

    def saved(self, count: int) -> None:
        """So much of it is stored."""


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
        self._storing = Writes()
        self._ledger = ledger
        self._lease = lease
        self._epoch = epoch
        self._offset = self._reached = ""
        self._written: asyncio.Future[None] = asyncio.Future()
        self._stored = self._written
        self._after = Counter[Settles]()
        self._wake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._begun_s = 0.0

    def begin(self, offset: str) -> None:
        """Everything up to *offset* is stored already."""
        self._offset = self._reached = offset

    def reach(self, offset: str) -> None:
        """The next commit says that everything up to *offset* is in it."""
        self._reached = offset

    def pending(self, key: str, field: str) -> Value | None:
        """What is put into a field of a hash, as long as it may not be stored yet."""
        value = self.draft.value(key, field)
        return self._storing.value(key, field) if value is None else value

    async def written(self) -> None:
        """Return when the draft, as it is now, is stored.

        Raises:
            StoreError: It is not, and this partition is somebody else's by now.
        """
        written = self._written
        self._wake.set()
        await asyncio.shield(written)

    def then(self, settles: Settles, *, at_once: bool) -> None:
        """Have it settle something with the next commit, and told when it is stored.

        Where commits follow one another, it takes until the next: see `PACE_S`.
        """
        self._after[settles] += 1
        if at_once:
            self._wake.set()
        elif self._alarm is None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_at(self._begun_s + PACE_S, self._wake.set)

    async def run(self) -> None:
        """Write until it cannot be.

        Raises:
            StoreError: Why not.
        """
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._commit()
        except StoreError as error:
            self.end(error)
            raise

    def end(self, error: StoreError) -> None:
        """Nothing is written any more: tell so whoever waits, or will."""
        for future in (self._stored, self._written):
            if not future.done():
                future.set_exception(error)
                future.exception()  # somebody may wait for it, or nobody

    async def _commit(self) -> None:
        self._begin()
        for settles in self._after:
            settles.settle()
        self._storing, self.draft = self.draft, Writes()
        self._stored, self._written = self._written, asyncio.Future()
        after, self._after = self._after, Counter()
        offsets = (self._offset, self._reached)
        await self._ledger.commit(
            self._storing.operations(), self._lease, self._epoch, offsets
        )
        self._storing = Writes()
        self._offset = offsets[1]
        self._stored.set_result(None)
        for settles, count in after.items():
            settles.saved(count)

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
        books: Where they are written.
    """

    def __init__(self, ledger: DispatchLedger, books: Books) -> None:
        self._ledger = ledger
        self._books = books
        self._owed: Counter[str] = Counter()
        self._cache: dict[str, bytes] = {}
        self._cached_bytes = 0
        self._wanted: dict[str, asyncio.Future[bytes | None]] = {}
        self._fetching: asyncio.Task[None] | None = None

    def count(self, events: Iterable[str]) -> None:
        """They are owed once more, and stored."""
        self._owed.update(events)

    def keep(self, event: str, body: bytes) -> None:
        """One more delivery needs *body*."""
        self._owed[event] += 1
        if self._owed[event] > 1:
            return
        self._books.draft.put(self._ledger.keys.bodies, event, body)
        if self._cached_bytes + len(body) <= CACHED_BYTES:
            self._cache[event] = body
            self._cached_bytes += len(body)

    def release(self, events: Iterable[str]) -> None:
        """One delivery of each needs it no longer."""
        free: list[str] = []
        for event in events:
            self._owed[event] -= 1
            if self._owed[event] <= 0:
                del self._owed[event]
                self._cached_bytes -= len(self._cache.pop(event, b""))
                free.append(event)
        if free:
            self._books.draft.drop(self._ledger.keys.bodies, free)

    async def of(self, event: str) -> bytes | None:
        """The body of *event*; None = the store has it no longer."""
        if event in self._cache:
            return self._cache[event]
        pending = self._books.pending(self._ledger.keys.bodies, event)
        if isinstance(pending, bytes):
            return pending
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
