"""Who is told of an event: its receivers are found, the others cost nothing."""

from collections.abc import Sequence
from typing import Protocol

from tracker.fanout.cursor import Place
from tracker.fanout.filters import ALL, Query, Verdict
from tracker.fanout.published import Published, Term
from tracker.fanout.ring import Ring


class Subscriber(Protocol):
    """Whoever is told, in the turn in which the event arrives; it must not block."""

    def deliver(self, event: Published) -> None:
        """An event that the subscriber's query wants."""

    def removed(self, event: Published) -> None:
        """By *event* its entity left the query; nothing else of it may be told."""

    def lost(self) -> None:
        """Events may be missing: what the subscriber knows is void."""


class _Group:
    """All subscribers with the same query: it is asked once for them all."""

    __slots__ = ("query", "subscribers")

    def __init__(self, query: Query) -> None:
        self.query = query
        self.subscribers: list[Subscriber] = []

    def tell(self, event: Published) -> None:
        verdict = self.query.verdict(event)
        if verdict is Verdict.EVENT:
            for subscriber in self.subscribers:
                subscriber.deliver(event)
        elif verdict is Verdict.REMOVED:
            for subscriber in self.subscribers:
                subscriber.removed(event)


class Hub:
    """Live subscribers by what they look for, and the ring for those who resume.

    Args:
        ring: Kept up with what is published.
    """

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self._groups: dict[Query, _Group] = {}
        self._index: dict[Term, list[_Group]] = {}

    def add(self, query: Query, subscriber: Subscriber) -> None:
        """Tell *subscriber* of everything that is published from now on."""
        group = self._groups.get(query)
        if group is None:
            group = self._groups[query] = _Group(query)
            for term in query.terms:
                self._index.setdefault(term, []).append(group)
        group.subscribers.append(subscriber)

    def discard(self, query: Query, subscriber: Subscriber) -> None:
        """Tell *subscriber* no more; also when it was never added."""
        group = self._groups.get(query)
        if group is None or subscriber not in group.subscribers:
            return
        group.subscribers.remove(subscriber)
        if group.subscribers:
            return
        del self._groups[query]
        for term in query.terms:
            groups = self._index[term]
            groups.remove(group)
            if not groups:
                del self._index[term]

    def publish(
        self, partition: int, place: Place, events: Sequence[Published]
    ) -> None:
        """Tell of one outbox entry's events, in order."""
        self.ring.append(partition, place, events)
        if not events:
            return
        found = [
            g for term in (ALL, *events[0].terms) for g in self._index.get(term, ())
        ]
        groups = dict.fromkeys(found)
        for event in events:
            for group in groups:
                group.tell(event)

    def reset(self, partition: int, place: Place) -> None:
        """*partition* begins anew behind *place*; every subscriber is told."""
        self.ring.reset(partition, place)
        for group in tuple(self._groups.values()):
            for subscriber in tuple(group.subscribers):
                subscriber.lost()
