"""What one partition owes one endpoint: a lane per entity, one attempt at a time in it.

Pure: times are ms since 1970, by the caller's clock.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from tracker.domain.delivery import Owed
from tracker.fanout.cursor import Position

_Order = tuple[int, int, int]


class Lanes:
    """Owed deliveries in order per entity, and which one is due next.

    Args:
        owed: What is known from before, in any order.
    """

    def __init__(self, owed: Iterable[Owed] = ()) -> None:
        self._owed: dict[str, Owed] = {}
        self._lanes: dict[str, deque[Owed]] = {}
        self._busy: set[str] = set()
        self._due: list[tuple[int, int, str]] = []
        self._number = 0
        for one in sorted(owed, key=lambda one: (one.owed_ms, order_of(one))):
            self.add(one)

    def __len__(self) -> int:
        return len(self._owed)

    def __iter__(self) -> Iterator[Owed]:
        return iter(self._owed.values())

    def __contains__(self, event: object) -> bool:
        return event in self._owed

    @property
    def oldest_ms(self) -> int | None:
        """Since when the oldest is owed; None = nothing is."""
        oldest = next(iter(self._owed.values()), None)
        return None if oldest is None else oldest.owed_ms

    def held_by(self, owed: Owed) -> int:
        """How many later ones of its entity wait for it."""
        return len(self._lanes[owed.entity]) - 1

    def add(self, owed: Owed) -> bool:
        """Owe one more, at its place among its entity's; False = it is owed already."""
        if owed.event in self._owed:
            return False
        self._owed[owed.event] = owed
        lane = self._lanes.setdefault(owed.entity, deque())
        if not lane or order_of(lane[-1]) <= order_of(owed):
            lane.append(owed)
        else:
            self._insert(lane, owed)
        if lane[0] is owed:
            self._queue(owed)
        return True

    def hasten(self, event: str) -> None:
        """Let one that is owed wait no longer for its next attempt."""
        owed = self._owed[event]
        owed.due_ms = 0
        lane = self._lanes[owed.entity]
        if lane[0] is owed and owed.entity not in self._busy:
            self._queue(owed)

    def take(self, now_ms: int) -> Owed | None:
        """The one that is due longest, to be tried; None = none is due."""
        while self._due and self._due[0][0] <= now_ms:
            _, _, entity = heappop(self._due)
            lane = self._lanes.get(entity)
            if lane is None or entity in self._busy:
                continue
            if lane[0].due_ms > now_ms:
                self._queue(lane[0])
                continue
            self._busy.add(entity)
            return lane[0]
        return None

    def next_due_ms(self) -> int | None:
        """When to look again; None = when something changes."""
        return self._due[0][0] if self._due else None

    def again(self, owed: Owed, due_ms: int) -> None:
        """The attempt was in vain, or not made: it is tried again then."""
        owed.due_ms = due_ms
        self._release(owed.entity)

    def over(self, owed: Owed) -> None:
        """It was tried, and is owed no longer."""
        del self._owed[owed.event]
        lane = self._lanes[owed.entity]
        lane.popleft()
        if not lane:
            del self._lanes[owed.entity]
        self._release(owed.entity)

    def drop_oldest(self, count: int) -> list[Owed]:
        """The *count* oldest, none of which is being tried, are owed no longer."""
        waiting = (o for o in self._owed.values() if not self._is_tried(o))
        dropped = sorted(waiting, key=order_of)[:count]
        self._drop(dropped)
        return dropped

    def drop_older(self, than_ms: int) -> list[Owed]:
        """Likewise those owed since before *than_ms*."""
        dropped = [
            owed
            for owed in self._owed.values()
            if owed.owed_ms < than_ms and not self._is_tried(owed)
        ]
        self._drop(dropped)
        return dropped

    def _drop(self, dropped: list[Owed]) -> None:
        gone = {owed.event for owed in dropped}
        for entity in {owed.entity for owed in dropped}:
            lane = deque(o for o in self._lanes[entity] if o.event not in gone)
            if lane:
                self._lanes[entity] = lane
            else:
                del self._lanes[entity]
            if lane and entity not in self._busy:
                self._queue(lane[0])
        for event in gone:
            del self._owed[event]

    def _is_tried(self, owed: Owed) -> bool:
        return owed.entity in self._busy and self._lanes[owed.entity][0] is owed

    def _insert(self, lane: deque[Owed], owed: Owed) -> None:
        """Put an older one in, but not before the one that is being tried."""
        first = 1 if owed.entity in self._busy else 0
        rest = list(lane)[first:]
        insort(rest, owed, key=order_of)
        while len(lane) > first:
            lane.pop()
        lane.extend(rest)

    def _release(self, entity: str) -> None:
        self._busy.discard(entity)
        lane = self._lanes.get(entity)
        if lane:
            self._queue(lane[0])

    def _queue(self, owed: Owed) -> None:
        self._number += 1
        heappush(self._due, (owed.due_ms, self._number, owed.entity))


def order_of(owed: Owed) -> _Order:
    """Its place in its partition's outbox; what has none comes first."""
    if owed.order is None:
        try:
            owed.order = Position.parse(owed.event).place
        except ValueError:
            owed.order = (0, 0, 0)
    return owed.order
