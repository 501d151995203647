"""One partition under its lease: its outbox, replays and wishes become deliveries."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

import structlog

from tracker.errors import LeaseLostError, PositionLostError, StoreError
from tracker.fanout.cursor import BEGINNING, WHOLE, Cursor, Place
from tracker.outlets.webhooks.backlog import Backlog, Bodies, Books
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.intake import Due, Intake, Served
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.store.dispatch import DispatchLedger
from tracker.store.endpoints import Wish
from tracker.store.leases import Lease
from tracker.store.outbox import Outbox, Tailed

log = structlog.get_logger(__name__)

OWED_PER_COMMIT: Final = 1000
READ: Final = 500
"""Outbox entries of a replay at once; between them live events go first."""

MARK_S: Final = 1.0
"""So often at least, how far it is gets stored, when there is nothing else to store."""

TIDY_S: Final = 10.0
GRACE_S: Final = 1.0
"""For attempts under way, when the partition becomes somebody else's."""

_AGAIN_S: Final = 0.2
_DONE: Final = "done"
_BEGIN: Final = "begin"


class Serving(Protocol):
    """Who knows the endpoints."""

    @property
    def served(self) -> Mapping[str, Served]:
        """Those that there are, by id."""

    def dropped(self, endpoint: str, count: int) -> None:
        """So many of its deliveries were dropped."""


class Dispatcher:
    """Owes what there is to owe, and lets lines deliver it.

    Args:
        ledger: The partition's owed deliveries.
        lease: On them.
        outbox: Of the store.
        settings: How much is kept.
        clock: The time of day.
        known: The endpoints that there are.
    """

    def __init__(
        self,
        ledger: DispatchLedger,
        lease: Lease,
        outbox: Outbox,
        settings: WebhookSettings,
        clock: Clock,
        known: Serving,
    ) -> None:
        self.number = ledger.keys.partition
        self._ledger = ledger
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._known = known
        self._epoch = outbox.epoch
        self._bodies = Bodies(ledger)
        self._backlogs: dict[str, Backlog] = {}
        self._live: list[Served] = []
        self._replays: dict[str, str] = {}
        self._previous: dict[str, dict[str, str]] = {}
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._reached = BEGINNING
        self._marked_s = self._tidied_s = 0.0
        self._books = Books(ledger, lease, self._epoch)
        self._intake = Intake(
            ledger, self._epoch, self._books, self._backlogs, self._clock
        )

    async def run(self) -> None:
        """Serve the partition until the lease is lost, or cancelled.

        Raises:
            LeaseLostError: Drop this dispatcher; a new one loads everything anew.
            StoreUnavailableError: Likewise, after a while.
        """
        await self._load()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._books.run())
            chores = group.create_task(self._chores())
            try:
                await self._follow()
            finally:
                chores.cancel()
                await self._leave()

    async def _leave(self) -> None:
        """Let attempts end, and what they led to be stored, or send some again."""
        lines = [served.line for served in self._known.served.values()]
        await asyncio.gather(*(line.detach(self.number, GRACE_S) for line in lines))
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self._books.written()

    def wake(self) -> None:
        """Endpoints may have changed."""
        self._woken.set()

    async def grant(self, wish: Wish) -> bool:
        """Owe what somebody wants; when it is stored, True. False = not yet."""
        async with self._turn:
            backlog, owed = self._backlogs.get(wish.endpoint), wish.delivery
            served = self._known.served.get(wish.endpoint)
            if backlog is None or served is None:
                return False
            if owed.event in backlog.lanes:
                backlog.lanes.hasten(owed.event)
            elif wish.body is not None:
                backlog.owe(owed, wish.body.encode())
                await self._books.written()
            served.line.wake()
        return True

    async def _load(self) -> None:
        meta = await self._ledger.meta()
        offset = meta.offset
        if meta.epoch is None:
            offset = await self._outbox.end(self.number)
        elif meta.epoch != self._epoch:
            log.error("webhook_store_lost", partition=self.number)
            offset = BEGINNING.stream_id
        if meta.epoch != self._epoch:
            await self._ledger.adopt(self._epoch, offset)
        self._reached, self._replays = Place.parse(offset), meta.replays
        self._books.begin(offset)
        for name in self._replays:
            endpoint, _, replay = name.partition(":")
            if replay == _BEGIN:
                owed = [one async for one in self._ledger.owed(endpoint)]
                self._backlog(endpoint).restore(owed)

    def _backlog(self, endpoint: str) -> Backlog:
        backlog = self._backlogs[endpoint] = Backlog(
            endpoint,
            self._ledger.keys,
            self._books,
            self._bodies,
            self._settings,
            self._clock,
            self._outbox.partitions,
        )
        return backlog

    async def _follow(self) -> None:
        """Owe what comes; what was trimmed before it was read is a hole, and told."""
        after = self._reached.stream_id
        while True:
            try:
                async for batch in self._outbox.tail(self.number, after):
                    async with self._turn:
                        await self._take(batch)
            except PositionLostError as lost:
                log.error("webhook_hole", partition=self.number, reason=str(lost))
                await self._outbox.refresh()
                if self._outbox.epoch != self._epoch:
                    raise LeaseLostError("the store was lost") from lost
                after = BEGINNING.stream_id
                await asyncio.sleep(_AGAIN_S)

    async def _take(self, batch: list[Tailed]) -> None:
        """Owe a batch of outbox entries, in bites."""
        dues: list[Due] = []
        count = 0
        for tailed in batch:
            place = Place.parse(tailed.id)
            if place <= self._reached:
                continue
            found = list(self._intake.dues(tailed, self._live, live=True))
            self._intake.forget(tailed, self._live)
            self._reached = place
            dues += found
            count += sum(len(due.to) for due in found)
            if count >= OWED_PER_COMMIT:
                await self._owe(dues)
                dues, count = [], 0
        await self._owe(dues)

    async def _owe(self, dues: list[Due]) -> None:
        """Store what is owed together with how far that is."""
        reached, now_s = self._reached, self._clock.now_s()
        if dues:
            await self._intake.owe(dues)
        elif now_s - self._marked_s < MARK_S:
            return
        self._marked_s = now_s
        self._books.reach(reached.stream_id)
        await self._books.written()
        for line in {served.line for due in dues for served in due.to}:
            line.wake()

    async def _chores(self) -> None:
        """Everything beside live events, which may take their turn in between."""
        while True:
            self._woken.clear()
            async with self._turn:
                await self._sync()
            for served in list(self._known.served.values()):
                while not await self._is_replayed(served):
                    pass
            await self._woken.wait()

    async def _sync(self) -> None:
        """Serve the endpoints that there are, and no others, within the bounds."""
        served = self._known.served
        for id_ in self._backlogs.keys() - served.keys():
            await self._purge(id_)
        for id_, one in served.items():
            await self._forget_replays(one)
            backlog = self._backlogs.get(id_) or self._backlog(id_)
            one.line.attach(self.number, backlog)
        self._admit()
        now_s = self._clock.now_s()
        is_time = now_s - self._tidied_s >= TIDY_S
        if is_time:
            self._tidied_s = now_s
        await self._shorten(now_s, by_age=is_time)

    async def _shorten(self, now_s: float, *, by_age: bool) -> None:
        settings = self._settings
        oldest_ms = round((now_s - settings.owed_for_s) * 1000) if by_age else 0
        dropped = {id_: one.shorten(oldest_ms) for id_, one in self._backlogs.items()}
        for id_, count in dropped.items():
            if count:
                self._known.dropped(id_, count)
        if any(dropped.values()):
            await self._books.written()
        for id_ in self._backlogs if by_age else ():
            before_ms = round((now_s - settings.logged_for_s) * 1000)
            await self._ledger.tidy(id_, before_ms)

    async def _purge(self, id_: str) -> None:
        """The endpoint is no more."""
        self._backlogs.pop(id_).discard()
        await self._forget([n for n in self._replays if n.startswith(f"{id_}:")])
        await self._ledger.forget(id_)

    async def _forget_replays(self, served: Served) -> None:
        """Those that the endpoint itself no longer remembers."""
        ids = (_BEGIN, *(replay.id for replay in served.endpoint.replays))
        kept = {f"{served.id}:{id_}" for id_ in ids}
        gone = [
            name
            for name in self._replays
            if name not in kept and name.startswith(f"{served.id}:")
        ]
        if gone:
            await self._forget(gone)

    async def _forget(self, replays: list[str]) -> None:
        for name in replays:
            del self._replays[name]
        fields = [f"r:{name}" for name in replays]
        self._books.draft.drop(self._ledger.keys.dispatch, fields)
        await self._books.written()

    def _admit(self) -> None:
        """Whose beginning is behind them get live events."""
        self._live = [
            served
            for id_, served in self._known.served.items()
            if id_ in self._backlogs and self._replays.get(f"{id_}:{_BEGIN}") == _DONE
        ]

    async def _is_replayed(self, served: Served) -> bool:
        """Take one step of what an endpoint is owed of the past; True = it is done."""
        async with self._turn:
            if served.id not in self._backlogs:
                return True
            begin = f"{served.id}:{_BEGIN}"
            if self._replays.get(begin) != _DONE:
                since = served.begins(self._epoch, self.number)
                await self._step(begin, served, since, self._reached)
                self._admit()
                return False
            return not await self._step_replay(served)

    async def _step_replay(self, served: Served) -> bool:
        """Likewise of its replays; False = they are done, as far as they can be."""
        for replay in served.endpoint.replays:
            name = f"{served.id}:{replay.id}"
            since, until = Cursor.parse(replay.since), Cursor.parse(replay.until)
            if self._replays.get(name) == _DONE or until.epoch != self._epoch:
                continue
            end = until.places[self.number]
            if end <= self._reached:
                await self._step(name, served, since.places[self.number], end)
                return True
        return False

    async def _step(
        self, name: str, served: Served, since: Place, until: Place
    ) -> None:
        """Owe some of what lies behind *since*, or where it was, up to *until*."""
        known = self._replays.get(name)
        place = Place.parse(known) if known else since
        try:
            entries = await self._between(place, until)
        except PositionLostError:
            log.error("webhook_replay_lost", endpoint=served.id, partition=self.number)
            entries = []
        dues = [
            due
            for tailed in entries
            for due in self._intake.dues(tailed, [served], live=False)
            if place < due.event.position.place <= until
        ]
        last = Place.parse(entries[-1].id) if entries else until
        far = _DONE if last >= until else str(last)
        if name.endswith(f":{_BEGIN}"):
            await self._intake.owe(dues)
        else:
            self._intake.owe_after(dues, self._previous.setdefault(name, {}))
        self._replays[name] = far
        self._books.draft.put(self._ledger.keys.dispatch, f"r:{name}", far)
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
            [] if place.fact == WHOLE else [await self._outbox.entry(self.number, id_)]
        )
        found = begun + await self._outbox.read(self.number, id_, READ)
        return [tailed for tailed in found if Place.parse(tailed.id)[:2] <= until[:2]]
