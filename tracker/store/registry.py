"""What all processes agree on: the epoch, the number of partitions, and who lives."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Final

from tracker.errors import ConfigError
from tracker.store.codec import SCHEMA
from tracker.store.keys import CLUSTER_META, processes
from tracker.store.redis import Keyspace

_FACTS: Final = ("HMGET", CLUSTER_META, "epoch", "partitions", "schema")


class Registry:
    """The store's few global facts, all in one slot.

    Args:
        redis: The store.
        ttl_s: A process silent for so long is no longer counted as alive.
    """

    def __init__(self, redis: Keyspace, ttl_s: float = 10.0) -> None:
        self._redis = redis
        self._ttl_s = ttl_s

    async def open(self, partitions: int | None) -> tuple[str, int]:
        """The epoch and the number of partitions; both are made at the first start.

        Args:
            partitions: What the settings say; None = whatever the store has.

        Raises:
            ConfigError: The store has another number, or was written by a newer
                release.
        """
        wanted = partitions or 16
        answers = await self._redis.pipeline(
            CLUSTER_META,
            [
                ("HSETNX", CLUSTER_META, "epoch", token_hex(6)),
                ("HSETNX", CLUSTER_META, "partitions", wanted),
                ("HSETNX", CLUSTER_META, "schema", SCHEMA),
                _FACTS,
            ],
        )
        return _agreed(answers[-1], partitions)

    async def look(self, partitions: int | None) -> tuple[str, int] | None:
        """As `open`, and makes nothing; None = the store is empty."""
        facts = await self._redis.call(CLUSTER_META, *_FACTS)
        return None if None in facts else _agreed(facts, partitions)

    async def secret(self) -> bytes:
        """32 random bytes that all processes share and nobody is told of."""
        answers = await self._redis.pipeline(
            CLUSTER_META,
            [
                ("HSETNX", CLUSTER_META, "secret", token_hex(32)),
                ("HGET", CLUSTER_META, "secret"),
            ],
        )
        return bytes.fromhex(answers[-1].decode())

    async def live(self, role: str, process: str | None = None) -> list[str]:
        """The processes that live in *role*; *process* gives its own sign of life."""
        key = processes(role)
        now_ms = await self._redis.time_ms(key)
        oldest = now_ms - round(self._ttl_s * 1000)
        commands: list[tuple[str | int, ...]] = [
            ("ZREMRANGEBYSCORE", key, "-inf", oldest - 3_600_000),
            ("ZRANGEBYSCORE", key, f"({oldest}", "+inf"),
        ]
        if process is not None:
            commands.insert(0, ("ZADD", key, now_ms, process))
        answers = await self._redis.pipeline(key, commands)
        return [name.decode() for name in answers[-1]]

    async def leave(self, role: str, process: str) -> None:
        """This process no longer lives in *role*."""
        key = processes(role)
        await self._redis.call(key, "ZREM", key, process)


def _agreed(facts: Sequence[bytes], partitions: int | None) -> tuple[str, int]:
    """The epoch and the number of partitions, which must be *partitions*."""
    epoch, stored, schema = facts
    if partitions is not None and int(stored) != partitions:
        message = (
            f"store.partitions is {partitions} but this store was begun with"
            f" {int(stored)}: set it to {int(stored)}"
        )
        raise ConfigError(message)
    if int(schema) > SCHEMA:
        raise ConfigError("this store was written by a newer release of tracker")
    return epoch.decode(), int(stored)
