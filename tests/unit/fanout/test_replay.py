"""Replays: everything missed, once, in order; or the honest answer that it is gone."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.fanout.process import PARTITIONS, Process, begun, started
from tests.unit.fanout.test_hub import Told
from tests.unit.fanout.world import EPOCH, entry, until, view
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.fanout.cursor import WHOLE, Cursor, Place, Position
from tracker.fanout.filters import Filter, Query, Verdict
from tracker.fanout.settings import FanoutSettings

EVERY = Query(Filter())
AGENTS = ("ann", "bob")


async def replayed(process: Process, cursor: Cursor, query: Query = EVERY) -> list[str]:
    """Positions of the events of a whole replay."""
    await process.replay.check(cursor)
    return [
        str(event.position)
        async for page in process.replay.pages(query, cursor)
        for event, verdict in page.events
        if verdict is Verdict.EVENT
    ]


def by_partition(positions: list[str]) -> dict[str, list[str]]:
    """The order that counts: that of each partition."""
    found: dict[str, list[str]] = {}
    for position in positions:
        found.setdefault(position.split(".")[1], []).append(position)
    return found


steps = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.lists(st.sampled_from(AGENTS), unique=True).map(tuple),
        st.integers(1, 3),
    ),
    max_size=30,
)


@given(steps, st.data())
async def test_a_replay_from_anywhere_is_exact(
    changes: list[tuple[int, tuple[str, ...], int]], data: st.DataObject
) -> None:
    """Every event after the cursor, once and in order, from ring and outbox alike."""
    process = await begun()
    cursors = [(process.cursor, 0)]
    for change in changes:
        process.change(*change)
        cursors.append((process.cursor, len(process.published)))
    cursor, read = data.draw(st.sampled_from(cursors))
    found = await replayed(process, cursor)
    assert by_partition(found) == by_partition(process.published[read:])


@given(steps, st.data(), st.integers(1, 40))
async def test_a_replay_goes_on_in_a_process_that_began_later(
    changes: list[tuple[int, tuple[str, ...], int]], data: st.DataObject, ring: int
) -> None:
    """What the first one told before the second began, and what that one told since."""
    gone = await begun()
    cursors = [(gone.cursor, 0)]
    for change in changes:
        gone.change(*change)
        cursors.append((gone.cursor, len(gone.published)))
    process = await started(ring, outbox=gone.outbox)
    told = []
    for number in range(3):
        new = gone.outbox.append(entry(None, view(f"genesys/acme/new{number}")))
        process.tails.take(new)
        told.append(f"{EPOCH}.{new.partition}.{new.id}")
    cursor, read = data.draw(st.sampled_from(cursors))
    found = await replayed(process, cursor)
    assert by_partition(found) == by_partition(gone.published[read:] + told)


async def test_who_was_cut_is_brought_up_to_now_without_the_store() -> None:
    """A process that begins remembers as much as one that has run for long."""
    gone = await begun()
    cursors = []
    for number in range(40):
        gone.change(number)
        cursors.append((gone.cursor, len(gone.published)))
    process = await started(60, outbox=gone.outbox)
    process.outbox.away = True
    cursor, read = cursors[-12]
    found = await replayed(process, cursor)
    assert by_partition(found) == by_partition(gone.published[read:])


@given(steps, st.data())
async def test_a_replay_picks_what_live_subscribers_were_told(
    changes: list[tuple[int, tuple[str, ...], int]], data: st.DataObject
) -> None:
    """A filtered replay gives what the filter would have let through."""
    process = await begun(ring_entries=100)
    cursors = [process.cursor]
    for change in changes:
        process.change(*change)
        cursors.append(process.cursor)
    cursor = data.draw(st.sampled_from(cursors))
    wanted = Filter(agents=frozenset({data.draw(st.sampled_from(AGENTS))}))
    everything = [
        (event, verdict)
        async for page in process.replay.pages(EVERY, cursor)
        for event, verdict in page.events
    ]
    query = Query(wanted)
    narrowed = [
        (event, verdict)
        async for page in process.replay.pages(query, cursor)
        for event, verdict in page.events
    ]
    assert narrowed == query.choose(event for event, _ in everything)


async def test_pages_end_with_one_that_is_last_and_up_to_now() -> None:
    """The last page's cursor is the projection's; the ones before are smaller."""
    process = await begun(ring_entries=100, page_bytes=1000)
    cursor = process.cursor
    for number in range(20):
        process.change(number % 4)
    pages = [page async for page in process.replay.pages(EVERY, cursor)]
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert len(pages) > 3
    assert pages[-1].cursor == process.cursor
    for page in pages:
        for event, _ in page.events:
            assert page.cursor.covers(event.position)


async def test_what_comes_between_pages_is_on_the_last_one() -> None:
    """A replay that takes its time misses nothing."""
    process = await begun(ring_entries=100, page_bytes=1000)
    cursor = process.cursor
    for number in range(10):
        process.change(number)
    found = []
    late = 0
    async for page in process.replay.pages(EVERY, cursor):
        found += [str(event.position) for event, _ in page.events]
        if late < 3:
            late += 1
            process.change(100 + late)
    assert by_partition(found) == by_partition(process.published)


async def test_a_replay_overtaken_by_the_ring_goes_on_from_the_outbox() -> None:
    """What leaves the ring while a slow reader pages is read from the store."""
    process = await begun(ring_entries=4, page_bytes=1)
    cursor = process.cursor
    for number in range(4):
        process.change(number)
    found = []
    rounds = 0
    async for page in process.replay.pages(EVERY, cursor):
        found += [str(event.position) for event, _ in page.events]
        rounds += 1
        if rounds == 2:
            for number in range(10):
                process.change(number)
    assert by_partition(found) == by_partition(process.published)


@pytest.mark.parametrize("ring_entries", [100, 4], ids=["from ring", "from outbox"])
async def test_the_middle_of_an_entry_is_a_place_to_go_on_from(
    ring_entries: int,
) -> None:
    """A reader cut between two events of one entry gets the rest of it."""
    process = await begun(ring_entries)
    process.change(1, facts=3)
    first = Position.parse(process.published[0])
    assert first.place.fact == 1
    for partition in range(PARTITIONS):
        process.tails.take(process.outbox.mark(partition))
    places = list(process.cursor.places)
    places[first.partition] = first.place
    cursor = Cursor(EPOCH, tuple(places))
    process.change(1)
    process.change(1)
    assert await replayed(process, cursor) == process.published[1:]


async def test_what_this_process_has_not_published_is_left_to_come() -> None:
    """The outbox may be ahead of it; nobody gets the difference twice."""
    process = await begun(ring_entries=1)
    process.change(1)
    cursor = process.cursor
    process.change(1)
    process.change(1)
    seen = view("genesys/acme/c1")
    ahead = process.outbox.append(entry(seen, seen, 4))
    assert await replayed(process, cursor) == process.published[1:]
    told = Told()
    async for page in process.replay.pages(EVERY, cursor):
        if page.last:
            process.hub.add(EVERY, told)
    process.tails.take(ahead)
    assert told.events == [f"{EPOCH}.{ahead.partition}.{ahead.id}"]


async def test_the_index_of_the_ring_is_bounded() -> None:
    """However often somebody resumes, it holds no more than twice the ring."""
    process = await begun(ring_entries=10)
    ann = Query(Filter(agents=frozenset({"ann"})))
    for number in range(500):
        process.change(number % 7, ("ann",))
        cursor = process.cursor
        process.change(number % 7, ("ann",))
        assert len(await replayed(process, cursor, ann)) == 1
    slots = process.hub.ring._by_term["agents", "ann"]
    assert len(slots) <= 21


async def test_what_was_trimmed_is_lost_and_said_so() -> None:
    """Never a part: the check fails before anything is sent."""
    process = await begun(ring_entries=2)
    process.change(1)
    cursor = process.cursor
    for _ in range(5):
        process.change(1)
    partition = int(process.published[0].split(".")[1])
    process.outbox.trim(partition, 3)
    with pytest.raises(PositionLostError):
        await process.replay.check(cursor)


async def test_a_replay_that_is_trimmed_away_under_way_says_so() -> None:
    """The reader is told that what it got is not whole."""
    process = await begun(ring_entries=2)
    process.change(1)
    cursor = process.cursor
    for _ in range(9):
        process.change(1)
    partition = int(process.published[0].split(".")[1])
    pages = process.replay.pages(EVERY, cursor)
    assert not (await anext(pages)).last
    process.outbox.trim(partition, 1)
    with pytest.raises(PositionLostError):
        await anext(pages)


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor("e0", (Place(0, 0),) * PARTITIONS),
        Cursor(EPOCH, (Place(0, 0),) * (PARTITIONS + 1)),
        Cursor(EPOCH, (Place(77, 0),) * PARTITIONS),
        Cursor(EPOCH, (Place(1001, 0, 1),) * PARTITIONS),
        Cursor(EPOCH, (Place(10**9, 0),) * PARTITIONS),
    ],
    ids=["epoch", "partitions", "never was", "part of a dropped entry", "from nowhere"],
)
async def test_a_cursor_of_something_else_is_lost(cursor: Cursor) -> None:
    """Another store's, another number of partitions, places that are not there."""
    process = await begun(ring_entries=2)
    for number in range(9):
        process.change(number)
    with pytest.raises(PositionLostError):
        await process.replay.check(cursor)


async def test_the_beginning_cannot_be_told_from_what_was_trimmed() -> None:
    """A cursor from before the first entry is good only while the ring has it all."""
    process = await started(ring_entries=4)
    cursor = process.cursor
    process.change(1)
    await process.replay.check(cursor)
    for number in range(9):
        process.change(number)
    with pytest.raises(PositionLostError):
        await process.replay.check(cursor)


async def test_a_cursor_from_a_faster_process_is_waited_for() -> None:
    """Two processes tail one store, and one is a little behind."""
    process = await begun()
    process.change(1)
    ahead = process.outbox.append(entry(None, view("genesys/acme/ahead")))
    places = list(process.cursor.places)
    places[ahead.partition] = Place.parse(ahead.id)
    cursor = Cursor(EPOCH, tuple(places))
    with pytest.raises(StoreUnavailableError):
        await process.replay.check(cursor)
    process.tails.take(ahead)
    assert await replayed(process, cursor) == []


async def test_a_store_that_is_away_is_not_a_lost_position() -> None:
    """The reader keeps its cursor and comes again."""
    process = await begun(ring_entries=2)
    process.change(1)
    cursor = process.cursor
    for _ in range(9):
        process.change(1)
    process.outbox.away = True
    with pytest.raises(StoreUnavailableError):
        await process.replay.check(cursor)


async def test_silent_entries_are_places_too() -> None:
    """A watermark's place can be resumed from, and tells how far a partition is."""
    process = await begun()
    process.tails.take(process.outbox.mark(2))
    cursor = process.cursor
    assert cursor.places[2].fact == WHOLE
    process.change(1)
    assert await replayed(process, cursor) == process.published


async def test_a_reset_partition_forgets_only_itself() -> None:
    """Cursors are lost where their partition begins anew, and good elsewhere."""
    process = await begun(ring_entries=100)
    for number in range(12):
        process.change(number, AGENTS[:1])
    cursor = process.cursor
    process.hub.reset(0, cursor.places[0])
    await process.replay.check(cursor)
    for number in range(12):
        process.change(number, AGENTS[:1])
    ann = Query(Filter(agents=frozenset(AGENTS[:1])))
    found = await replayed(process, cursor, ann)
    assert by_partition(found) == by_partition(process.published[12:])
    process.hub.reset(0, process.cursor.places[0])
    process.outbox.trim(0, 0)
    with pytest.raises(PositionLostError):
        await process.replay.check(cursor)


async def test_few_replays_read_from_the_store_at_once() -> None:
    """A storm of resumes does not become a storm of reads."""
    process = await begun(ring_entries=1)
    process.change(1)
    cursor = process.cursor
    for _ in range(5):
        process.change(1)
    process.outbox.hold_reads()
    storm = [asyncio.create_task(replayed(process, cursor)) for _ in range(20)]
    await until(lambda: process.outbox.reading)
    assert process.outbox.reading == FanoutSettings().parallel_reads
    process.outbox.release_reads()
    assert await asyncio.gather(*storm) == [process.published[1:]] * 20
