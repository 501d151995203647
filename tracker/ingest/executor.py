"""Commands, executed by the owners of their sources: what is open, who pursues it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog

from tracker.domain.command import Command, Outcome, Sent
from tracker.domain.entry import Order, Reply
from tracker.domain.key import account_of, partition_of
from tracker.errors import StoreUnavailableError
from tracker.ingest.pursuit import Owner, Pursuit
from tracker.ingest.runner import Lock
from tracker.ingest.writer import Writer
from tracker.providers.base import Source
from tracker.providers.recordings import RecordingsSource
from tracker.store.asks import Asks

log = structlog.get_logger(__name__)

_RETRY_S = 0.5

_Part = tuple[str, str, str]
"""The call's key, the command's id, the leg at its source."""


class _Served:
    """A source that this process owns, and what it pursues there."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.pursuits: dict[_Part, tuple[Pursuit, asyncio.Task[None]]] = {}

    def lock(self, why: str) -> None:
        """Refuse what is not sent yet, and what is still to come."""
        self.owner.why_locked = why


class Executor:
    """Knows every open command of the store, and pursues those of owned sources.

    Args:
        writer: The way into the inboxes.
        partitions: How many there are.
    """

    def __init__(self, writer: Writer, partitions: int) -> None:
        self._writer = writer
        self._partitions = partitions
        self._open: dict[str, Command] = {}
        self._served: dict[str, _Served] = {}
        self._clock = datetime.now(UTC), 0.0

    @property
    def open_commands(self) -> int:
        """How many are open in the whole store, as far as known here."""
        return len(self._open)

    @asynccontextmanager
    async def serving(self, source: Source, token: int) -> AsyncIterator[Lock]:
        """Pursue the commands of *source* while the context lasts."""
        owner = Owner(source, token, self._tell, self._now)
        served = self._served[source.key] = _Served(owner)
        for call, command in self._open.items():
            self._pursue(served, call, command)
        try:
            yield served.lock
        finally:
            if self._served.get(source.key) is served:
                del self._served[source.key]
            tasks = [task for _, task in served.pursuits.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def told(self, order: Order) -> None:
        """A call's command has come further; None = it is settled."""
        if order.command is None:
            self._close(order.call)
            return
        known = self._open.get(order.call)
        if known is not None and known.id != order.command.id:
            self._close(order.call)
        self._open[order.call] = order.command
        for source in {e.source for e in order.command.executions}:
            if source in self._served:
                self._pursue(self._served[source], order.call, order.command)

    def loaded(self, partition: int, orders: Iterable[Order], at: datetime) -> None:
        """All that is open in *partition*: whatever else was known of it is over."""
        self.clock(at)
        found = {order.call: order for order in orders}
        known = [
            call
            for call in self._open
            if partition_of("call", call, self._partitions) == partition
        ]
        for call in known:
            if call not in found:
                self._close(call)
        for order in found.values():
            self.told(order)

    def answered(self, reply: Reply) -> None:
        """Somebody's attempt was let through, or not."""
        for served in self._served.values():
            for (call, *_), (pursuit, _) in served.pursuits.items():
                if call == reply.key:
                    pursuit.answered(reply)

    def watched(self, call: str) -> None:
        """Somebody watches *call*: the account's poller, if it is here, follows it."""
        account = account_of(call)
        for key, served in self._served.items():
            if account_of(key) == account and not served.owner.source.lists_calls:
                served.owner.source.follow(call)

    def awaited(self, export: str) -> None:
        """Somebody waits for *export*: the account's poller, if it is here, looks."""
        account = account_of(export)
        for key, served in self._served.items():
            source = served.owner.source
            if account_of(key) == account and isinstance(source, RecordingsSource):
                source.follow_export(export)

    def clock(self, at: datetime) -> None:
        """It is *at* by the store's clock."""
        self._clock = at, asyncio.get_running_loop().time()

    def _now(self) -> datetime:
        at, then_s = self._clock
        return at + timedelta(seconds=asyncio.get_running_loop().time() - then_s)

    def _pursue(self, served: _Served, call: str, command: Command) -> None:
        source = served.owner.source
        for execution in command.executions:
            if execution.source != source.key:
                continue
            part = (call, command.id, execution.leg)
            if part in served.pursuits:
                served.pursuits[part][0].update(command)
            elif execution.open:
                source.follow(call)
                pursuit = Pursuit(served.owner, call, command, execution.leg)
                task = asyncio.create_task(pursuit.run())
                served.pursuits[part] = pursuit, task
                task.add_done_callback(_report)

    def _close(self, call: str) -> None:
        command = self._open.pop(call, None)
        if command is None:
            return
        for execution in command.executions:
            served = self._served.get(execution.source)
            part = (call, command.id, execution.leg)
            if served is not None and part in served.pursuits:
                served.pursuits.pop(part)[1].cancel()

    async def _tell(self, told: Sent | Outcome) -> None:
        partition = partition_of("call", told.call, self._partitions)
        await self._writer.append({partition: [told]})


@asynccontextmanager
async def serve_source(
    executor: Executor, asks: Asks, source: Source, token: int
) -> AsyncIterator[Lock]:
    """Pursue its commands, and remind it of what it cannot know by itself."""
    async with executor.serving(source, token) as lock:
        reminded = False
        while not reminded:
            try:
                await _remind(source, asks)
                reminded = True
            except StoreUnavailableError:
                await asyncio.sleep(_RETRY_S)
        yield lock


async def _remind(source: Source, asks: Asks) -> None:
    if not source.lists_calls:
        for call in await asks.followed(source.key):
            source.follow(call)
    if isinstance(source, RecordingsSource):
        source.begin(await asks.polled(source.key))
        for export in await asks.exports(account_of(source.key)):
            source.follow_export(export.key, export)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("pursuit_broken", exc_info=task.exception())
