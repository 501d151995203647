"""Books: what is not stored yet is not lost, and nobody waits for it in vain."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest

from tracker.errors import LeaseLostError
from tracker.outlets.webhooks.books import CACHED_BYTES, Bodies, Books
from tracker.store.dispatch import DispatchLedger
from tracker.store.keys import PartitionKeys
from tracker.store.leases import Lease
from tracker.store.ledger import Operation


class Store:
    """What a ledger writes to, as slowly as a test wants it.

    Attributes:
        asked: A commit has come.
        answers: It is made, and told.
    """

    def __init__(self) -> None:
        self.keys = PartitionKeys(0)
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self._bodies: dict[object, bytes] = {}

    async def commit(self, operations: Sequence[Operation], *_: object) -> None:
        self.asked.set()
        await self.answers.wait()
        for command, key, *rest in operations:
            assert (command, key) == ("HSET", self.keys.bodies)
            bodies = cast("list[bytes]", rest[1::2])
            self._bodies.update(zip(rest[::2], bodies, strict=True))

    async def bodies(self, events: Sequence[str]) -> list[bytes | None]:
        return [self._bodies.get(event) for event in events]


@asynccontextmanager
async def writing(store: Store) -> AsyncIterator[Books]:
    """The books of a partition, written beside the test."""
    books = Books(cast("DispatchLedger", store), Lease("keep", "p1", 1), "e1")
    books.begin("0-0")
    task = asyncio.create_task(books.run())
    try:
        yield books
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_body_is_at_hand_before_it_is_stored() -> None:
    """Also when no more are kept: an attempt may begin at any time."""
    store = Store()
    async with writing(store) as books:
        bodies = Bodies(cast("DispatchLedger", store), books)
        bodies.keep("large", b"x" * CACHED_BYTES)
        bodies.keep("small", b"small")
        assert await bodies.of("small") == b"small"
        waiting = asyncio.create_task(books.written())
        await store.asked.wait()
        bodies.keep("later", b"later")
        assert await bodies.of("small") == b"small"
        assert await bodies.of("later") == b"later"
        store.answers.set()
        await waiting
        assert await bodies.of("small") == b"small"


async def test_nobody_waits_for_what_is_written_no_more() -> None:
    """Whether it is under way, or was to be next, or comes later."""
    store = Store()
    async with writing(store) as books:
        under_way = asyncio.create_task(books.written())
        await store.asked.wait()
        next_one = asyncio.create_task(books.written())
        await asyncio.sleep(0)  # until it waits
        books.end(LeaseLostError("served no more"))
        for waiting in (under_way, next_one, books.written()):
            with pytest.raises(LeaseLostError):
                await waiting
