"""Whole hashes, read in bounded bites."""

from collections.abc import AsyncIterator

from tracker.store.redis import Keyspace

_COUNT = 500


async def values(redis: Keyspace, name: str) -> AsyncIterator[bytes]:
    """All values of the hash *name*; one that changes meanwhile may come twice."""
    cursor = b"0"
    while True:
        command = ("HSCAN", name, cursor, "COUNT", _COUNT)
        cursor, flat = await redis.call(name, *command)
        for value in flat[1::2]:
            yield value
        if cursor == b"0":
            return
