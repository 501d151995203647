"""Listings in order of the start, out of lists in order of the save."""

import random
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.kazoo.past import Past
from tests.integration.kazoo.site import site
from tracker.domain.archive import MediaQuery, MediaSnapshot, Order
from tracker.errors import NotFoundError
from tracker.providers.kazoo import listing, windows
from tracker.simulators.kazoo import Document

HOUR_S, DAY_S = 3600, 86_400
ORDERS: tuple[Order, ...] = ("start:desc", "start:asc")


def ids(shown: Iterable[MediaSnapshot]) -> list[str]:
    return [it.key.rpartition("/")[2] for it in shown]


def in_order(documents: Iterable[Document], order: Order) -> list[str]:
    """By start, to the second, then by id."""
    marks = [(int(it.start_at_s), it.id) for it in documents]
    return [id_ for _, id_ in sorted(marks, reverse=order == "start:desc")]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_a_listing_is_in_order_of_the_start(order: Order, limit: int) -> None:
    """However long after it each was saved; over half a year."""
    past, rng = Past(), random.Random(1)  # noqa: S311 repeatable, guards nothing
    for _ in range(30):
        late_s = rng.choice((5, 600, 3 * HOUR_S))
        past.save(rng.randrange(180 * DAY_S), late_s=late_s)
    async with site(past.simulator) as at:
        found = ids(await at.listed(MediaQuery(order=order), limit))
        assert found == in_order(at.simulator.recordings.values(), order)


@pytest.mark.parametrize("order", ORDERS)
async def test_none_is_missed_or_twice_while_they_come_and_go(order: Order) -> None:
    """New ones, also with starts in the middle; and some of those there go."""
    past, rng = Past(), random.Random(2)  # noqa: S311 repeatable, guards nothing
    kept = {
        it.id: it
        for it in (past.save(rng.randrange(2 * DAY_S), late_s=60) for _ in range(1500))
    }
    async with site(past.simulator) as at:
        found: list[str] = []
        after: str | None = None
        while found == [] or after is not None:
            page = await at.archive.recordings(MediaQuery(order=order), 190, after)
            found += ids(page.items)
            after = page.after
            for _ in range(5):
                past.save(rng.randrange(600), late_s=rng.randrange(3 * HOUR_S))
            for id_ in rng.sample(sorted(kept), 3):
                at.simulator.delete_recording(kept.pop(id_))
        assert len(set(found)) == len(found)
        assert not kept.keys() - set(found)


async def test_a_crowded_second_is_read_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More than a range may hold, all saved at once: pages by start key."""
    monkeypatch.setattr(listing, "DENSE", 200)
    monkeypatch.setattr(windows, "PAGE_SIZE", 50)
    past = Past(is_chunked=True)
    made = [past.save(HOUR_S, late_s=10 + n % 3) for n in range(260)]
    async with site(past.simulator) as at:
        found = ids(await at.listed(limit=150))
        assert found == in_order(made, "start:desc")
        assert any("start_key=" in it.query for it in at.simulator.requests)


async def test_a_long_range_is_asked_for_in_parts() -> None:
    """None is longer than the server allows; an empty past costs few requests."""
    past = Past()
    old = past.save(300 * DAY_S, late_s=60)
    new = past.save(HOUR_S, late_s=60)
    async with site(past.simulator) as at:
        year = datetime.now(UTC) - timedelta(days=365)
        assert await at.keys(from_at=year) == [at.key(new), at.key(old)]
        ranges = [
            int(to) - int(since)
            for since, to in re.findall(
                r"created_from=(\d+)&created_to=(\d+)",
                " ".join(it.query for it in at.simulator.requests),
            )
        ]
        assert len(ranges) < 30
        assert max(ranges) <= 2_682_000


@pytest.mark.parametrize("month_of", ["start", "save"])
async def test_the_turn_of_a_month_hides_nothing(month_of: str) -> None:
    """One that began in the old month and was saved in the new one."""
    past = Past(month_of=month_of)
    now = datetime.now(UTC)
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ago_s = (now - first).total_seconds()
    made = past.save(ago_s - 300, late_s=HOUR_S)
    began = first - timedelta(seconds=HOUR_S - 300)
    async with site(past.simulator) as at:
        for order in ORDERS:
            near = timedelta(minutes=1)
            found = await at.keys(from_at=began - near, to_at=began + near, order=order)
            assert found == [at.key(made)]


async def test_the_range_is_one_of_starts() -> None:
    """Not of saves: both ends hold what began in them, however late it was saved."""
    past = Past()
    late = past.save(HOUR_S, late_s=3 * HOUR_S)
    past.save(3 * HOUR_S, late_s=2 * HOUR_S)
    now = datetime.now(UTC)
    within = {
        "from_at": now - timedelta(hours=4.5),
        "to_at": now - timedelta(hours=3.5),
    }
    async with site(past.simulator) as at:
        for order in ORDERS:
            assert await at.keys(**within, order=order) == [at.key(late)]


async def test_what_the_server_cannot_filter_is_filtered_here() -> None:
    """Every field of a query, and a call by either of its names."""
    past = Past()
    user, other = past.simulator.users[:2]
    wanted = past.save(
        60,
        call_id="leg-1",
        interaction_id="1-a",
        from_number="1001",
        to_number="2001",
        owner_id=user,
        duration_ms=60_000,
    )
    past.save(50, call_id="leg-2", interaction_id="1-b", owner_id=other)
    async with site(past.simulator) as at:
        key = [at.key(wanted)]
        for query in (
            {"call": "leg-1"},
            {"call": "1-a"},
            {"agent": user},
            {"agent": "1001"},
            {"caller_id": "1001"},
            {"cnam": "1001"},
            {"dnis": "2001"},
            {"min_duration_ms": 60_000},
            {"kind": "kazoo", "caller_id": "1001"},
        ):
            assert await at.keys(**query) == key, query
        assert len(await at.keys(max_duration_ms=59_999)) == 1
        asked = len(at.simulator.requests)
        assert await at.keys(kind="company") == []
        assert await at.keys(direction="inbound") == []
        assert len(at.simulator.requests) == asked


async def test_named_users_are_all_that_is_read() -> None:
    """By their own lists; one that there is not has none."""
    past = Past()
    user, other = past.simulator.users[:2]
    mine = past.save(60, owner_id=user)
    theirs = past.save(50, owner_id=other)
    async with site(past.simulator, users=[user, "nobody"]) as at:
        assert await at.keys() == [at.key(mine)]
        with pytest.raises(NotFoundError):
            await at.archive.recording(at.key(theirs))


@pytest.mark.parametrize("after", ["x", "W10", "é", "WyJzdGFydDphc2MiLDFd"])
async def test_a_cursor_of_nowhere_is_refused(after: str) -> None:
    """It comes from outside."""
    async with site() as at:
        with pytest.raises(ValueError, match=r"page|order"):
            await at.archive.recordings(MediaQuery(), 10, after)


async def test_what_was_saved_since_is_told() -> None:
    """Whenever it began; more than that does no harm."""
    past = Past()
    since = datetime.now(UTC) - timedelta(days=40)
    past.save(60 * DAY_S, late_s=60)
    saved = [past.save(days * DAY_S, late_s=3 * HOUR_S) for days in (1, 20, 39)]
    async with site(past.simulator) as at:
        told = [it.key async for page in at.saved_since(since) for it in page]
        assert {at.key(it) for it in saved} <= set(told)
