"""Whole hashes, read in bounded bites."""

from collections.abc import AsyncIterator

from tracker.store.redis import Keyspace

_COUNT = 500


async def values(redis: Keyspace, name: str, match: str = "*") -> AsyncIterator[bytes]:
    """All values of the hash *name*; one that changes meanwhile may come twice.

    Args:
        redis: The store.
        name: Of the hash.
        match: Only of fields like this glob pattern.
    """
    async for _, value in items(redis, name, match):
        yield value


async def items(
    redis: Keyspace, name: str, match: str = "*"
) -> AsyncIterator[tuple[str, bytes]]:
    """All fields with their values, likewise."""
    cursor = b"0"
    while True:
        command = ("HSCAN", name, cursor, "MATCH", match, "COUNT", _COUNT)
        cursor, flat = await redis.call(name, *command)
        for field, value in zip(flat[::2], flat[1::2], strict=True):
            yield field.decode(), value
        if cursor == b"0":
            return
