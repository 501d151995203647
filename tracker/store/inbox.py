"""The way in: one stream per partition, appended by anyone, read by its keeper."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from tracker.errors import StoreError
from tracker.store.codec import (
    INBOX_FIELD,
    Input,
    Raw,
    at_ms,
    dump_packet,
    parse_entries,
    parse_packet,
)
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Keyspace, Value

INPUTS_PER_BATCH = 500
"""A batch that has as many is handed on: no commit and no turn grows with a burst."""

BLOCK_MS = 2000
"""Shorter than a tail's socket timeout, so that a silent server is noticed."""


class Received(NamedTuple):
    """One inbox entry.

    Attributes:
        at_ms: The store's time of its append.
        inputs: In order; empty when the entry cannot be read.
        unreadable: The entry as it is, when it cannot be read.
    """

    id: str
    at_ms: int
    inputs: tuple[Input, ...]
    unreadable: bytes | None = None


class Inbox:
    """One partition's inbox."""

    def __init__(self, redis: Keyspace, keys: PartitionKeys) -> None:
        self._redis = redis
        self.key = keys.inbox

    async def append(self, inputs: Sequence[Input]) -> str:
        """Append *inputs* as one entry.

        Raises:
            StoreUnavailableError: It may have been appended: stamped inputs may be
                appended again, their repeats are dropped.
        """
        id_ = await self._redis.call(self.key, *self.command(inputs), replicated=True)
        return str(id_.decode())

    def command(self, inputs: Sequence[Input]) -> tuple[Value, ...]:
        """The command of `append`, for a pipeline."""
        return ("XADD", self.key, "*", INBOX_FIELD, dump_packet(inputs))

    async def has(self, id_: str) -> bool:
        """Whether the entry is still there."""
        return bool(await self._redis.call(self.key, "XRANGE", self.key, id_, id_))

    async def follow(self, after: str, count: int) -> AsyncIterator[list[Received]]:
        """Entries after *after*, for ever.

        A batch has at most *count* entries, and ends with the one that brings it to
        `INPUTS_PER_BATCH`. An empty one comes when nothing arrived for 2 s.

        Raises:
            StoreUnavailableError: The store is away.
        """
        async with self._redis.tail(self.key) as tail:
            while True:
                command = ("XREAD", "COUNT", count, "BLOCK", BLOCK_MS)
                answer = await tail(*command, "STREAMS", self.key, after)
                raws = parse_entries(answer[0][1]) if answer else []
                for batch in _batches(raws):
                    yield batch
                after = raws[-1].id if raws else after

    async def read(self, first: str, last: str, count: int) -> list[Received]:
        """Entries between two ids, inclusive; for replay."""
        answer = await self._redis.call(
            self.key, "XRANGE", self.key, first, last, "COUNT", count
        )
        return [_received(raw) for raw in parse_entries(answer)]


def _batches(raws: Sequence[Raw]) -> Iterator[list[Received]]:
    """One batch at least; each is read only when the one before has been handled."""
    batch: list[Received] = []
    inputs = 0
    for raw in raws:
        batch.append(_received(raw))
        inputs += len(batch[-1].inputs)
        if inputs >= INPUTS_PER_BATCH:
            yield batch
            batch, inputs = [], 0
    if batch or not raws:
        yield batch


def _received(raw: Raw) -> Received:
    value = raw.fields.get(INBOX_FIELD, b"")
    try:
        packet = parse_packet(value)
    except StoreError:
        return Received(raw.id, at_ms(raw.id), (), value)
    return Received(raw.id, at_ms(raw.id), packet.inputs)
