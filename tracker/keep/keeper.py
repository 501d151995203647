"""The loop of one keeper: read the inbox, fold, commit, and now and then tidy up."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex

import structlog

from tracker.domain.reading import Tick
from tracker.errors import StoreUnavailableError
from tracker.keep.partition import Partition
from tracker.keep.writes import operations, restore
from tracker.store.codec import SCHEMA, Input, is_earlier
from tracker.store.inbox import Inbox, Received
from tracker.store.leases import Lease
from tracker.store.ledger import Batch, Ledger, Written
from tracker.store.retention import Retention

log = structlog.get_logger(__name__)

ENTRIES_PER_COMMIT = 200
TICK_S = 1.0
TIDY_S = 10.0
_RETRY_S = 0.2

Observer = Callable[[Partition, int], None]
"""Told after every commit: the partition, and how many entries it took."""


class Keeper:
    """The one writer of one partition, for as long as its lease holds.

    Args:
        ledger: The partition's stored state.
        inbox: Its way in.
        retention: What trims its streams.
        partition: Empty; filled by `run`.
        lease_s: How long to try without an answer of the store.
        observer: For metrics.

    Attributes:
        committed: The offset of its last commit; None = there was none.
    """

    def __init__(
        self,
        ledger: Ledger,
        inbox: Inbox,
        retention: Retention,
        partition: Partition,
        lease_s: float,
        observer: Observer,
    ) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._retention = retention
        self._partition = partition
        self._lease_s = lease_s
        self._observer = observer
        self.committed: str | None = None
        self._offset = "0-0"
        self._written = Written()

    async def run(self, epoch: str, lease: Lease, known: str = "0-0") -> None:
        """Keep until the lease is lost or the task is cancelled.

        Args:
            epoch: Of the store.
            lease: On the partition.
            known: The offset of the last commit that this process knows of.

        Raises:
            LeaseLostError: Drop this keeper; a new one loads everything anew.
            StoreUnavailableError: Likewise, after a while.
        """
        await self._load(epoch, known)
        async with asyncio.TaskGroup() as group:
            tick = group.create_task(self._tick())
            tidy = group.create_task(self._tidy())
            try:
                await self._follow(epoch, lease)
            finally:
                tick.cancel()
                tidy.cancel()

    async def _load(self, epoch: str, known: str) -> None:
        meta = await self._ledger.meta()
        if meta.schema > SCHEMA:
            message = "this partition was written by a newer release of tracker"
            raise StoreUnavailableError(message)
        lost = meta.epoch is not None and meta.epoch != epoch
        if meta.epoch != epoch or meta.schema != SCHEMA:
            await self._ledger.adopt(epoch, SCHEMA)
        await restore(self._partition, self._ledger, meta)
        self._offset, self._written = meta.offset, meta.written
        began = meta.offset != "0-0"
        gone_back = is_earlier(meta.offset, known)
        if lost or gone_back or (began and not await self._inbox.has(meta.offset)):
            log.warning("inbox_lost", partition=self._ledger.keys.partition)
            self._partition.blind_everything(await self._ledger.now())

    async def _follow(self, epoch: str, lease: Lease) -> None:
        async for received in self._inbox.follow(self._offset, ENTRIES_PER_COMMIT):
            if received:
                await self._fold(received)
                await self._commit(epoch, lease)
                self._observer(self._partition, len(received))

    async def _fold(self, received: Sequence[Received]) -> None:
        partition = self._partition
        await self._look_up([told for entry in received for told in entry.inputs])
        for entry in received:
            at = datetime.fromtimestamp(entry.at_ms / 1000, UTC)
            partition.fold(entry.id, at, entry.inputs)
            if entry.unreadable is not None:
                partition.put_aside(entry.unreadable)

    async def _look_up(self, inputs: Sequence[Input]) -> None:
        """Fetch what is left of calls, and known of recordings, that *inputs* name."""
        partition = self._partition
        calls, media = partition.unknown_calls(inputs), partition.unknown_media(inputs)
        if calls:
            partition.tombs |= await self._ledger.tombs(calls)
        if media:
            partition.recordings.known |= await self._ledger.media(media)

    async def _commit(self, epoch: str, lease: Lease) -> None:
        """Commit the draft; the same batch again until there is an answer."""
        keys, partition = self._ledger.keys, self._partition
        writes, written = operations(keys, partition, self._written)
        batch = Batch(self._offset, partition.offset, token_hex(8), writes)
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._lease_s
        while True:
            try:
                await self._ledger.commit(batch, epoch, lease)
            except StoreUnavailableError:
                if loop.time() > give_up_at:
                    raise
                await asyncio.sleep(_RETRY_S)
            else:
                break
        self._offset, self._written = batch.offset, written
        self.committed = batch.offset

    async def _tick(self) -> None:
        while True:
            with suppress(StoreUnavailableError):
                await self._inbox.append([Tick()])
            await asyncio.sleep(TICK_S)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            with suppress(StoreUnavailableError):
                await self._retention.trim(self._offset)
