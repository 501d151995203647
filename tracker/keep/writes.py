"""A draft as the operations of one commit; and a partition as it was stored."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from tracker.domain.archive import ExportSnapshot
from tracker.domain.base import Model
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
from tracker.store.redis import Value

TIMELINE_FOR_MS = 7 * 24 * 3600 * 1000
LINKS_FOR_MS = TIMELINE_FOR_MS
COMMANDS_FOR_MS = 24 * 3600 * 1000
ASIDE_ENTRIES = 1000
MOST_WORDS = 1000  # of one command: a server-side call has a stack of few thousand


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
        *_feeds(keys, partition, after),
        *_loss(keys, draft),
        *_aside(keys, draft),
        *_commands(keys, draft),
        *_watches(keys, partition),
        *_recordings(keys, partition),
        *_asks(keys, draft, written.asks),
        *(
            _outgoing(keys, outgoing, number)
            for number, outgoing in enumerate(draft.outgoing, written.outbox + 1)
        ),
    ]
    return done, after


def _hash(name: str, fields: Mapping[str, Value | None]) -> Iterator[Operation]:
    """Write a hash's *fields*, delete those without a value: in as few as can be."""
    put = [word for one in fields.items() if one[1] is not None for word in one]
    gone = [field for field, value in fields.items() if value is None]
    for command, words in (("HSET", put), ("HDEL", gone)):
        for start in range(0, len(words), MOST_WORDS):
            yield command, name, *words[start : start + MOST_WORDS]


def _json(form: Model | None) -> str | None:
    return None if form is None else form.model_dump_json()


def _calls(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    yield from _hash(
        keys.calls, {k: c if c is None else dump(c) for k, c in draft.calls.items()}
    )
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
    sources = ((key, health.sources.get(key)) for key in health.changed_sources)
    yield from _hash(keys.sources, {k: _json(s) for k, s in sources})
    accounts = ((key, health.accounts.get(key)) for key in health.changed_accounts)
    yield from _hash(keys.accounts, {k: _json(a) for k, a in accounts})
    gone = {f"v:{key}": health.gone.get(key) for key in health.changed_gone}
    yield from _hash(keys.meta, gone)
    health.changed_sources.clear()
    health.changed_accounts.clear()
    health.changed_gone.clear()


def _feeds(
    keys: PartitionKeys, partition: Partition, after: Written
) -> Iterator[Operation]:
    feeds = partition.feeds
    fields: dict[str, Value | None] = {"written": after.outbox, "asked": after.asks}
    for source in feeds.changed_feeds:
        feed = feeds.feeds[source]
        fields[f"s:{source}"] = f"{feed.token} {feed.number} {feed.process}"
    for process in feeds.changed_processes:
        at = feeds.processes.get(process)
        fields[f"p:{process}"] = None if at is None else _ms(at)
    yield from _hash(keys.meta, fields)
    feeds.changed_feeds.clear()
    feeds.changed_processes.clear()


def _loss(keys: PartitionKeys, draft: Draft) -> Iterator[Operation]:
    """Seen by who ingests: another time is another loss."""
    if draft.lost_at is not None:
        yield "HSET", keys.meta, "lost", _ms(draft.lost_at)


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
    watched = ((id_, watches.watched.get(id_)) for id_ in sorted(watches.changed))
    yield from _hash(keys.watches, {i: _json(w) for i, w in watched})
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
    exports = ((k, recordings.exports.get(k)) for k in recordings.changed_exports)
    yield from _hash(keys.exports, {k: _json(e) for k, e in exports})
    polled = {source: _ms(at) for source, at in recordings.changed_polled.items()}
    yield from _hash(keys.polled, polled)
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
            feed = Feed(int(token), int(number), process)
            partition.feeds.restore(rest, feed, _instant(at_ms(meta.offset)))
        elif kind == "p":
            partition.feeds.processes[rest] = _instant(int(value))
        elif kind == "v":
            partition.health.gone[rest] = int(value)
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
        partition.health.restore_account(account)
    async for raw in ledger.values(keys.watches):
        partition.watches.restore(Watched.model_validate_json(raw))
    async for raw in ledger.values(keys.exports):
        export = ExportSnapshot.model_validate_json(raw)
        partition.recordings.exports[export.key] = export


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
