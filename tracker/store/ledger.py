"""What a keeper reads at its start and writes at every commit of one partition."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from tracker.domain.call import Call, Tomb
from tracker.domain.media import KnownMedia
from tracker.errors import LeaseLostError
from tracker.store.codec import parse_call
from tracker.store.functions import Functions
from tracker.store.keys import KEEP_LEASE, PartitionKeys
from tracker.store.leases import Lease
from tracker.store.redis import Keyspace, Value
from tracker.store.scan import values

Operation = tuple[Value, ...]
"""A write of a commit: command, key, arguments."""


class Written(NamedTuple):
    """The numbers of the last outbox entry and of the last ask."""

    outbox: int = 0
    asks: int = 0


class Meta(NamedTuple):
    """A partition's few facts.

    Attributes:
        epoch: None = the partition is new, or lost.
        offset: The inbox id up to which everything has taken effect.
        schema: The highest that wrote here.
        written: How far its streams are numbered.
        fields: All the rest, by name.
    """

    epoch: str | None
    offset: str
    schema: int
    written: Written
    fields: dict[str, str]


@dataclass(slots=True)
class Batch:
    """One commit.

    Attributes:
        expected, offset: The inbox offset before and after.
        id: Random: tells a repetition of this commit from somebody else's.
        operations: In order.
    """

    expected: str
    offset: str
    id: str
    operations: list[Operation] = field(default_factory=list)


class Ledger:
    """One partition's stored state, written only under its keeper's lease.

    Args:
        redis: The store.
        functions: The server-side functions.
        keys: Of the partition.
        lease_s: How long a commit prolongs the keeper's lease.
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
        self._ttl_ms = round(lease_s * 1000)

    async def meta(self) -> Meta:
        """The partition's facts as they are."""
        flat = await self._redis.call(self.keys.meta, "HGETALL", self.keys.meta)
        fields = {
            name.decode(): value.decode()
            for name, value in zip(flat[::2], flat[1::2], strict=True)
        }
        return Meta(
            epoch=fields.pop("epoch", None),
            offset=fields.pop("offset", "0-0"),
            schema=int(fields.pop("schema", "0")),
            written=Written(
                int(fields.pop("written", "0")), int(fields.pop("asked", "0"))
            ),
            fields=fields,
        )

    async def adopt(self, epoch: str, schema: int) -> None:
        """Make the partition one of *epoch*; by its keeper, before the first commit."""
        key = self.keys.meta
        await self._redis.call(key, "HSET", key, "epoch", epoch, "schema", schema)

    async def timelines(self, keys: Sequence[str]) -> list[list[bytes]]:
        """The closed intervals of calls, in the order of *keys*."""
        if not keys:
            return []
        commands = [("LRANGE", self.keys.timeline(key), 0, -1) for key in keys]
        answers: list[list[bytes]] = await self._redis.pipeline(
            self.keys.meta, commands
        )
        return answers

    async def tombs(self, keys: Iterable[str]) -> dict[str, Tomb]:
        """What is left of calls that are not known (any more)."""
        keys = list(keys)
        tombs = self.keys.tombs
        commands: list[Operation] = [("HMGET", tombs, *keys)]
        commands += [("HKEYS", self.keys.links(key)) for key in keys]
        commands += [("LLEN", self.keys.timeline(key)) for key in keys]
        versions, *rest = await self._redis.pipeline(tombs, commands)
        links, lengths = rest[: len(keys)], rest[len(keys) :]
        return {
            key: Tomb(int(version or 0), tuple(one.decode() for one in linked), length)
            for key, version, linked, length in zip(
                keys, versions, links, lengths, strict=True
            )
        }

    async def media(self, keys: Iterable[str]) -> dict[str, KnownMedia]:
        """What is remembered of stored recordings, of those that are."""
        keys = list(keys)
        name = self.keys.media
        raws = await self._redis.call(name, "HMGET", name, *keys)
        found = zip(keys, raws, strict=True)
        return {k: KnownMedia.model_validate_json(raw) for k, raw in found if raw}

    async def now(self) -> datetime:
        """The store's clock."""
        now_ms = await self._redis.time_ms(self.keys.meta)
        return datetime.fromtimestamp(now_ms / 1000, UTC)

    def values(self, name: str) -> AsyncIterator[bytes]:
        """All values of one of the partition's hashes."""
        return values(self._redis, name)

    async def calls(self) -> AsyncIterator[Call]:
        """Every call that is kept, as decided last."""
        async for raw in self.values(self.keys.calls):
            yield parse_call(raw)

    async def commit(self, batch: Batch, epoch: str, lease: Lease) -> str:
        """Write *batch*, all of it or nothing, and prolong the lease.

        Returns:
            The id of the last outbox entry; empty without one, or when the batch
            had been written before its answer was lost.

        Raises:
            LeaseLostError: Somebody else keeps the partition, the offset is not
                what it was, or the store was lost: drop everything and load anew.
            StoreUnavailableError: No answer. Safe to repeat: what was applied the
                first time is found by its id.
        """
        names, args = self.arguments(batch, epoch, lease)
        answer = await self._functions.call("commit", names, args, replicated=True)
        verdict = answer[0].decode()
        if verdict not in ("ok", "done"):
            message = f"partition {self.keys.partition}: {verdict} has changed"
            raise LeaseLostError(message)
        return str(answer[1].decode())

    def arguments(
        self, batch: Batch, epoch: str, lease: Lease
    ) -> tuple[list[str], list[Value]]:
        """The keys and arguments of the server-side commit."""
        names = [self.keys.meta, self.keys.leases]
        args: list[Value] = [epoch, lease.holder, lease.token, self._ttl_ms]
        args += [KEEP_LEASE, batch.expected, batch.offset, batch.id]
        index: dict[Value, int] = {}
        for command, key, *rest in batch.operations:
            if key not in index:
                names.append(str(key))
                index[key] = len(names)
            args += [command, index[key], len(rest), *rest]
        return names, args
