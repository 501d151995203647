"""One partition under its lease: its outbox, replays and wishes become deliveries."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final, Protocol

import structlog

from tracker.errors import LeaseLostError, PositionLostError, StoreError
from tracker.fanout.cursor import BEGINNING, Place
from tracker.outlets.webhooks.backlog import Backlog
from tracker.outlets.webhooks.books import Bodies, Books
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.intake import Due, Intake, Served
from tracker.outlets.webhooks.replays import Replays
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.store.dispatch import DispatchLedger
from tracker.store.endpoints import Wish
from tracker.store.leases import Lease
from tracker.store.outbox import Outbox, Tailed

log = structlog.get_logger(__name__)

OWED_PER_COMMIT: Final = 1000
MARK_S: Final = 1.0
"""So often at least, how far it is gets stored, when there is nothing else to store."""

TIDY_S: Final = 10.0
PRUNE_S: Final = 3600.0
_PRUNED_AT_ONCE: Final = 10
GRACE_S: Final = 1.0
"""For attempts under way, when the partition becomes somebody else's."""

_AGAIN_S: Final = 0.2


class Serving(Protocol):
    """Who knows the endpoints."""

    @property
    def served(self) -> Mapping[str, Served]:
        """Those that there are, by id."""

    @property
    def unreadable(self) -> Collection[str]:
        """Ids of those that there are as well, and that cannot be served."""

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
        self._backlogs: dict[str, Backlog] = {}
        self._live: list[Served] = []
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._reached = BEGINNING
        self._marked_s = self._tidied_s = self._pruned_s = 0.0
        self._books = Books(ledger, lease, self._epoch)
        self._bodies = Bodies(ledger, self._books)
        self._intake = Intake(
            ledger, self._epoch, self._books, self._backlogs, self._clock
        )
        self._replays = Replays(ledger, outbox, self._books, self._intake)

    async def run(self) -> None:
        """Serve the partition until the lease is lost, or cancelled.

        Raises:
            LeaseLostError: Drop this dispatcher; a new one loads everything anew.
            StoreUnavailableError: Likewise, after a while.
        """
        try:
            await self._load()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._books.run())
                chores = group.create_task(self._chores())
                try:
                    await self._follow()
                finally:
                    chores.cancel()
                    await self._leave()
        finally:
            self._books.end(LeaseLostError("this partition is served no more"))

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
                try:
                    await self._books.written()
                except StoreError:
                    return False
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
        self._reached = Place.parse(offset)
        self._books.begin(offset)
        for endpoint in self._replays.restore(meta.replays):
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
                log.error("webhook_hole", partition=self.number, error=str(lost))
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
            self._intake.see(tailed)
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
        self._intake.forget(self._live)
        if not dues and now_s - self._marked_s < MARK_S:
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
            await self._prune()
            await self._woken.wait()

    async def _sync(self) -> None:
        """Serve the endpoints that there are, and no others, within the bounds."""
        served, unreadable = self._known.served, self._known.unreadable
        for id_ in self._backlogs.keys() - {*served, *unreadable}:
            await self._purge(id_)
        endpoints = [one.endpoint for one in served.values()]
        await self._replays.keep(endpoints, unreadable, self._reached)
        for id_, one in served.items():
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
        await self._backlogs.pop(id_).discard()
        await self._ledger.forget(id_)
        self._pruned_s = 0.0

    async def _prune(self) -> None:
        """Forget which events came before, once in a while, some of them at a time."""
        now_s, settings = self._clock.now_s(), self._settings
        if now_s - self._pruned_s < PRUNE_S:
            return
        kept_s = max(settings.owed_for_s, settings.logged_for_s)
        for _ in range(_PRUNED_AT_ONCE):
            async with self._turn:
                if await self._intake.prune(round((now_s - kept_s) * 1000)):
                    self._pruned_s = now_s
                    return

    def _admit(self) -> None:
        """Whose beginning is behind them get live events."""
        self._live = [
            served
            for id_, served in self._known.served.items()
            if id_ in self._backlogs and self._replays.has_begun(id_)
        ]

    async def _is_replayed(self, served: Served) -> bool:
        """Take one step of what an endpoint is owed of the past; True = it is done."""
        async with self._turn:
            if served.id not in self._backlogs:
                return True
            if self._replays.has_begun(served.id):
                return not await self._replays.step(served, self._reached)
            await self._replays.begin(served, self._reached)
            self._admit()
            return False
