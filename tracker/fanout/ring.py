"""The recent entries of all outboxes, in order of arrival, for those who come back."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tracker.errors import PositionLostError
from tracker.fanout.cursor import BEGINNING, WHOLE, Cursor, Place
from tracker.fanout.filters import ALL, Chosen, Query
from tracker.fanout.published import Published, Term

Recalled = tuple[int, Place, Sequence[Published]]
"""An entry's partition, its place and its events."""


class Slot(NamedTuple):
    """One outbox entry; those without events tell how far its partition is."""

    number: int
    partition: int
    place: Place
    events: Sequence[Published]


class Page(NamedTuple):
    """Part of a replay.

    Attributes:
        events: Those that the query wants, in order, and what each is to it.
        cursor: What has been replayed with this page.
        last: Nothing newer was there when the page was made.
    """

    events: list[Chosen]
    cursor: Cursor
    last: bool


class Ring:
    """Bounded; what it still has, it has without a hole.

    Args:
        partitions: How many there are.
        size: How many entries it holds, of all of them together.
    """

    def __init__(self, partitions: int, size: int) -> None:
        self.size = size
        self._begins = [BEGINNING] * partitions
        self._number = 0
        self._slots: dict[int, Slot] = {}
        self._numbers: list[dict[tuple[int, int], int]] = [
            {} for _ in range(partitions)
        ]
        self._by_term: dict[Term, list[Slot]] = {}
        self._indexed = range(0)

    def append(self, partition: int, place: Place, events: Sequence[Published]) -> None:
        """Take in the next entry of *partition*."""
        self._number += 1
        slot = Slot(self._number, partition, place, events)
        self._slots[slot.number] = slot
        self._numbers[partition][place[:2]] = slot.number
        if len(self._slots) > self.size:
            oldest = self._slots.pop(self._number - self.size)
            self._begins[oldest.partition] = oldest.place
            del self._numbers[oldest.partition][oldest.place[:2]]

    def reset(self, partition: int, place: Place) -> None:
        """Forget *partition*; it begins anew behind *place*."""
        kept = [slot for slot in self._slots.values() if slot.partition != partition]
        self._slots.clear()
        self._by_term.clear()
        self._indexed = range(0)
        for numbers in self._numbers:
            numbers.clear()
        self._begins[partition] = place
        for slot in kept:
            self.append(slot.partition, slot.place, slot.events)

    def fill(self, begins: Sequence[Place], slots: Iterable[Recalled]) -> None:
        """Take in what was told before this process began.

        Args:
            begins: Behind which places *slots* have everything, by partition.
            slots: Of each partition those up to where it is, in order.
        """
        self._begins = list(begins)
        for partition, place, events in slots:
            self.append(partition, place, events)

    def has(self, partition: int, place: Place) -> bool:
        """Whether everything after *place*, a place there really was, is in here."""
        if place == self._begins[partition]:
            return True
        return place[:2] in self._numbers[partition]

    def newest(self, count: int) -> list[Slot]:
        """The last *count* entries, oldest first."""
        first = self._number - min(count, len(self._slots)) + 1
        return [self._slots[number] for number in range(first, self._number + 1)]

    def page(self, query: Query, cursor: Cursor, limit_bytes: int) -> Page:
        """What *query* wants after *cursor*, up to about *limit_bytes*.

        Raises:
            PositionLostError: A place of the cursor is no longer in here.
        """
        start = min(
            self._number_of(number, place) for number, place in enumerate(cursor.places)
        )
        places, size = list(cursor.places), 0
        found: list[Chosen] = []
        for slot in self._after(start, query.terms):
            if size >= limit_bytes:
                return Page(found, cursor._replace(places=tuple(places)), last=False)
            place = places[slot.partition]
            if slot.place > place:
                places[slot.partition] = slot.place
                missed = [e for e in slot.events if e.position.place > place]
                chosen = query.choose(missed)
                found += chosen
                size += sum(len(event.frame) for event, _ in chosen)
        return Page(found, cursor._replace(places=tuple(places)), last=True)

    def _number_of(self, partition: int, place: Place) -> int:
        if not self.has(partition, place):
            message = f"place {place} of partition {partition} is no longer in memory"
            raise PositionLostError(message)
        number = self._numbers[partition].get(place[:2], 0)
        return number if place.fact == WHOLE else number - 1

    def _after(self, start: int, terms: Sequence[Term]) -> Iterator[Slot]:
        """Slots with a number above *start* that *terms* find, in order."""
        start = max(start, self._number - len(self._slots))
        if terms == (ALL,):
            numbers = range(start + 1, self._number + 1)
            return (self._slots[number] for number in numbers)
        self._index()
        found = {
            slot.number: slot
            for term in terms
            for slot in self._by_term.get(term, ())
            if slot.number > start
        }
        return (found[number] for number in sorted(found))

    def _index(self) -> None:
        """Index what came since the last time; what was dropped goes with the rest.

        It is done for those who resume: most entries are dropped before anyone does.
        """
        oldest, end = self._number - len(self._slots) + 1, self._number + 1
        if self._indexed.start <= oldest - self.size:
            self._by_term.clear()
            self._indexed = range(oldest, oldest)
        for number in range(max(oldest, self._indexed.stop), end):
            slot = self._slots[number]
            for term in slot.events[0].terms if slot.events else ():
                self._by_term.setdefault(term, []).append(slot)
        self._indexed = range(self._indexed.start, end)
