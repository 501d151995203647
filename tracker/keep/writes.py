"""A draft as the operations of one commit; and a partition as it was stored."""

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import TypeAdapter

from tracker.domain.entry import Outgoing
from tracker.domain.snapshot import AccountSnapshot, Interval, SourceSnapshot
from tracker.keep.feeds import Feed
from tracker.keep.partition import Draft, Partition
from tracker.store.codec import (
    HEADER_FIELD,
    INBOX_FIELD,
    NUMBER_FIELD,
    SNAPSHOT_FIELD,
    dump_header,
)
from tracker.store.keys import PartitionKeys
from tracker.store.ledger import Ledger, Meta, Operation

TIMELINE_FOR_MS = 7 * 24 * 3600 * 1000
ASIDE_ENTRIES = 1000

_INTERVAL: TypeAdapter[Interval] = TypeAdapter(Interval)


def operations(
    keys: PartitionKeys, partition: Partition, written: int
) -> list[Operation]:
    """What the partition's draft writes; the draft is taken.

    Args:
        keys: Of the partition.
        partition: After the inputs of this commit.
        written: The number of the last outbox entry; the draft's go on from it.
    """
    draft = partition.take_draft()
    numbered = enumerate(draft.outgoing, written + 1)
    return [
        *_calls(keys, draft),
        *_timelines(keys, draft),
        *_health(keys, partition),
        *_feeds(keys, partition),
        *_aside(keys, draft),
        *(_outgoing(keys, outgoing, number) for number, outgoing in numbered),
        ("HSET", keys.meta, "written", written + len(draft.outgoing)),
    ]


def _calls(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    for key, call in draft.calls.items():
        if call is None:
            yield "HDEL", keys.calls, key
        else:
            yield "HSET", keys.calls, key, call.model_dump_json()
    for key, (version, ended_at) in draft.tombs.items():
        yield "HSET", keys.tombs, key, version
        yield "ZADD", keys.tomb_ages, _ms(ended_at), key


def _timelines(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    for key, intervals in draft.intervals.items():
        raws = [_INTERVAL.dump_json(i, by_alias=True) for i in intervals]
        yield "RPUSH", keys.timeline(key), *raws
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


def _outgoing(keys: PartitionKeys, outgoing: Outgoing, number: int) -> Operation:
    header = dump_header(outgoing.header)
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
    async for raw in ledger.values(ledger.keys.sources):
        partition.health.restore(SourceSnapshot.model_validate_json(raw))
    async for raw in ledger.values(ledger.keys.accounts):
        account = AccountSnapshot.model_validate_json(raw)
        partition.health.accounts[account.key] = account
    calls = [call async for call in ledger.calls()]
    timelines = await ledger.timelines([call.key for call in calls])
    for call, raws in zip(calls, timelines, strict=True):
        partition.restore(call, tuple(_INTERVAL.validate_json(raw) for raw in raws))


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
