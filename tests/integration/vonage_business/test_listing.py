"""Listings while recordings come and go."""

import gc
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.vonage_business.site import Site, site
from tracker.domain.archive import MediaQuery, MediaSnapshot, Order
from tracker.errors import ProviderUnavailableError
from tracker.simulators.vonage_business import Recording, VonageBusinessOptions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
USERS = ("7", "8")
HELD_PAGES = 20
"""So many pages of recordings may be held at most, of the hundreds there are."""


class Churn:
    """Adds and deletes recordings between two pages, also among those listed."""

    def __init__(self, at: Site, seed: int = 1) -> None:
        self._at = at
        self._rng = random.Random(seed)  # noqa: S311 repeatable, guards nothing
        shelves = at.simulator.site.archive.shelves.values()
        there = [it for shelf in shelves for it in shelf._recordings.values()]
        self._first_s = min(it.start_s for it in there)
        self._last_s = max(it.start_s for it in there)
        self._left = sorted(it.id for it in there)
        self._rng.shuffle(self._left)
        self.kept = set(self._left)
        self.added: set[int] = set()

    def step(self) -> None:
        """Five come and three go; one of the new ones is newer than all."""
        for _ in range(4):
            self._add(self._rng.randrange(self._first_s, self._last_s))
        self._add(self._last_s + 60)
        for number in self._left[-3:]:
            self.kept.discard(number)
            self._at.simulator.delete_recording(number)
        del self._left[-3:]

    def _add(self, start_s: int) -> None:
        start_at = datetime.fromtimestamp(start_s, UTC)
        user = self._rng.choice((None, *USERS))
        made = self._at.simulator.add_recording(start_at=start_at, user=user)
        self.added.add(made.id)


def ids(shown: Iterable[MediaSnapshot]) -> list[int]:
    return [int(it.key.rpartition("%3A")[2]) for it in shown]


async def listed_amid(churn: Churn, at: Site, query: MediaQuery, limit: int) -> None:
    """None missed, none twice, all in order, and few held at any time."""
    numbers: list[int] = []
    starts: list[datetime] = []
    after: str | None = None
    while numbers == [] or after is not None:
        page = await at.archive.recordings(query, limit, after)
        numbers += ids(page.items)
        starts += [it.started_at for it in page.items if it.started_at]
        after = page.after
        churn.step()
    assert held() < HELD_PAGES * limit
    assert len(set(numbers)) == len(numbers)
    assert not churn.kept - set(numbers)
    assert starts == sorted(starts, reverse=query.order == "start:desc")


def held() -> int:
    """How many recordings are in memory, of whatever listing."""
    return sum(isinstance(it, MediaSnapshot) for it in gc.get_objects())


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("order", "count"), [("start:desc", 9), ("start:asc", 1)])
async def test_a_hundred_thousand_are_listed_while_they_come_and_go(
    order: Order, count: int
) -> None:
    """Over all shelves, a second at times having several; fewer the other way round."""
    async with site() as at:
        at.simulator.fill(count * 10_000, apart_s=2)
        at.simulator.fill(10_000, apart_s=2 * count, user="7")
        churn = Churn(at)
        await listed_amid(churn, at, MediaQuery(order=order), 190)
        assert len(churn.added) > 500


@pytest.mark.parametrize("most", [None, 5])
@pytest.mark.parametrize("order", ["start:desc", "start:asc"])
@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_more_in_a_second_than_on_a_page(
    limit: int, order: Order, most: int | None
) -> None:
    """Whatever a page may hold, and however many are asked for."""
    options = VonageBusinessOptions(users=USERS, most_per_page=most)
    async with site(options) as at:
        for second in (0, 0, 1, 2, 2, 5):
            for _ in range(7):
                start_at = NOON + timedelta(seconds=second)
                at.simulator.add_recording(start_at=start_at)
                at.simulator.add_recording(start_at=start_at, user="7")
        found = await at.listed(MediaQuery(order=order), limit)
        assert sorted(ids(found)) == sorted(Churn(at).kept)
        starts = [it.started_at for it in found if it.started_at]
        assert starts == sorted(starts, reverse=order == "start:desc")
        some = MediaQuery(
            order=order,
            from_at=NOON + timedelta(seconds=1),
            to_at=NOON + timedelta(seconds=2),
        )
        assert ids(await at.listed(some, limit)) == ids(
            it for it in found if it.started_at and 1 <= it.started_at.second <= 2
        )


@pytest.mark.parametrize("order", ["start:desc", "start:asc"])
async def test_crowded_seconds_amid_coming_and_going(order: Order) -> None:
    """A hundred recordings a second, pages of fifty at most."""
    options = VonageBusinessOptions(users=USERS, most_per_page=50)
    async with site(options) as at:
        at.simulator.fill(1_000, apart_s=0.01)
        await listed_amid(Churn(at), at, MediaQuery(order=order), 40)


async def test_a_listing_costs_hardly_more_than_its_pages() -> None:
    """One request for each shelf and page."""
    async with site() as at:
        at.simulator.fill(1_000)
        assert len(await at.listed(MediaQuery(kind="company"), 100)) == 1_000
        asked = [it for it in at.simulator.requests if it.path != "/token"]
        assert len(asked) <= 11


@pytest.mark.parametrize(
    "options",
    [VonageBusinessOptions(links=it) for it in ("zero_based", "as_printed")],
)
async def test_links_are_not_followed(options: VonageBusinessOptions) -> None:
    """They lead nowhere."""
    async with site(options) as at:
        at.simulator.fill(50)
        assert len(await at.listed(limit=7)) == 50


async def test_numbers_and_texts_are_alike() -> None:
    """However `caller_id` and `extensions` are written."""
    async with site(VonageBusinessOptions(types="examples")) as at:
        at.simulator.add_recording(caller_id="17325550100", extensions=("999",))
        (shown,) = await at.listed()
        assert (shown.caller_id, shown.extensions) == ("17325550100", ("999",))


async def test_a_platform_that_sorts_otherwise_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or some would be missed without a word."""
    async with site() as at:
        at.simulator.fill(50)
        shelf = at.simulator.site.archive.shelves[None]
        find = shelf.find

        def shuffled(*asked: object) -> object:
            found = find(*asked)  # type: ignore[arg-type]
            return found._replace(recordings=found.recordings[::-1])

        monkeypatch.setattr(shelf, "find", shuffled)
        with pytest.raises(ProviderUnavailableError, match="in another order"):
            await at.listed(limit=10)


async def test_a_new_one_is_found_from_a_start_on() -> None:
    """As a poller asks: what has begun since, the oldest first."""
    async with site() as at:
        at.simulator.fill(20)
        made: list[Recording] = [at.simulator.add_recording(start_at=NOON)]
        query = MediaQuery(from_at=NOON, to_at=NOON, order="start:asc")
        assert ids(await at.listed(query)) == [made[0].id]
