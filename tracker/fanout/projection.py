"""Every call, source and account, in memory, at a known place of each partition."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tracker.domain.entry import Entry, Watermark
from tracker.domain.key import partition_of
from tracker.domain.terms import Kind
from tracker.domain.view import View
from tracker.errors import PositionLostError
from tracker.fanout.cursor import BEGINNING, Cursor, Place
from tracker.fanout.filters import ALL, Query, same_terms, terms_of
from tracker.fanout.published import Term
from tracker.fanout.settings import FanoutSettings
from tracker.store.outbox import Outbox, Stored, Tailed

EntityKey = tuple[Kind, str]

_KEPT: frozenset[Kind] = frozenset({"call", "source", "account"})
"""Stored recordings and exports are asked of their platform; only their events pass."""


class _Alive(NamedTuple):
    """A keeper's last sign of life: when it came, and how far behind it was then."""

    arrived_s: float
    behind_s: float


class Projection:
    """What there is, for queries and snapshots; ended calls until the store forgets.

    Args:
        outbox: Of the store.
        settings: Of the fanout.
        clock: Monotonic seconds.

    Attributes:
        epoch: The store's.
        cursor: Everything up to it is in here, and nothing beyond it.
    """

    def __init__(
        self,
        outbox: Outbox,
        settings: FanoutSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._settings = settings or FanoutSettings()
        self._clock = clock
        self._entities: dict[EntityKey, Stored] = {}
        self._index: dict[Term, set[EntityKey]] = {}
        self._places: list[Place | None] = [None] * outbox.partitions
        self._cursor: Cursor | None = None
        self._alive: list[_Alive | None] = [None] * outbox.partitions

    @property
    def epoch(self) -> str:
        """The store's, as the outbox knows it."""
        return self._outbox.epoch

    @property
    def loaded(self) -> bool:
        """Every partition has been read."""
        return None not in self._places

    @property
    def cursor(self) -> Cursor:
        """How far it is; what is not loaded yet is at the beginning."""
        if self._cursor is None:
            places = tuple(place or BEGINNING for place in self._places)
            self._cursor = Cursor(self.epoch, places)
        return self._cursor

    @property
    def live(self) -> bool:
        """All of it is as fresh as the grace allows: no keeper late, no tail silent."""
        now = self._clock()
        grace_s = self._settings.live_grace_s
        return self.loaded and all(
            alive is not None and now - alive.arrived_s + alive.behind_s < grace_s
            for alive in self._alive
        )

    async def load(self, partition: int) -> Place:
        """Read *partition* from the store, in place of what was known of it.

        Returns:
            The place up to which it is known now; its tail goes on from there.

        Raises:
            StoreUnavailableError: Nothing has changed; come again.
        """
        self._alive[partition] = None
        while True:
            try:
                entities, place = await self._read(partition)
                break
            except PositionLostError:
                continue
        count = self._outbox.partitions
        for entity in [
            e for e in self._entities if partition_of(*e, count) == partition
        ]:
            self._put(entity, None)
        for entity, stored in entities.items():
            self._put(entity, stored)
        self._move(partition, place)
        return place

    async def _read(self, partition: int) -> tuple[dict[EntityKey, Stored], Place]:
        """What the store has, brought to its outbox's end as it was after the scan."""
        outbox, count = self._outbox, self._settings.read_entries
        after = await outbox.end(partition)
        stored = await outbox.stored(partition)
        entities = {(one.view.kind, one.view.key): one for one in stored}
        horizon = Place.parse(await outbox.end(partition))
        while Place.parse(after) < horizon:
            for tailed in await outbox.read(partition, after, count):
                after = tailed.id
                entity, known = _entity(tailed), None
                if entity is not None:
                    known = _newer(entities.pop(entity, None), tailed)
                if entity is not None and known is not None:
                    entities[entity] = known
        return entities, Place.parse(after)

    def apply(self, tailed: Tailed) -> Place:
        """Take in one entry, the next of its partition; older versions do nothing.

        Returns:
            The entry's place, up to which its partition is known now.
        """
        partition, header = tailed.partition, tailed.header
        entity = _entity(tailed)
        if entity is not None:
            self._put(entity, _newer(self._entities.get(entity), tailed))
        place = Place.parse(tailed.id)
        self._move(partition, place)
        if isinstance(header, Watermark):
            behind_s = place.ms / 1000 - header.handled_at.timestamp()
            self._alive[partition] = _Alive(self._clock(), max(0.0, behind_s))
        return place

    def get(self, kind: Kind, key: str) -> Stored | None:
        """One entity, also a call that has ended not long ago."""
        return self._entities.get((kind, key))

    def find(
        self, query: Query, kind: Kind = "call", *, ended: bool = False
    ) -> list[Stored]:
        """Those that *query* matches, by key.

        Args:
            query: What is asked for.
            kind: Of entity.
            ended: Also calls that are over.
        """
        found = [
            stored
            for stored in self._candidates(query)
            if stored.view.kind == kind
            and (ended or not stored.view.ended)
            and query.matches(stored.view)
        ]
        return sorted(found, key=lambda stored: stored.view.key)

    def _move(self, partition: int, place: Place) -> None:
        self._places[partition] = place
        self._cursor = None

    def _candidates(self, query: Query) -> Iterable[Stored]:
        if query.terms == (ALL,):
            return self._entities.values()
        found = {e for term in query.terms for e in self._index.get(term, ())}
        return [self._entities[entity] for entity in found]

    def _put(self, entity: EntityKey, new: Stored | None) -> None:
        old = self._entities.get(entity)
        if new is None:
            self._entities.pop(entity, None)
        else:
            self._entities[entity] = new
        before = old.view if old else None
        after = new.view if new else None
        if not same_terms(before, after):
            self._unindex(entity, before)
            for term in terms_of(after):
                self._index.setdefault(term, set()).add(entity)

    def _unindex(self, entity: EntityKey, view: View | None) -> None:
        for term in terms_of(view):
            entities = self._index[term]
            entities.discard(entity)
            if not entities:
                del self._index[term]


def _entity(tailed: Tailed) -> EntityKey | None:
    header = tailed.header
    if not isinstance(header, Entry) or header.entity not in _KEPT:
        return None
    return header.entity, header.key


def _newer(known: Stored | None, tailed: Tailed) -> Stored | None:
    """What *tailed* leaves of the entity, which was *known* so far."""
    header = tailed.header
    if not isinstance(header, Entry):
        return known
    if known is not None and header.version < known.version:
        return known
    if header.after is None:
        return None
    return Stored(header.after, header.version, tailed.snapshot)
