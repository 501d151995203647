"""The way out: readers get every entry once, in order, or are told that they do not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import convert

from tests.integration.ingest.scripted import call_key, observation
from tests.integration.servers import Server
from tests.integration.store.kept import Kept, Teller, listening, opened, running
from tracker.domain.entry import Entry, Outgoing, Watermark
from tracker.domain.key import partition_of
from tracker.domain.reading import Checkpoint
from tracker.errors import PositionLostError
from tracker.keep.partition import Partition
from tracker.keep.writes import operations
from tracker.store import follow as reading
from tracker.store import outbox
from tracker.store.codec import SCHEMA
from tracker.store.follow import BEGINNING
from tracker.store.leases import Lease
from tracker.store.ledger import Batch, Written
from tracker.store.outbox import Tailed

CALL = call_key("c1")


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    async with opened(server.url) as kept:
        yield kept


class Author:
    """Writes to an outbox what a keeper would."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._lease: Lease | None = None
        self._partition = Partition(0, 1, kept.policy)
        self._written = Written()

    async def write(self, *headers: Watermark) -> None:
        """One commit with these entries."""
        ledger, draft = self._kept.ledger(), self._partition.draft
        if self._lease is None:
            await ledger.adopt(self._kept.epoch, SCHEMA)
            self._lease = await self._kept.lease()
        draft.outgoing += [Outgoing(header) for header in headers]
        before = f"{self._written.outbox}-0"
        keys, partition = ledger.keys, self._partition
        writes, self._written = operations(keys, partition, self._written)
        offset = f"{self._written.outbox}-0"
        batch = Batch(before, offset, offset, writes)
        await ledger.commit(batch, self._kept.epoch, self._lease)


@pytest.fixture
def author(kept: Kept) -> Author:
    return Author(kept)


def _marks(count: int, begin: int = 0) -> list[Watermark]:
    return [
        convert({"handled_at": f"2026-01-01T00:00:{number:02}Z"}, Watermark)
        for number in range(begin, begin + count)
    ]


def _seconds(batch: list[Tailed]) -> list[int]:
    headers = [tailed.header for tailed in batch]
    return [h.handled_at.second for h in headers if isinstance(h, Watermark)]


async def _next(tail: AsyncIterator[list[Tailed]]) -> list[Tailed]:
    async with asyncio.timeout(5):
        return await anext(tail)


async def test_it_is_read_backwards_from_a_place(
    kept: Kept, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page, until nothing older is there; also when nothing is there at all."""
    monkeypatch.setattr(outbox, "_PAGE", 2)
    assert [page async for page in kept.outbox.back(0, BEGINNING)] == []
    await author.write(*_marks(6))
    newest = (await kept.outbox.read(0, BEGINNING, 10))[4].id
    pages = [_seconds(page) async for page in kept.outbox.back(0, newest)]
    assert pages == [[4, 3], [2, 1], [0]]


async def test_a_tail_begins_where_its_reader_was(kept: Kept, author: Author) -> None:
    """What was there comes first, then what is written."""
    await author.write(*_marks(3))
    from_begin = kept.outbox.tail(0, BEGINNING)
    first = await _next(from_begin)
    from_middle = kept.outbox.tail(0, first[1].id)
    assert _seconds(first) == [0, 1, 2]
    assert _seconds(await _next(from_middle)) == [2]
    await author.write(*_marks(2, begin=3))
    assert _seconds(await _next(from_begin)) == [3, 4]
    assert _seconds(await _next(from_middle)) == [3, 4]


async def test_a_silent_outbox_is_told_as_empty(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a reader knows that it is still listening."""
    monkeypatch.setattr(reading, "BLOCK_MS", 50)
    tail = kept.outbox.tail(0, BEGINNING)
    assert [await _next(tail) for _ in range(3)] == [[], [], []]


async def test_pages_go_on_from_one_another(kept: Kept, author: Author) -> None:
    """Until there is no more; the end is known beforehand."""
    assert await kept.outbox.end(0) == BEGINNING
    await author.write(*_marks(5))
    found: list[Tailed] = []
    while page := await kept.outbox.read(0, found[-1].id if found else BEGINNING, 2):
        assert len(page) <= 2
        found += page
    assert _seconds(found) == [0, 1, 2, 3, 4]
    assert await kept.outbox.end(0) == found[-1].id


async def test_a_trimmed_position_is_lost(kept: Kept, author: Author) -> None:
    """It is never taken for the nearest one that is left."""
    await author.write(*_marks(5))
    entries = await kept.outbox.read(0, BEGINNING, 5)
    await _trim(kept, entries[3].id)
    with pytest.raises(PositionLostError):
        await kept.outbox.read(0, entries[1].id, 5)
    with pytest.raises(PositionLostError):
        await _next(kept.outbox.tail(0, entries[1].id))
    assert _seconds(await kept.outbox.read(0, entries[3].id, 5)) == [4]


async def test_a_reader_that_trimming_overtakes_is_told(
    kept: Kept, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its connection holds, and though what it asks for has successors."""
    monkeypatch.setattr(reading, "_BATCH", 2)
    await author.write(*_marks(6))
    tail = kept.outbox.tail(0, BEGINNING)
    assert _seconds(await _next(tail)) == [0, 1]
    end = await kept.outbox.end(0)
    await _trim(kept, end)
    with pytest.raises(PositionLostError):
        await _next(tail)


async def _trim(kept: Kept, oldest: str) -> None:
    key = kept.keys[0].outbox
    await kept.redis.call(key, "XTRIM", key, "MINID", oldest)


async def test_a_lost_store_is_told_on_a_connection_that_holds(
    server: Server, kept: Kept, author: Author
) -> None:
    """Also while nothing is left to miss: what comes next is of another epoch."""
    await author.write(*_marks(3))
    tail = kept.outbox.tail(0, BEGINNING)
    assert _seconds(await _next(tail)) == [0, 1, 2]
    server.run("FLUSHALL")
    async with opened(server.url) as anew:
        assert anew.epoch != kept.epoch
        await Author(anew).write(*_marks(3))
    with pytest.raises(PositionLostError):
        await _next(tail)
    assert await kept.outbox.refresh()
    assert kept.outbox.epoch == anew.epoch
    assert not await kept.outbox.refresh()


async def test_who_finds_an_empty_store_begins_it(server: Server, kept: Kept) -> None:
    """No reader goes on under the old epoch because nobody wrote yet."""
    server.run("FLUSHALL")
    assert await kept.outbox.refresh()
    assert await kept.registry.look(None) == (kept.outbox.epoch, kept.partitions)


async def test_what_is_stored_is_what_a_projection_starts_from(server: Server) -> None:
    """Calls, sources and accounts, each in its partition, at its last version."""
    async with (
        opened(server.url, partitions=2) as kept,
        running(kept.run(number=0), kept.run(number=1)),
        listening(kept) as listener,
    ):
        teller = Teller(kept)
        calls = tuple(call_key(f"c{number}") for number in range(5))
        shown = [observation(call) for call in calls]
        await teller.tell(*shown, Checkpoint(calls=calls, process=""))
        expected = {*calls, teller.key, "genesys/acme"}
        await listener.until(lambda: all(map(listener.headers, expected)))
        found = [await kept.outbox.stored(number) for number in range(2)]
        assert {one.view.key for part in found for one in part} == expected
        for number, part in enumerate(found):
            for one in part:
                assert partition_of(one.view.kind, one.view.key, 2) == number
                [*_, last] = listener.headers(one.view.key)
                assert (one.view, one.version) == (last.after, last.version)
        assert isinstance(listener.entries[0].header, Entry)
