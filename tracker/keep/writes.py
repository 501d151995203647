"""A draft as the operations of one commit; and a partition as it was stored."""

from collections.abc import Iterator
from datetime import UTC, datetime

from tracker.domain.archive import ExportSnapshot
from tracker.domain.entry import Order, Outgoing
from tracker.domain.key import make_key
from tracker.domain.snapshot import AccountSnapshot, SourceSnapshot
from tracker.domain.watch import Watched
from tracker.keep.draft import Draft
from tracker.keep.feeds import Feed
from tracker.keep.partition import Partition
from tracker.store.codec import (
    HEADER_FIELD,
    INBOX_FIELD,
    NUMBER_FIELD,
    SNAPSHOT_FIELD,
    at_ms,
    dump,
    parse_interval,
)
from tracker.store.keys import PartitionKeys
from tracker.store.ledger import Ledger, Meta, Operation, Written

TIMELINE_FOR_MS = 7 * 24 * 3600 * 1000
LINKS_FOR_MS = TIMELINE_FOR_MS
COMMANDS_FOR_MS = 24 * 3600 * 1000
ASIDE_ENTRIES = 1000


def operations(
    keys: PartitionKeys, partition: Partition, written: Written
) -> tuple[list[Operation], Written]:
    """What the partition's draft writes; the draft is taken.

    Args:
        keys: Of the partition.
        partition: After the inputs of this commit.
        written: The numbers of the last entries; the draft's go on from them.

    Returns:
        The writes, and the numbers after them.
    """
    draft = partition.take_draft()
    after = Written(
        written.outbox + len(draft.outgoing), written.asks + len(draft.asks)
    )
    done = [
        *_calls(keys, draft),
        *_timelines(keys, draft),
        *_health(keys, partition),
        *_feeds(keys, partition),
        *_aside(keys, draft),
        *_commands(keys, draft),
        *_watches(keys, partition),
        *_recordings(keys, partition),
        *_asks(keys, draft, written.asks),
        *(
            _outgoing(keys, outgoing, number)
            for number, outgoing in enumerate(draft.outgoing, written.outbox + 1)
        ),
        ("HSET", keys.meta, "written", after.outbox, "asked", after.asks),
    ]
    return done, after


def _calls(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    for key, call in draft.calls.items():
        if call is None:
            yield "HDEL", keys.calls, key
        else:
            yield "HSET", keys.calls, key, dump(call)
    for key, (version, ended_at) in draft.tombs.items():
        yield "HSET", keys.tombs, key, version
        yield "ZADD", keys.tomb_ages, _ms(ended_at), key


def _timelines(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    for key, intervals in draft.intervals.items():
        yield "RPUSH", keys.timeline(key), *map(dump, intervals)
    for key, ended in draft.ended.items():
        if ended:
            yield "PEXPIRE", keys.timeline(key), TIMELINE_FOR_MS
        else:
            yield "PERSIST", keys.timeline(key)


def _health(keys: PartitionKeys, partition: Partition) -> Iterator[Operation]:
    health = partition.health
    for key in health.changed_sources:
        source = health.sources.get(key)
        if source is None:
            yield "HDEL", keys.sources, key
        else:
            yield "HSET", keys.sources, key, source.model_dump_json()
    for key in health.changed_accounts:
        yield "HSET", keys.accounts, key, health.accounts[key].model_dump_json()
    health.changed_sources.clear()
    health.changed_accounts.clear()


def _feeds(keys: PartitionKeys, partition: Partition) -> Iterator[Operation]:
    feeds = partition.feeds
    for source in feeds.changed_feeds:
        feed = feeds.feeds[source]
        value = f"{feed.token} {feed.number} {feed.process}"
        yield "HSET", keys.meta, f"s:{source}", value
    for process in feeds.changed_processes:
        at = feeds.processes.get(process)
        if at is None:
            yield "HDEL", keys.meta, f"p:{process}"
        else:
            yield "HSET", keys.meta, f"p:{process}", _ms(at)
    feeds.changed_feeds.clear()
    feeds.changed_processes.clear()


def _aside(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    for value, error in draft.aside:
        trim = ("MAXLEN", "~", ASIDE_ENTRIES, "*")
        yield "XADD", keys.aside, *trim, INBOX_FIELD, value, "error", error


def _commands(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    for call, (view, commands) in draft.commands.items():
        fields: Operation = ("view", dump(view))
        for command in commands.values():
            fields += (command.id, command.part().model_dump_json())
            if command.idempotency_key is not None:
                name = make_key(command.requested_by, command.idempotency_key)
                fields += (f"key:{name}", command.id)
        yield "HSET", keys.commands(call), *fields
        yield "PEXPIRE", keys.commands(call), COMMANDS_FOR_MS


def _watches(keys: PartitionKeys, partition: Partition) -> Iterator[Operation]:
    watches = partition.watches
    for id_ in sorted(watches.changed):
        watched = watches.watched.get(id_)
        if watched is None:
            yield "HDEL", keys.watches, id_
        else:
            yield "HSET", keys.watches, id_, watched.model_dump_json()
    watches.changed.clear()


def _recordings(keys: PartitionKeys, partition: Partition) -> Iterator[Operation]:
    recordings, now_ms = partition.recordings, at_ms(partition.offset)
    for key, known in recordings.changed_known.items():
        yield "HSET", keys.media, key, known.model_dump_json()
        yield "ZADD", keys.media_ages, now_ms, key
    for call, links in recordings.changed_links.items():
        for media, is_there in links.items():
            name = keys.links(call)
            yield ("HSET", name, media, "") if is_there else ("HDEL", name, media)
        yield "PEXPIRE", keys.links(call), LINKS_FOR_MS
    for key in sorted(recordings.changed_exports):
        export = recordings.exports.get(key)
        if export is None:
            yield "HDEL", keys.exports, key
        else:
            yield "HSET", keys.exports, key, export.model_dump_json()
    for source, at in sorted(recordings.changed_polled.items()):
        yield "HSET", keys.polled, source, _ms(at)
    recordings.changed_known.clear()
    recordings.changed_links.clear()
    recordings.changed_exports.clear()
    recordings.changed_polled.clear()


def _asks(keys: PartitionKeys, draft: Draft, asked: int) -> Iterator[Operation]:
    for number, ask in enumerate(draft.asks, asked + 1):
        raw = dump(ask)
        yield "XADD", keys.asks, "*", HEADER_FIELD, raw, NUMBER_FIELD, number
        if isinstance(ask, Order):
            yield _open(keys, ask, raw)


def _open(keys: PartitionKeys, order: Order, raw: bytes) -> Operation:
    if order.command is None:
        return "HDEL", keys.open, order.call
    return "HSET", keys.open, order.call, raw


def _outgoing(keys: PartitionKeys, outgoing: Outgoing, number: int) -> Operation:
    header = dump(outgoing.header)
    fields: Operation = (HEADER_FIELD, header, NUMBER_FIELD, number)
    if outgoing.snapshot:
        fields += (SNAPSHOT_FIELD, outgoing.snapshot)
    return ("XADD", keys.outbox, "*", *fields)


async def restore(partition: Partition, ledger: Ledger, meta: Meta) -> None:
    """Fill *partition* with what was stored of it."""
    partition.offset = meta.offset
    for name, value in meta.fields.items():
        kind, _, rest = name.partition(":")
        if kind == "s":
            token, number, process = value.split(" ", 2)
            partition.feeds.feeds[rest] = Feed(int(token), int(number), process)
        elif kind == "p":
            partition.feeds.processes[rest] = _instant(int(value))
    await _restore_others(partition, ledger)
    calls = [call async for call in ledger.calls()]
    timelines = await ledger.timelines([call.key for call in calls])
    for call, raws in zip(calls, timelines, strict=True):
        partition.restore(call, tuple(map(parse_interval, raws)))


async def _restore_others(partition: Partition, ledger: Ledger) -> None:
    keys = ledger.keys
    async for raw in ledger.values(keys.sources):
        partition.health.restore(SourceSnapshot.model_validate_json(raw))
    async for raw in ledger.values(keys.accounts):
        account = AccountSnapshot.model_validate_json(raw)
        partition.health.accounts[account.key] = account
    async for raw in ledger.values(keys.watches):
        partition.watches.restore(Watched.model_validate_json(raw))
    async for raw in ledger.values(keys.exports):
        export = ExportSnapshot.model_validate_json(raw)
        partition.recordings.exports[export.key] = export


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
