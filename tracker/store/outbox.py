"""The way out: one stream per partition, written by commits only, read by everyone."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

from tracker.domain.call import Interval, Recording
from tracker.domain.changes import Policy
from tracker.domain.describe import snapshot_json
from tracker.domain.entry import Header
from tracker.domain.key import account_of, partition_of
from tracker.domain.snapshot import AccountSnapshot, SourceSnapshot
from tracker.domain.terms import Kind
from tracker.domain.view import View, view_of
from tracker.errors import PositionLostError
from tracker.store.codec import (
    HEADER_FIELD,
    NUMBER_FIELD,
    SNAPSHOT_FIELD,
    Raw,
    parse_call,
    parse_entries,
    parse_header,
    parse_interval,
)
from tracker.store.follow import BEGINNING, behind, end, follow, gone, inclusive
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Keyspace
from tracker.store.registry import Registry
from tracker.store.scan import values

_PAGE = 500


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


class Past(NamedTuple):
    """What was of a call.

    Attributes:
        intervals: The closed ones, oldest first.
        media: Keys of its stored recordings.
        recording: What lasts; None = the call is forgotten.
    """

    intervals: tuple[Interval, ...]
    media: tuple[str, ...]
    recording: Recording | None


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
        return await end(self._redis, self._keys[partition].outbox)

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
            raise PositionLostError(gone(id_))
        return _tailed(partition, raws[0])

    async def read(self, partition: int, after: str, count: int) -> list[Tailed]:
        """At most *count* entries after *after*.

        Raises:
            PositionLostError: *after* itself is no longer there.
        """
        key = self._keys[partition].outbox
        command = ("XRANGE", key, inclusive(after), "+", "COUNT", count + 1)
        raws = parse_entries(await self._redis.call(key, *command))
        return [_tailed(partition, raw) for raw in behind(raws, after)[:count]]

    async def back(self, partition: int, newest: str) -> AsyncGenerator[list[Tailed]]:
        """Pages of what there is, newest first, beginning with the entry *newest*."""
        key, last = self._keys[partition].outbox, newest
        while True:
            command = ("XREVRANGE", key, last, "-", "COUNT", _PAGE)
            raws = parse_entries(await self._redis.call(key, *command))
            if not raws:
                return
            yield [_tailed(partition, raw) for raw in raws]
            last = f"({raws[-1].id}"

    async def until(self, partition: int, at_ms: int) -> str:
        """The last entry that was there at a time; ``0-0`` when there was none.

        Raises:
            PositionLostError: It was trimmed.
        """
        key = self._keys[partition].outbox
        last, first = await self._redis.pipeline(
            key,
            [
                ("XREVRANGE", key, at_ms, "-", "COUNT", 1),
                ("XRANGE", key, "-", "+", "COUNT", 1),
            ],
        )
        if last:
            return parse_entries(last)[0].id
        if first and int(parse_entries(first)[0].fields[NUMBER_FIELD]) > 1:
            raise PositionLostError("what was there at that time is gone")
        return BEGINNING

    async def tail(self, partition: int, after: str) -> AsyncIterator[list[Tailed]]:
        """Entries after *after*; see `tracker.store.follow.follow`."""
        async for raws in follow(self._redis, self._keys[partition].outbox, after):
            yield [_tailed(partition, raw) for raw in raws]

    async def past(self, key: str) -> Past:
        """What was of a call; kept 7 days beyond its end.

        What lasts is read first: what ends meanwhile is among the closed ones, too.
        """
        keys = self._keys[partition_of("call", key, self.partitions)]
        name = keys.timeline(key)
        commands: list[tuple[str | int, ...]] = [
            ("HGET", keys.calls, key),
            ("LRANGE", name, 0, -1),
            ("HKEYS", keys.links(key)),
        ]
        call, raws, media = await self._redis.pipeline(name, commands)
        return Past(
            tuple(map(parse_interval, raws)),
            tuple(sorted(key.decode() for key in media)),
            parse_call(call).recording if call else None,
        )


def _tailed(partition: int, raw: Raw) -> Tailed:
    header = parse_header(raw.fields[HEADER_FIELD])
    return Tailed(partition, raw.id, header, raw.fields.get(SNAPSHOT_FIELD, b""))


def _stored_call(value: bytes, now_ms: int, policy: Policy) -> Stored:
    call = parse_call(value)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    raw = snapshot_json(call, now)
    return Stored(view_of(call, policy.end_grace_s), call.version, raw)


def _stored_health(
    kind: Kind, health: SourceSnapshot | AccountSnapshot, raw: bytes
) -> Stored:
    view = View(kind=kind, key=health.key, account=account_of(health.key))
    return Stored(view, health.version, raw)
