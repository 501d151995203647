"""Trimming of a partition's streams, by age and by size, never past its offset."""

from typing import NamedTuple

import structlog

from tracker.store.codec import NUMBER_FIELD, at_ms, parse_entries
from tracker.store.keys import PartitionKeys
from tracker.store.line import Answer
from tracker.store.redis import Keyspace

log = structlog.get_logger(__name__)

CLOCK_AHEAD_MS = 5000
"""A stream whose newest id is so far in the future had its clock jump back."""

ASKS_FOR_MS = 10 * 60 * 1000
"""Who was away longer reads what is open instead."""

HELD_FOR_MS = 24 * 3600 * 1000
"""An outbox keeps for so long what its webhooks' dispatcher has not read."""

TOMBS_FOR_MS = 7 * 24 * 3600 * 1000
MEDIA_FOR_MS = 30 * 24 * 3600 * 1000
"""Longer than tracker may be down, together with how late a recording may be saved."""

_FORGOTTEN_AT_ONCE = 500


class Limits(NamedTuple):
    """How much of the past stays; bytes are of all partitions together."""

    inbox_s: float = 3600.0
    outbox_s: float = 3600.0
    inbox_bytes: int = 1 << 30
    outbox_bytes: int = 1 << 30


class Retention:
    """What a keeper removes from its partition.

    Args:
        redis: The store.
        keys: Of the partition.
        limits: For all partitions together.
        partitions: How many there are.
    """

    def __init__(
        self, redis: Keyspace, keys: PartitionKeys, limits: Limits, partitions: int
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._limits = limits
        self._partitions = partitions

    async def trim(self, offset: str) -> None:
        """Trim the streams, and forget the oldest tombs and recordings.

        Args:
            offset: The keeper's inbox offset: its entry stays.

        Raises:
            StoreUnavailableError: No answer; the next time is as good.
        """
        now_ms = await self._redis.time_ms(self._keys.meta)
        if at_ms(offset) > now_ms + CLOCK_AHEAD_MS:
            log.error("store_clock_ahead", by_ms=at_ms(offset) - now_ms)
        limits, share = self._limits, self._partitions
        inbox, outbox, asks = self._keys.inbox, self._keys.outbox, self._keys.asks
        oldest = now_ms - round(limits.inbox_s * 1000)
        await self._trim_to(inbox, f"{oldest}-0" if oldest < at_ms(offset) else offset)
        oldest = now_ms - round(limits.outbox_s * 1000)
        held = await self._held(now_ms)
        is_held = held is not None and at_ms(held) <= oldest
        await self._trim_to(outbox, held if held and is_held else f"{oldest}-0")
        await self._trim_to(asks, f"{now_ms - ASKS_FOR_MS}-0")
        await self._shrink(outbox, limits.outbox_bytes // share, held)
        await self._shrink_inbox(limits.inbox_bytes // share, offset)
        keys = self._keys
        await self._forget(keys.tombs, keys.tomb_ages, now_ms - TOMBS_FOR_MS)
        await self._forget(keys.media, keys.media_ages, now_ms - MEDIA_FOR_MS)

    async def _trim_to(self, key: str, oldest: str) -> None:
        await self._redis.call(key, "XTRIM", key, "MINID", "~", oldest)

    async def _held(self, now_ms: int) -> str | None:
        """Where the outbox's dispatcher is, unless it was away for too long."""
        key = self._keys.dispatch
        offset = await self._redis.call(key, "HGET", key, "offset")
        if offset is None or at_ms(offset.decode()) < now_ms - HELD_FOR_MS:
            return None
        return str(offset.decode())

    async def _shrink(self, key: str, limit: int, held: str | None) -> None:
        """Drop the oldest of what lies above *limit* bytes, but nothing from *held* on.

        Args:
            key: Of the outbox.
            limit: In bytes.
            held: An entry's id; None = nothing is held.
        """
        used, length = await self._redis.pipeline(
            key, [("MEMORY", "USAGE", key), ("XLEN", key)]
        )
        if not used or used <= limit:
            return
        kept = length * limit // used
        if held is not None:
            ends = ("XRANGE", key, held, "+"), ("XREVRANGE", key, "+", "-")
            commands = [(*end, "COUNT", 1) for end in ends]
            first, last = await self._redis.pipeline(key, commands)
            if first:
                kept = max(kept, _number(last) - _number(first) + 1)
        await self._redis.call(key, "XTRIM", key, "MAXLEN", "~", kept)

    async def _shrink_inbox(self, limit: int, offset: str) -> None:
        """Above *limit* bytes, drop the raw evidence up to *offset*: no input goes."""
        key = self._keys.inbox
        used = await self._redis.call(key, "MEMORY", "USAGE", key)
        if used and used > limit:
            await self._trim_to(key, offset)

    async def _forget(self, name: str, ages: str, before_ms: int) -> None:
        """Drop the oldest fields of a hash, whose ages are in a sorted set."""
        limit = ("LIMIT", 0, _FORGOTTEN_AT_ONCE)
        command = ("ZRANGEBYSCORE", ages, "-inf", before_ms, *limit)
        old = await self._redis.call(ages, *command)
        if old:
            commands = [("HDEL", name, *old), ("ZREM", ages, *old)]
            await self._redis.pipeline(ages, commands)


def _number(answer: Answer) -> int:
    """Of the one entry that was read."""
    return int(parse_entries(answer)[0].fields[NUMBER_FIELD])
