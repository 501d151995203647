"""Stores to call, and to call again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tracker.errors import StoreUnavailableError
from tracker.store.redis import ConnectionSettings, Keyspace, connect

HASTY = ConnectionSettings(
    connect_timeout_s=0.5, call_timeout_s=0.5, tail_timeout_s=0.5, wait_ms=200
)


@asynccontextmanager
async def connected(
    url: str, settings: ConnectionSettings | None = None
) -> AsyncIterator[Keyspace]:
    store = await connect(url, settings)
    try:
        yield store
    finally:
        await store.aclose()


async def eventually(
    call: Callable[[], Awaitable[object]], expected: object, within_s: float = 20
) -> None:
    """Call again while the store is unavailable, as callers above do."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                assert await call() == expected
            except StoreUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return
