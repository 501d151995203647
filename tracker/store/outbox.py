"""The way out: one stream per partition, written by commits only, read by everyone."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from tracker.domain.call import Call
from tracker.domain.changes import Policy
from tracker.domain.describe import snapshot
from tracker.domain.entry import Header
from tracker.domain.key import account_of, partition_of
from tracker.domain.snapshot import AccountSnapshot, Interval, SourceSnapshot
from tracker.domain.terms import Kind
from tracker.domain.view import View, view_of
from tracker.errors import PositionLostError
from tracker.store.codec import (
    HEADER_FIELD,
    NUMBER_FIELD,
    SNAPSHOT_FIELD,
    Raw,
    parse_entries,
    parse_header,
)
from tracker.store.inbox import BLOCK_MS
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Keyspace
from tracker.store.registry import Registry
from tracker.store.scan import values

BEGINNING = "0-0"
_BATCH = 500
_INTERVAL: TypeAdapter[Interval] = TypeAdapter(Interval)


class Tailed(NamedTuple):
    """One outbox entry at its place.

    Attributes:
        id: Its stream id.
        snapshot: The public snapshot's JSON; empty when it has none.
    """

    partition: int
    id: str
    header: Header
    snapshot: bytes


class Stored(NamedTuple):
    """One entity as the store has it: what a projection starts from."""

    view: View
    version: int
    snapshot: bytes


class Outbox:
    """All partitions' outboxes, for readers.

    Args:
        redis: The store.
        partitions: How many there are.
        epoch: The store's, as it was when it was opened.
    """

    def __init__(
        self, redis: Keyspace, partitions: int, epoch: str, policy: Policy | None = None
    ) -> None:
        self.partitions = partitions
        self.epoch = epoch
        self._redis = redis
        self._policy = policy or Policy()
        self._keys = [PartitionKeys(number) for number in range(partitions)]

    async def refresh(self) -> bool:
        """Learn the epoch anew; True when it has changed: the store was lost.

        Raises:
            ConfigError: It was begun anew with another number of partitions.
            StoreUnavailableError: The store is away.
        """
        before = self.epoch
        self.epoch, _ = await Registry(self._redis).open(self.partitions)
        return self.epoch != before

    async def end(self, partition: int) -> str:
        """The last entry's id; ``0-0`` when there is none."""
        key = self._keys[partition].outbox
        answer = await self._redis.call(key, "XREVRANGE", key, "+", "-", "COUNT", 1)
        return parse_entries(answer)[0].id if answer else BEGINNING

    async def stored(self, partition: int) -> list[Stored]:
        """Every call (live or ended within the hour), source and account."""
        keys = self._keys[partition]
        now = await self._redis.time_ms(keys.calls)
        policy = self._policy
        found = [
            _stored_call(raw, now, policy)
            async for raw in values(self._redis, keys.calls)
        ]
        found += [
            _stored_health("source", SourceSnapshot.model_validate_json(raw), raw)
            async for raw in values(self._redis, keys.sources)
        ]
        found += [
            _stored_health("account", AccountSnapshot.model_validate_json(raw), raw)
            async for raw in values(self._redis, keys.accounts)
        ]
        return found

    async def entry(self, partition: int, id_: str) -> Tailed:
        """The entry *id_*.

        Raises:
            PositionLostError: It is no longer there.
        """
        key = self._keys[partition].outbox
        raws = parse_entries(await self._redis.call(key, "XRANGE", key, id_, id_))
        if not raws:
            raise PositionLostError(_gone(id_))
        return _tailed(partition, raws[0])

    async def read(self, partition: int, after: str, count: int) -> list[Tailed]:
        """At most *count* entries after *after*.

        Raises:
            PositionLostError: *after* itself is no longer there.
        """
        key = self._keys[partition].outbox
        command = ("XRANGE", key, _inclusive(after), "+", "COUNT", count + 1)
        raws = parse_entries(await self._redis.call(key, *command))
        return [_tailed(partition, raw) for raw in _after(raws, after)[:count]]

    async def tail(
        self, partition: int, after: str, only: str | None = None
    ) -> AsyncIterator[list[Tailed]]:
        """Entries after *after* as they come; an empty list after 2 s of nothing.

        Args:
            partition: Which one.
            after: What the reader knows already.
            only: The one kind of header to read; None = all. The last entry of a
                batch comes whatever it is, for its place.

        Raises:
            PositionLostError: *after* itself is no longer there, or an entry was
                trimmed, or lost with the store, before it was read.
            StoreUnavailableError: The store is away; begin again where you were.
        """
        key = self._keys[partition].outbox
        async with self._redis.tail(key) as tail:
            command: tuple[Any, ...] = ("XRANGE", key, _inclusive(after), "+")
            answer = await tail(*command, "COUNT", _BATCH)
            found = parse_entries(answer)
            raws, last = _after(found, after), found[-1] if found else None
            command = ("XREAD", "COUNT", _BATCH, "BLOCK", BLOCK_MS, "STREAMS", key)
            while True:
                yield [_tailed(partition, raw) for raw in _wanted(raws, only)]
                answer = await tail(*command, last.id if last else BEGINNING)
                raws = parse_entries(answer[0][1]) if answer else []
                last = _last(last, raws)

    async def timeline(self, key: str) -> list[Interval]:
        """A call's closed intervals, oldest first; kept 7 days beyond its end."""
        keys = self._keys[partition_of("call", key, self.partitions)]
        name = keys.timeline(key)
        raws = await self._redis.call(name, "LRANGE", name, 0, -1)
        return [_INTERVAL.validate_json(raw) for raw in raws]


def _inclusive(after: str) -> str:
    return "-" if after == BEGINNING else after


def _after(raws: Sequence[Raw], after: str) -> Sequence[Raw]:
    if after == BEGINNING:
        return raws
    if not raws or raws[0].id != after:
        raise PositionLostError(_gone(after))
    return raws[1:]


def _last(known: Raw | None, raws: Sequence[Raw]) -> Raw | None:
    """The last of *raws*, which must go on without a hole from what was known."""
    if not raws:
        return known
    number = _number(known) if known else _number(raws[0]) - 1
    if _number(raws[-1]) != number + len(raws):
        message = f"entries before {raws[-1].id} are no longer in their outbox"
        raise PositionLostError(message)
    return raws[-1]


def _number(raw: Raw) -> int:
    return int(raw.fields[NUMBER_FIELD])


def _wanted(raws: Sequence[Raw], only: str | None) -> Sequence[Raw]:
    """Those of one kind, told by their headers' first bytes alone, and the last."""
    if only is None:
        return raws
    begin = b'{"kind":"%s"' % only.encode()
    of_kind = [raw for raw in raws[:-1] if raw.fields[HEADER_FIELD].startswith(begin)]
    return [*of_kind, *raws[-1:]]


def _gone(id_: str) -> str:
    return f"entry {id_} is no longer in its outbox"


def _tailed(partition: int, raw: Raw) -> Tailed:
    header = parse_header(raw.fields[HEADER_FIELD])
    return Tailed(partition, raw.id, header, raw.fields.get(SNAPSHOT_FIELD, b""))


def _stored_call(value: bytes, now_ms: int, policy: Policy) -> Stored:
    call = Call.model_validate_json(value)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    raw = snapshot(call, now).model_dump_json().encode()
    return Stored(view_of(call, policy.end_grace_s), call.version, raw)


def _stored_health(
    kind: Kind, health: SourceSnapshot | AccountSnapshot, raw: bytes
) -> Stored:
    view = View(kind=kind, key=health.key, account=account_of(health.key))
    return Stored(view, health.version, raw)
