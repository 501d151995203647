"""Decide the stored inputs again, and show where the outcome differs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from tracker.app.check import CheckLine
from tracker.app.opened import OpenedStore, opened_store
from tracker.domain.describe import snapshot
from tracker.errors import ConfigError
from tracker.keep.partition import Partition
from tracker.settings import EMBEDDED, Settings
from tracker.store.inbox import Inbox
from tracker.store.ledger import Ledger

_ENTRIES = 500


async def replay(settings: Settings) -> AsyncIterator[CheckLine]:
    """Fold every partition's inbox from its beginning, and compare with the store.

    What was trimmed cannot be replayed: calls that were known before the oldest input
    are compared by what followed, and differ where the missing part still shows.

    Raises:
        ConfigError: The store cannot be had.
    """
    data_dir = settings.store.data_dir
    if settings.store.url == EMBEDDED and not data_dir.exists():
        message = f"there is no {data_dir}: nothing was stored that could be replayed"
        raise ConfigError(message)
    async with opened_store(settings.store, only_look=True) as store:
        if not store.partitions:
            raise ConfigError("the store is empty: nothing could be replayed")
        for number in range(store.partitions):
            yield await _replay(store, settings, number)


async def _replay(store: OpenedStore, settings: Settings, number: int) -> CheckLine:
    keys = store.keys[number]
    ledger = Ledger(store.redis, store.functions, keys, store.settings.lease_s)
    meta = await ledger.meta()
    partition = Partition(number, store.partitions, settings.keep.policy)
    inputs = 0
    inbox, first = Inbox(store.redis, keys), "-"
    while entries := await inbox.read(first, meta.offset, _ENTRIES):
        for entry in entries:
            at = datetime.fromtimestamp(entry.at_ms / 1000, UTC)
            partition.fold(entry.id, at, entry.inputs)
            inputs += len(entry.inputs)
        partition.take_draft()
        first = f"({entries[-1].id}"
    differing = await _differing(ledger, partition)
    detail = f"{inputs} inputs, {len(partition.calls)} calls"
    if differing:
        detail += f"; differs: {', '.join(sorted(differing)[:10])}"
    return CheckLine(not differing, f"partition {number}", detail)


async def _differing(ledger: Ledger, partition: Partition) -> set[str]:
    """Keys of calls whose stored snapshot is not what the replay made of them."""
    found = set()
    async for call in ledger.calls():
        again = partition.calls.get(call.key)
        now = call.past.as_of
        if again is None or snapshot(again, now) != snapshot(call, now):
            found.add(call.key)
    return found
