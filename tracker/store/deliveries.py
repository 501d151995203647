"""Deliveries as those who ask see them: what is owed, what is over, and how it goes."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tracker.domain.delivery import Delivery, Owed, instant
from tracker.store.codec import Raw, at_ms, parse_entries
from tracker.store.dispatch import HOUR_MS
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Keyspace

DELIVERY_FIELD: Final = b"delivery"
BODY_FIELD: Final = b"body"

_COUNT: Final = 200
"""Read from a partition at once."""

MAX_READ: Final = 20_000
"""Looked at for one page; a filter that little matches is answered in parts."""

Matches = Callable[[Delivery], bool]


class Spot(NamedTuple):
    """Where a list of deliveries, newest first, has come to: behind this one.

    Attributes:
        ms: Of its stream's id, or since when it is owed.
        partition: Of one ms, the last partition comes first.
        at: The rest of its stream's id; or how many of its ms came before it.
    """

    ms: int
    partition: int
    at: int

    @classmethod
    def parse(cls, text: str) -> "Spot":
        """The spot written as *text*.

        Raises:
            ValueError: It is none.
        """
        ms, partition, at = map(int, text.split("-"))
        return cls(ms, partition, at)

    def __str__(self) -> str:
        return f"{self.ms}-{self.partition}-{self.at}"


class Found(NamedTuple):
    """A page of deliveries, newest first.

    Attributes:
        behind: Where it ends; None = there is no more.
    """

    items: list[Delivery]
    behind: Spot | None


class Wanted(NamedTuple):
    """Which deliveries.

    Attributes:
        endpoint: Its id.
        behind: Where the page before ended; None = from the newest.
        since_ms, until_ms: When it was over; of what is owed, since when.
    """

    endpoint: str
    limit: int
    behind: Spot | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class Summary(NamedTuple):
    """How it goes with one endpoint.

    Attributes:
        owed: How many deliveries.
        oldest_at: Since when the oldest is owed.
        oldest_error: Why its last attempt was none of use; None = there was none.
        succeeded, failed: Attempts of the last 24 hours, about.
    """

    owed: int
    oldest_at: datetime | None
    oldest_error: str | None
    succeeded: int
    failed: int


class Deliveries:
    """Of all partitions.

    Args:
        redis: The store.
        keys: Of every partition.
    """

    def __init__(self, redis: Keyspace, keys: Sequence[PartitionKeys]) -> None:
        self._redis = redis
        self._keys = keys

    async def summary(self, endpoint: str) -> Summary:
        """How it goes with *endpoint*."""
        owed, tallies = 0, dict[str, int]()
        oldest: list[tuple[float, bytes, str]] = []
        for keys in self._keys:
            name, tally = keys.owed(endpoint), keys.tally(endpoint)
            commands = [
                ("ZCARD", name),
                ("ZRANGE", name, 0, 0, "WITHSCORES"),
                ("HGETALL", tally),
                ("TIME",),
            ]
            count, first, flat, (seconds, _) = await self._redis.pipeline(
                name, commands
            )
            owed += count
            if first:
                oldest.append((float(first[1]), first[0], keys.deliveries(endpoint)))
            since = int(seconds) * 1000 // HOUR_MS - 23
            for field, value in zip(flat[::2], flat[1::2], strict=True):
                hour, outcome = field.decode().split()
                if int(hour) >= since:
                    tallies[outcome] = tallies.get(outcome, 0) + int(value)
        oldest_at, error = None, None
        if oldest:
            since_ms, event, deliveries = min(oldest)
            oldest_at, error = instant(since_ms), await self._error(deliveries, event)
        good, bad = tallies.get("succeeded", 0), tallies.get("failed", 0)
        return Summary(owed, oldest_at, error, good, bad)

    async def _error(self, deliveries: str, event: bytes) -> str | None:
        raw = await self._redis.call(deliveries, "HGET", deliveries, event)
        attempts = () if raw is None else Owed.parse(raw).attempts
        return attempts[-1].error if attempts else None

    async def owed(self, endpoint: str, event: str) -> tuple[int, Owed] | None:
        """One that is owed, and its partition; None = it is not."""
        for keys in self._keys:
            name = keys.deliveries(endpoint)
            raw = await self._redis.call(name, "HGET", name, event)
            if raw is not None:
                return keys.partition, Owed.parse(raw)
        return None

    async def list(self, wanted: Wanted, matches: Matches, *, owed: bool) -> Found:
        """A page of those that are owed, or else of those that are over.

        Args:
            wanted: Which ones.
            matches: And of those, these.
            owed: See above.
        """
        behind = wanted.behind
        if behind is None and wanted.until_ms is not None:
            behind = Spot(wanted.until_ms + 1, -1, 0)
        kind = _Owing if owed else _Over
        readers = [
            kind(self._redis, keys, wanted.endpoint, behind) for keys in self._keys
        ]
        items: list[Delivery] = []
        for _ in range(MAX_READ):
            for reader in readers:
                await reader.fill()
            heads = [reader for reader in readers if reader.found]
            if not heads:
                return Found(items, None)
            first = max(heads, key=lambda reader: reader.found[0][0][:2])
            behind, delivery = first.found.popleft()
            if wanted.since_ms is not None and behind.ms < wanted.since_ms:
                return Found(items, None)
            if delivery is not None and matches(delivery):
                items.append(delivery)
                if len(items) == wanted.limit:
                    break
        return Found(items, behind)

    async def over(
        self, endpoint: str, partition: int, event: str
    ) -> tuple[Delivery, bytes | None]:
        """The newest delivery of *event* that is over, and its body where it failed.

        Raises:
            LookupError: Nobody remembers it, or there is no such partition.
        """
        name, end = self._keys[partition].delivered(endpoint), "+"
        while True:
            command = ("XREVRANGE", name, end, "-", "COUNT", _COUNT)
            raws = parse_entries(await self._redis.call(name, *command))
            for raw in raws:
                if event.encode() in raw.fields[DELIVERY_FIELD]:
                    delivery = _delivery(raw)
                    if delivery.event == event:
                        return delivery, raw.fields.get(BODY_FIELD)
            if len(raws) < _COUNT:
                raise LookupError(event)
            end = f"({raws[-1].id}"


class _Reader:
    """One partition's deliveries, read in bites.

    Attributes:
        found: The next ones, each with its spot.
    """

    def __init__(
        self, redis: Keyspace, keys: PartitionKeys, endpoint: str, behind: Spot | None
    ) -> None:
        self.found: deque[tuple[Spot, Delivery | None]] = deque()
        self._redis = redis
        self._keys = keys
        self._endpoint = endpoint
        self._more = True
        self._behind = behind
        if behind is not None and behind.partition != keys.partition:
            before = behind.ms + (keys.partition < behind.partition)
            self._behind = Spot(before, keys.partition, -1)

    async def fill(self) -> None:
        """Have at least the next one at hand, if there is one."""
        if self.found or not self._more:
            return
        self.found.extend(await self._read())
        self._more = len(self.found) == _COUNT
        if self.found:
            self._behind = self.found[-1][0]

    async def _read(self) -> list[tuple[Spot, Delivery | None]]:
        raise NotImplementedError


class _Over(_Reader):
    async def _read(self) -> list[tuple[Spot, Delivery | None]]:
        name, end = self._keys.delivered(self._endpoint), "+"
        if self._behind is not None:
            ms, seq = self._behind.ms, max(self._behind.at, 0)
            if (ms, seq) <= (0, 0):
                return []  # before the first id that there can be
            end = f"({ms}-{seq}"
        command = ("XREVRANGE", name, end, "-", "COUNT", _COUNT)
        raws = parse_entries(await self._redis.call(name, *command))
        return [(self._spot(raw), _delivery(raw)) for raw in raws]

    def _spot(self, raw: Raw) -> Spot:
        seq = raw.id.partition("-")[2]
        return Spot(at_ms(raw.id), self._keys.partition, int(seq))


class _Owing(_Reader):
    async def _read(self) -> list[tuple[Spot, Delivery | None]]:
        name, end, skipped = self._keys.owed(self._endpoint), "+inf", 0
        if self._behind is not None:
            ms, _, at = self._behind
            end, skipped = (f"({ms}", 0) if at < 0 else (str(ms), at + 1)
        limits = ("WITHSCORES", "LIMIT", skipped, _COUNT)
        command = ("ZREVRANGEBYSCORE", name, end, "-inf", *limits)
        flat = await self._redis.call(name, *command)
        if not flat:
            return []
        deliveries = self._keys.deliveries(self._endpoint)
        raws = await self._redis.call(name, "HMGET", deliveries, *flat[::2])
        spots, before = list[Spot](), self._behind
        for ms in (round(float(score)) for score in flat[1::2]):
            same = before is not None and before.ms == ms
            at = before.at + 1 if same and before is not None else 0
            before = Spot(ms, self._keys.partition, at)
            spots.append(before)
        return [
            (spot, Owed.parse(raw).delivery() if raw else None)
            for spot, raw in zip(spots, raws, strict=True)
        ]


def _delivery(raw: Raw) -> Delivery:
    return Delivery.model_validate_json(raw.fields[DELIVERY_FIELD])
