"""What one partition owes: kept in the store and in memory, never in one alone."""

from collections.abc import Callable, Iterable

from tracker.domain.delivery import Owed
from tracker.outlets.webhooks.books import Bodies, Books
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.lanes import Lanes
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.store.deliveries import BODY_FIELD, DELIVERY_FIELD
from tracker.store.dispatch import HOUR_MS
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Value


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
        unsaved: Deliveries that were taken, while that is not stored yet.
        on_saved: Called when they were too many, and are no more.
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
        self._taken: dict[str, tuple[Owed, int]] = {}
        self.on_saved: Callable[[], None] = _nothing
        self.endpoint = endpoint
        self._books = books
        self._bodies = bodies
        self._clock = clock
        self._max_unsaved = settings.concurrency
        self._max_owed = max(1, settings.max_owed // share)
        self._max_logged = max(1, settings.max_logged // share)
        self._owed = keys.owed(endpoint)
        self._deliveries = keys.deliveries(endpoint)
        self._over = keys.delivered(endpoint)
        self._tally = keys.tally(endpoint)

    @property
    def is_full(self) -> bool:
        """No attempt may begin until what was taken is stored: a crash repeats it."""
        return self.unsaved >= self._max_unsaved

    def restore(self, owed: Iterable[Owed]) -> None:
        """Take in what is stored."""
        self.lanes = Lanes(owed)
        self._bodies.count(one.event for one in self.lanes)

    def owe(self, owed: Owed, body: bytes) -> bool:
        """One more, in the next commit; False = it is owed already."""
        if owed.event in self._taken:
            self.settle()
        if not self.lanes.add(owed):
            return False
        writes = self._books.draft
        self._bodies.keep(owed.event, body)
        writes.put(self._deliveries, owed.event, owed.dump())
        writes.rank(self._owed, owed.event, owed.owed_ms)
        return True

    async def body(self, owed: Owed) -> bytes | None:
        """What is to be sent; None = it is lost."""
        return await self._bodies.of(owed.event)

    def delivered(self, owed: Owed) -> None:
        """It was taken: the next of its entity may go at once.

        That is stored with the next commit; a crash before repeats both, in order.
        """
        if owed.event in self.lanes:
            self.lanes.over(owed)
            self._taken[owed.event] = owed, self._clock.now_ms()
            self.unsaved += 1
            self._books.then(self, at_once=self.is_full)

    def settle(self) -> None:
        """Write down what was taken, in the next commit."""
        taken, self._taken = self._taken, {}
        if taken:
            self._count("succeeded", len(taken))
            for owed, at_ms in taken.values():
                self._log(owed.told("delivered", at_ms))
            self._remove(list(taken))

    def saved(self, count: int) -> None:
        """So much of it is stored."""
        was_full = self.is_full
        self.unsaved -= count
        if was_full:
            self.on_saved()

    async def again(self, owed: Owed, due_ms: int) -> None:
        """It was not: it is tried again then."""
        if owed.event in self.lanes:
            self._count("failed")
            owed.due_ms = due_ms
            self._books.draft.put(self._deliveries, owed.event, owed.dump())
            await self._books.written()
            self.lanes.again(owed, due_ms)

    async def given_up(self, owed: Owed, problem: str) -> None:
        """It was not, and is not tried again, unless somebody asks for it."""
        body = await self._bodies.of(owed.event)
        if owed.event in self.lanes:
            self.lanes.over(owed)
            self._count("failed")
            told = owed.told("failed", self._clock.now_ms(), problem)
            self._log(told, *(() if body is None else (BODY_FIELD, body)))
            self._remove([owed.event])
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
        self._remove([owed.event for owed in dropped])

    async def discard(self) -> None:
        """The endpoint is no more: nothing of it needs a body, or is written."""
        events = [*self._taken, *(owed.event for owed in self.lanes)]
        self._taken, self.lanes = {}, Lanes()
        self._bodies.release(events)
        await self._books.written()

    def _remove(self, events: list[str]) -> None:
        if events:
            writes = self._books.draft
            writes.drop(self._deliveries, events)
            writes.unrank(self._owed, events)
            self._bodies.release(events)

    def _log(self, delivery: bytes, *body: Value) -> None:
        self._books.draft.append(
            self._over, self._max_logged, DELIVERY_FIELD, delivery, *body
        )

    def _count(self, outcome: str, by: int = 1) -> None:
        hour = self._clock.now_ms() // HOUR_MS
        self._books.draft.count(self._tally, f"{hour} {outcome}", by)


def _nothing() -> None:
    """Nobody wants to know."""
