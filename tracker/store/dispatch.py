"""What a partition owes to endpoints: written under a lease, all of it or nothing."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain
from secrets import token_hex
from typing import NamedTuple

from tracker.domain.delivery import Owed
from tracker.errors import LeaseLostError, StoreUnavailableError
from tracker.store.functions import Functions
from tracker.store.keys import DISPATCH_LEASE, PartitionKeys
from tracker.store.leases import Lease
from tracker.store.ledger import Operation
from tracker.store.redis import Keyspace, Value
from tracker.store.scan import values

MAX_FIELDS = 500
"""Of one operation: a server-side call takes some thousands of arguments."""

SCAN = b"0"
"""Where looking at all of a hash begins, and has come to when it is over."""

_RETRY_S = 0.2


class DispatchMeta(NamedTuple):
    """How far a partition's dispatcher is.

    Attributes:
        epoch: None = it never was at work.
        offset: The outbox id up to which everything owed is written.
        replays: How far each is, by ``<endpoint>:<replay>``; or ``done``.
    """

    epoch: str | None
    offset: str
    replays: dict[str, str]


class DispatchLedger:
    """One partition's owed deliveries.

    Args:
        redis: The store.
        functions: The server-side functions.
        keys: Of the partition.
        lease_s: How long a commit prolongs the lease, and is tried.
    """

    def __init__(
        self,
        redis: Keyspace,
        functions: Functions,
        keys: PartitionKeys,
        lease_s: float,
    ) -> None:
        self.keys = keys
        self._redis = redis
        self._functions = functions
        self._lease_s = lease_s

    async def meta(self) -> DispatchMeta:
        """As it is."""
        key = self.keys.dispatch
        flat = await self._redis.call(key, "HGETALL", key)
        fields = {
            name.decode(): value.decode()
            for name, value in zip(flat[::2], flat[1::2], strict=True)
        }
        replays = {
            name.removeprefix("r:"): place
            for name, place in fields.items()
            if name.startswith("r:")
        }
        return DispatchMeta(fields.get("epoch"), fields.get("offset", ""), replays)

    async def adopt(self, epoch: str, offset: str) -> None:
        """Begin behind *offset* of *epoch*'s outbox; by the lease's holder."""
        key = self.keys.dispatch
        await self._redis.call(key, "HSET", key, "epoch", epoch, "offset", offset)

    async def owed(self, endpoint: str) -> AsyncIterator[Owed]:
        """Everything owed to *endpoint*, in no order."""
        async for raw in values(self._redis, self.keys.deliveries(endpoint)):
            yield Owed.parse(raw)

    async def bodies(self, events: Sequence[str]) -> list[bytes | None]:
        """What is owed of *events*; None = it is not there."""
        key = self.keys.bodies
        answer: list[bytes | None] = await self._redis.call(key, "HMGET", key, *events)
        return answer

    async def previous(self, names: Sequence[str]) -> list[str | None]:
        """The events before, by what `previous_field` names."""
        if not names:
            return []
        key = self.keys.previous
        found = await self._redis.call(key, "HMGET", key, *names)
        return [one.decode() if one else None for one in found]

    async def some_previous(self, cursor: bytes) -> tuple[bytes, dict[str, str]]:
        """The next ones of all there are, and where those behind them begin."""
        key = self.keys.previous
        command = ("HSCAN", key, cursor, "COUNT", MAX_FIELDS)
        cursor, flat = await self._redis.call(key, *command)
        names = zip(flat[::2], flat[1::2], strict=True)
        return cursor, {name.decode(): last.decode() for name, last in names}

    async def commit(
        self,
        operations: Sequence[Operation],
        lease: Lease,
        epoch: str,
        offsets: tuple[str, str],
    ) -> None:
        """Write all of *operations* and move the offset, or nothing.

        Args:
            operations: In order.
            lease: The dispatcher's.
            epoch: The store's.
            offsets: Of the outbox, before and after.

        Raises:
            LeaseLostError: Somebody else delivers this partition's events.
            StoreUnavailableError: No answer for as long as a lease holds.
        """
        names, args = self._arguments(operations, lease, epoch, offsets)
        verdict = (await self._call(names, args))[0].decode()
        if verdict not in ("ok", "done"):
            number = self.keys.partition
            message = f"dispatch of partition {number}: {verdict} has changed"
            raise LeaseLostError(message)

    async def _call(self, names: list[str], args: list[Value]) -> list[bytes]:
        """Commit; the same again until there is an answer."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._lease_s
        while True:
            try:
                return await self._functions.call(
                    "commit", names, args, replicated=True
                )
            except StoreUnavailableError:
                if loop.time() > give_up_at:
                    raise
                await asyncio.sleep(_RETRY_S)

    def _arguments(
        self,
        operations: Sequence[Operation],
        lease: Lease,
        epoch: str,
        offsets: tuple[str, str],
    ) -> tuple[list[str], list[Value]]:
        names = [self.keys.dispatch, self.keys.leases]
        args: list[Value] = [epoch, lease.holder, lease.token]
        args += [round(self._lease_s * 1000), DISPATCH_LEASE, *offsets, token_hex(8)]
        index: dict[Value, int] = {self.keys.dispatch: 1}
        for command, key, *rest in operations:
            if key not in index:
                names.append(str(key))
                index[key] = len(names)
            args += [command, index[key], len(rest), *rest]
        return names, args

    async def forget(self, endpoint: str) -> None:
        """Remove what is kept of an endpoint that is no more; bodies stay."""
        keys = self.keys
        of = (keys.owed, keys.deliveries, keys.delivered, keys.tally)
        names = [name(endpoint) for name in of]
        await self._redis.call(names[0], "UNLINK", *names)

    async def tidy(self, endpoint: str, before_ms: int) -> None:
        """Remove deliveries that were over before *before_ms*, and old tallies."""
        over, tally = self.keys.delivered(endpoint), self.keys.tally(endpoint)
        command = ("XTRIM", over, "MINID", "~", f"{before_ms}-0")
        _, names = await self._redis.pipeline(over, [command, ("HKEYS", tally)])
        oldest = before_ms // HOUR_MS
        old = [name for name in names if int(name.split()[0]) < oldest]
        if old:
            await self._redis.call(tally, "HDEL", tally, *old)


HOUR_MS = 3_600_000


def previous_field(endpoint: str, entity: str) -> str:
    """Where the last event of *entity* at *endpoint* is kept."""
    return f"{endpoint} {entity}"


class _Changes:
    """Of one key: what is put into it and what is removed, the last one counts."""

    def __init__(self) -> None:
        self.put: dict[str, Value] = {}
        self.gone: dict[str, None] = {}

    def set(self, name: str, value: Value) -> None:
        self.gone.pop(name, None)
        self.put[name] = value

    def drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.put.pop(name, None)
            self.gone[name] = None


class Writes:
    """Operations of one commit: those on one key become few."""

    def __init__(self) -> None:
        self._hashes = defaultdict[str, _Changes](_Changes)
        self._ranks = defaultdict[str, _Changes](_Changes)
        self._appended = defaultdict[str, list[tuple[Value, ...]]](list)
        self._limits: dict[str, int] = {}
        self._tally = Counter[tuple[str, str]]()

    def __bool__(self) -> bool:
        return bool(self._hashes or self._ranks or self._appended or self._tally)

    def put(self, key: str, field: str, value: Value) -> None:
        """Set a field of a hash."""
        self._hashes[key].set(field, value)

    def value(self, key: str, field: str) -> Value | None:
        """What a field of a hash is set to; None = it is not."""
        changes = self._hashes.get(key)
        return None if changes is None else changes.put.get(field)

    def drop(self, key: str, fields: Iterable[str]) -> None:
        """Remove fields of a hash."""
        self._hashes[key].drop(fields)

    def rank(self, key: str, member: str, score: int) -> None:
        """Put a member into a sorted set."""
        self._ranks[key].set(member, score)

    def unrank(self, key: str, members: Iterable[str]) -> None:
        """Remove members of a sorted set."""
        self._ranks[key].drop(members)

    def append(self, key: str, limit: int, *fields: Value) -> None:
        """Append an entry to a stream that keeps about *limit* of them."""
        self._appended[key].append(fields)
        self._limits[key] = limit

    def count(self, key: str, field: str, by: int = 1) -> None:
        """Add to a field of a hash."""
        self._tally[key, field] += by

    def operations(self) -> list[Operation]:
        """All of them; of a field or member that was changed twice, the last change."""
        found: list[Operation] = []
        for key, fields in self._hashes.items():
            found += _bites("HSET", key, list(fields.put.items()))
            found += _bites("HDEL", key, [(name,) for name in fields.gone])
        for key, ranks in self._ranks.items():
            scores = [(score, name) for name, score in ranks.put.items()]
            found += _bites("ZADD", key, scores)
            found += _bites("ZREM", key, [(name,) for name in ranks.gone])
        for key, entries in self._appended.items():
            *before, last = entries
            found += (("XADD", key, "*", *fields) for fields in before)
            found.append(("XADD", key, "MAXLEN", "~", self._limits[key], "*", *last))
        found += (("HINCRBY", *where, count) for where, count in self._tally.items())
        return found


def _bites(
    command: str, key: str, parts: Sequence[tuple[Value, ...]]
) -> Iterator[Operation]:
    """One operation per `MAX_FIELDS`."""
    for begin in range(0, len(parts), MAX_FIELDS):
        bite = chain.from_iterable(parts[begin : begin + MAX_FIELDS])
        yield (command, key, *bite)
