"""Listings of a platform that is as awkward as the documents allow.

It keeps starts to the millisecond and tells them to the second, filters and sorts by
what it keeps, has an order of its own for those alike, and changes between any two
requests.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple, cast
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.providers.vonage_business.captures import settings
from tracker.domain.archive import MediaQuery, MediaSnapshot, Order
from tracker.errors import ProviderUnavailableError
from tracker.providers.vonage_business.archive import VonageBusinessArchive
from tracker.providers.vonage_business.client import VonageBusinessClient

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMPANY, THEIRS = "/company_call_recordings", "/users/745249/call_recordings"


class Change(NamedTuple):
    """One recording comes, and one goes."""

    start_ms: int
    goes: int


class AwkwardClient:
    """The platform, asked without HTTP.

    Args:
        starts_ms: Of the recordings; every third is the user's.
        most: On a page.
        tells_pages: Whether it says how many pages there are.
        changes: One before each request, the last first; None: all stays as it is.
    """

    def __init__(
        self,
        starts_ms: Sequence[int],
        most: int,
        changes: Sequence[Change | None] = (),
        *,
        tells_pages: bool = True,
    ) -> None:
        self.settings = settings()
        self.requests = 0
        self._most = most
        self._tells_pages = tells_pages
        self._changes = list(changes)
        self._stored = dict(enumerate(starts_ms))
        self.lasting = set(self._stored)

    def note(self, event: str, detail: str) -> None:
        raise AssertionError(event, detail)

    async def get(self, path: str, what: str, query: dict[str, Any]) -> bytes:
        del what
        self.requests += 1
        assert self.requests < 20_000
        self._change()
        found = sorted(
            (start_ms, crc32(b"%d" % number), number)
            for number, start_ms in self._stored.items()
            if path == (COMPANY if number % 3 else THEIRS) and _fits(start_ms, query)
        )
        if query["order"] == "start:DESC":
            found.reverse()
        size = min(self._most, query["page_size"])
        shown = found[(query["page"] - 1) * size :][:size]
        pages = -(-len(found) // size)
        page = {
            "_embedded": {"recordings": [_shown(n, ms) for ms, _, n in shown]},
            "page_size": size,
            "total_items": len(found),
            "total_pages": pages if self._tells_pages else None,
        }
        return json.dumps(page).encode()

    def _change(self) -> None:
        if not self._changes:
            return
        change = self._changes.pop()
        if change is None:
            return
        gone = sorted(self._stored)[change.goes % len(self._stored)]
        del self._stored[gone]
        self.lasting.discard(gone)
        self._stored[1_000 + len(self._changes)] = change.start_ms


def _fits(start_ms: int, query: dict[str, Any]) -> bool:
    at = BEGIN + timedelta(milliseconds=start_ms)
    low, high = query.get("start:gte"), query.get("start:lte")
    return (low is None or at >= datetime.fromisoformat(low)) and (
        high is None or at <= datetime.fromisoformat(high)
    )


def _shown(number: int, start_ms: int) -> dict[str, Any]:
    start = BEGIN + timedelta(seconds=start_ms // 1000)
    return {"id": number, "start": start.strftime("%Y-%m-%dT%H:%M:%S%z")}


async def listed(
    client: AwkwardClient, query: MediaQuery, limit: int
) -> list[MediaSnapshot]:
    archive = VonageBusinessArchive(cast("VonageBusinessClient", client))
    found: list[MediaSnapshot] = []
    after: str | None = None
    while True:
        page = await archive.recordings(query, limit, after)
        found += page.items
        if page.after is None:
            return found
        after = page.after


def number(shown: MediaSnapshot) -> int:
    return int(shown.key.rpartition("%3A")[2])


STARTS = st.one_of(
    st.lists(st.integers(0, 6_000), max_size=60),
    st.lists(st.sampled_from([0, 1, 999, 1_000, 1_001, 3_000]), max_size=60),
    st.lists(st.integers(0, 10**9), max_size=60),
)
ORDERS = st.sampled_from(["start:asc", "start:desc"])


@given(STARTS, ORDERS, st.integers(1, 30), st.integers(1, 30), st.booleans())
def test_all_are_listed_once_and_in_order(
    starts_ms: list[int], order: Order, most: int, limit: int, tells_pages: bool
) -> None:
    """However they lie, and whatever a page holds."""
    client = AwkwardClient(starts_ms, most, tells_pages=tells_pages)
    found = asyncio.run(listed(client, MediaQuery(order=order), limit))
    assert sorted(map(number, found)) == list(range(len(starts_ms)))
    seconds = [starts_ms[number(it)] // 1000 for it in found]
    assert seconds == sorted(seconds, reverse=order == "start:desc")


@given(
    STARTS,
    ORDERS,
    st.integers(1, 12),
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
)
def test_bounds_are_kept(
    starts_ms: list[int], order: Order, most: int, between: tuple[int, int]
) -> None:
    """Of the start as it is told; no more and no less."""
    first, last = between
    client = AwkwardClient([it - it % 1_000 for it in starts_ms], most)
    query = MediaQuery(
        order=order,
        from_at=BEGIN + timedelta(seconds=first),
        to_at=BEGIN + timedelta(seconds=last),
    )
    found = asyncio.run(listed(client, query, 5))
    expected = [n for n, ms in enumerate(starts_ms) if first <= ms // 1000 <= last]
    assert sorted(map(number, found)) == expected


@given(
    st.lists(st.integers(0, 6_000), min_size=20, max_size=60),
    st.lists(
        st.builds(Change, st.integers(0, 6_000), st.integers(0, 100)), max_size=30
    ),
    ORDERS,
    st.integers(2, 12),
    st.integers(1, 12),
)
def test_none_is_missed_while_others_come_and_go(
    starts_ms: list[int],
    changes: list[Change],
    order: Order,
    most: int,
    limit: int,
) -> None:
    """None twice; or it is said that there was too much going on."""
    client = AwkwardClient(starts_ms, most, changes)
    try:
        found = asyncio.run(listed(client, MediaQuery(order=order), limit))
    except ProviderUnavailableError as error:
        assert "change all the time" in str(error)  # noqa: PT017
        return
    numbers = list(map(number, found))
    assert len(set(numbers)) == len(numbers)
    assert client.lasting <= set(numbers)


def test_one_that_goes_between_two_pages_of_a_second() -> None:
    """It moves the next one to the page that was read."""
    for goes, requests in product(range(30), range(8)):
        changes = [Change(5_000, goes), *[None] * requests]
        client = AwkwardClient([0] * 30, 5, changes)
        found = asyncio.run(listed(client, MediaQuery(order="start:asc"), 50))
        assert client.lasting <= set(map(number, found))


@pytest.mark.parametrize("order", ["start:asc", "start:desc"])
def test_requests_are_few(order: Order) -> None:
    """One for each shelf and page, where seconds are not crowded."""
    client = AwkwardClient([it * 700 for it in range(900)], 200)
    found = asyncio.run(listed(client, MediaQuery(order=order), 100))
    assert len(set(map(number, found))) == len(found) == 900
    assert client.requests <= 2 * 10
