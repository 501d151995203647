"""From events to what is owed for them: who wants each, and what came before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tracker.domain.delivery import Owed
from tracker.domain.entry import Entry
from tracker.fanout.cursor import BEGINNING, Cursor, Place, Position
from tracker.fanout.events import expand
from tracker.fanout.filters import Query, Verdict
from tracker.fanout.published import Published
from tracker.outlets.endpoint import Endpoint
from tracker.outlets.webhooks.backlog import Backlog
from tracker.outlets.webhooks.books import Books
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.line import Line
from tracker.store.dispatch import SCAN, DispatchLedger, previous_field
from tracker.store.outbox import Tailed


class Served(NamedTuple):
    """An endpoint and the line that serves it in this process.

    Attributes:
        since: Where its events begin.
    """

    endpoint: Endpoint
    query: Query
    since: Cursor
    line: Line

    @property
    def id(self) -> str:
        """The endpoint's."""
        return self.endpoint.id

    def begins(self, epoch: str, partition: int) -> Place:
        """The place behind which its events begin; in another store, all are."""
        if self.since.epoch != epoch or partition >= len(self.since.places):
            return BEGINNING
        return self.since.places[partition]


class Due(NamedTuple):
    """An event, and who is to get it."""

    event: Published
    to: list[Served]


class Intake:
    """Of one partition.

    Args:
        ledger: Of the partition.
        epoch: The store's.
        books: Where everything is written.
        backlogs: By endpoint.
        clock: The time of day.
    """

    def __init__(
        self,
        ledger: DispatchLedger,
        epoch: str,
        books: Books,
        backlogs: Mapping[str, Backlog],
        clock: Clock,
    ) -> None:
        self._number = ledger.keys.partition
        self._epoch = epoch
        self._ledger = ledger
        self._books = books
        self._backlogs = backlogs
        self._clock = clock
        self._gone: set[str] = set()
        self._pruned = SCAN

    def dues(
        self, tailed: Tailed, to: Sequence[Served], *, live: bool
    ) -> Iterator[Due]:
        """The events of an outbox entry that somebody of *to* is to get.

        Args:
            tailed: The entry.
            to: Endpoints.
            live: Not those of before an endpoint's beginning.
        """
        for event in expand(tailed, self._epoch) if to else ():
            if event.type:
                place = event.position.place
                owed = [
                    served
                    for served in to
                    if served.query.verdict(event) is Verdict.EVENT
                    and not (live and self._is_before(served, place))
                ]
                if owed:
                    yield Due(event, owed)

    def _is_before(self, served: Served, place: Place) -> bool:
        return place <= served.begins(self._epoch, self._number)

    def see(self, tailed: Tailed) -> None:
        """Keep in mind what is gone, and what has come back."""
        entry = tailed.header
        if isinstance(entry, Entry):
            if entry.after is None:
                self._gone.add(entry.key)
            else:
                self._gone.discard(entry.key)

    def forget(self, live: Iterable[Served]) -> None:
        """What was the last of an entity that is gone is nobody's business."""
        if self._gone:
            fields = [previous_field(s.id, key) for s in live for key in self._gone]
            self._books.draft.drop(self._ledger.keys.previous, fields)
            self._gone.clear()

    async def prune(self, before_ms: int) -> bool:
        """Forget more of what was told before *before_ms*, or to who is no more.

        Returns:
            All there is was looked at.
        """
        self._pruned, found = await self._ledger.some_previous(self._pruned)
        old = [
            name
            for name, last in found.items()
            if name.partition(" ")[0] not in self._backlogs
            or _told_ms(last) < before_ms
        ]
        if old:
            self._books.draft.drop(self._ledger.keys.previous, old)
            await self._books.written()
        return self._pruned == SCAN

    async def owe(self, dues: list[Due]) -> None:
        """Owe the next ones, in the next commit; each knows the one before."""
        names = dict.fromkeys(
            previous_field(served.id, due.event.key)
            for due in dues
            for served in due.to
        )
        found = await self._ledger.previous(list(names))
        previous = {name: last for name, last in zip(names, found, strict=True) if last}
        for name, last in self.owe_after(dues, previous).items():
            self._books.draft.put(self._ledger.keys.previous, name, last)

    def owe_after(self, dues: list[Due], previous: dict[str, str]) -> dict[str, str]:
        """Likewise, when what came before is known; it is brought up to date."""
        news: dict[str, str] = {}
        now_ms = self._clock.now_ms()
        for event, to in dues:
            id_, body = str(event.position), event.body
            for served in to:
                name = previous_field(served.id, event.key)
                owed = Owed(
                    event=id_,
                    type=event.type,
                    entity=event.key,
                    previous=previous.get(name),
                    owed_ms=now_ms,
                    order=event.position.place,
                )
                self._backlogs[served.id].owe(owed, body)
                previous[name] = news[name] = id_
        return news


def _told_ms(event: str) -> int:
    """When it was told, by its id; one that nobody can read was long ago."""
    try:
        return Position.parse(event).place.ms
    except ValueError:
        return 0
