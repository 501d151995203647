"""What keepers ask of those who ingest: a stream per partition, and what is open."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tracker.domain.archive import ExportSnapshot
from tracker.domain.entry import Ask, Order, Resync
from tracker.domain.key import account_of, partition_of
from tracker.domain.watch import Watched
from tracker.store.codec import (
    HEADER_FIELD,
    Raw,
    at_ms,
    parse_ask,
    parse_call,
    parse_entries,
)
from tracker.store.follow import end, follow
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Keyspace
from tracker.store.scan import values


class Asked(NamedTuple):
    """One ask at its place.

    Attributes:
        at: The store's time.
    """

    id: str
    at: datetime
    ask: Ask


class Asks:
    """All partitions' asks, for readers."""

    def __init__(self, redis: Keyspace, keys: Sequence[PartitionKeys]) -> None:
        self._redis = redis
        self._keys = keys

    async def end(self, partition: int) -> str:
        """The last ask's id; ``0-0`` when there is none."""
        return await end(self._redis, self._keys[partition].asks)

    async def follow(self, partition: int, after: str) -> AsyncIterator[list[Asked]]:
        """Asks after *after*; see `tracker.store.follow.follow`."""
        async for raws in follow(self._redis, self._keys[partition].asks, after):
            yield [_asked(raw) for raw in raws]

    async def open(self, partition: int) -> tuple[list[Order], datetime]:
        """The open commands, and the store's time."""
        name = self._keys[partition].open
        orders = [parse_ask(raw) async for raw in values(self._redis, name)]
        now = _instant(await self._redis.time_ms(name))
        return [order for order in orders if isinstance(order, Order)], now

    async def resyncs(self, partition: int) -> list[Resync]:
        """Every resync that was asked for in the last minutes."""
        key = self._keys[partition].asks
        raws = parse_entries(await self._redis.call(key, "XRANGE", key, "-", "+"))
        asks = [_asked(raw).ask for raw in raws]
        return [ask for ask in asks if isinstance(ask, Resync)]

    async def followed(self, source: str) -> set[str]:
        """The calls that *source* saw last, or that somebody watches in its account."""
        account, found = account_of(source), set()
        for keys in self._keys:
            async for raw in values(self._redis, keys.calls, f"{account}/*"):
                call = parse_call(raw)
                if any(leg.source == source for leg in call.live_legs):
                    found.add(call.key)
            async for raw in values(self._redis, keys.watches):
                watched = Watched.model_validate_json(raw)
                wanted = watched.state in ("waiting", "watching")
                if wanted and account_of(watched.call) == account:
                    found.add(watched.call)
        return found

    async def exports(self, account: str) -> list[ExportSnapshot]:
        """The exports in *account* that somebody waits for, as they were told last."""
        return [
            ExportSnapshot.model_validate_json(raw)
            for keys in self._keys
            async for raw in values(self._redis, keys.exports, f"{account}/*")
        ]

    async def polled(self, source: str) -> datetime | None:
        """When *source* last began a full read that it completed; None = never."""
        name = self._keys[partition_of("source", source, len(self._keys))].polled
        ms = await self._redis.call(name, "HGET", name, source)
        return _instant(int(ms)) if ms else None


def _asked(raw: Raw) -> Asked:
    return Asked(raw.id, _instant(at_ms(raw.id)), parse_ask(raw.fields[HEADER_FIELD]))


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
