"""What a partition's endpoints are owed of the past: what came before, and again."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import structlog

from tracker.errors import PositionLostError
from tracker.fanout.cursor import BEGINNING, WHOLE, Cursor, Place
from tracker.outlets.endpoint import Endpoint
from tracker.outlets.webhooks.books import Books
from tracker.outlets.webhooks.intake import Intake, Served
from tracker.store.dispatch import DispatchLedger
from tracker.store.outbox import Outbox, Tailed

log = structlog.get_logger(__name__)

READ: Final = 500
"""Outbox entries at once; between them live events go first."""

_DONE: Final = "done"
_BEGIN: Final = "begin"


class Replays:
    """Reads the outbox once more, step by step, and remembers how far it is.

    Args:
        ledger: Of the partition.
        outbox: Of the store.
        books: Where everything is written.
        intake: Of the partition.
    """

    def __init__(
        self, ledger: DispatchLedger, outbox: Outbox, books: Books, intake: Intake
    ) -> None:
        self._number = ledger.keys.partition
        self._key = ledger.keys.dispatch
        self._outbox = outbox
        self._epoch = outbox.epoch
        self._books = books
        self._intake = intake
        self._far: dict[str, str] = {}
        self._previous: dict[str, dict[str, str]] = {}

    def restore(self, far: Mapping[str, str]) -> list[str]:
        """Take in how far each is; the endpoints whose beginning is known."""
        self._far = dict(far)
        parts = (name.partition(":") for name in far)
        return [endpoint for endpoint, _, replay in parts if replay == _BEGIN]

    def has_begun(self, endpoint: str) -> bool:
        """All from its beginning up to live events is owed."""
        return self._far.get(_begin(endpoint)) == _DONE

    async def begin(self, served: Served, reached: Place) -> None:
        """Take one step from an endpoint's beginning up to where live events are."""
        since = served.begins(self._epoch, self._number)
        await self._step(_begin(served.id), served, since, reached)

    async def step(self, served: Served, reached: Place) -> bool:
        """Likewise of its replays; False = they are done, as far as they can be."""
        for replay in served.endpoint.replays:
            name = f"{served.id}:{replay.id}"
            since, until = Cursor.parse(replay.since), Cursor.parse(replay.until)
            if self._far.get(name) == _DONE or until.epoch != self._epoch:
                continue
            end = until.places[self._number]
            if end <= reached:
                await self._step(name, served, since.places[self._number], end)
                return True
        return False

    async def keep(
        self,
        endpoints: Iterable[Endpoint],
        unreadable: Collection[str],
        reached: Place,
    ) -> None:
        """Forget what no endpoint remembers itself.

        Args:
            endpoints: All there are.
            unreadable: But for these; once they can be served, what happens from now
                on is owed to them as well.
            reached: Where live events are.
        """
        held = [n for n in map(_begin, unreadable) if self._far.get(n) == _DONE]
        for name in held:
            self._far[name] = str(reached)
            self._books.draft.put(self._key, f"r:{name}", str(reached))
        known = {
            f"{endpoint.id}:{id_}"
            for endpoint in endpoints
            for id_ in (_BEGIN, *(replay.id for replay in endpoint.replays))
        }
        gone = [
            name
            for name in self._far.keys() - known
            if name.partition(":")[0] not in unreadable
        ]
        for name in gone:
            del self._far[name]
        self._books.draft.drop(self._key, [f"r:{name}" for name in gone])
        if gone or held:
            await self._books.written()

    async def _step(
        self, name: str, served: Served, since: Place, until: Place
    ) -> None:
        """Owe some of what lies behind *since*, or where it was, up to *until*."""
        known = self._far.get(name)
        place = Place.parse(known) if known else since
        try:
            entries = await self._between(place, until)
        except PositionLostError:
            log.error("webhook_replay_lost", endpoint=served.id, partition=self._number)
            is_live = name == _begin(served.id)
            entries = await self._between(BEGINNING, until) if is_live else []
        dues = [
            due
            for tailed in entries
            for due in self._intake.dues(tailed, [served], live=False)
            if place < due.event.position.place <= until
        ]
        last = Place.parse(entries[-1].id) if entries else until
        far = _DONE if last >= until else str(last)
        if name == _begin(served.id):
            await self._intake.owe(dues)
        else:
            self._intake.owe_after(dues, self._previous.setdefault(name, {}))
        self._far[name] = far
        self._books.draft.put(self._key, f"r:{name}", far)
        await self._books.written()
        if far == _DONE:
            self._previous.pop(name, None)
        served.line.wake()

    async def _between(self, place: Place, until: Place) -> list[Tailed]:
        """Some entries behind *place*, of which a part may lie behind it too."""
        if place >= until:
            return []
        id_ = place.stream_id
        begun = (
            [] if place.fact == WHOLE else [await self._outbox.entry(self._number, id_)]
        )
        found = begun + await self._outbox.read(self._number, id_, READ)
        return [tailed for tailed in found if Place.parse(tailed.id)[:2] <= until[:2]]


def _begin(endpoint: str) -> str:
    return f"{endpoint}:{_BEGIN}"
