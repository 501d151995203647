"""Ranges of saves, read in turn: what the server's lists can be asked for.

A list is keyed on when a document was saved, and a range may be 31 days and an hour
long. It opens only the months that it touches, and the month of a document may be that
of its recording's start: so a range that begins early in a month reaches back into the
one before. Both ends are part of a range.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tracker.errors import NotFoundError
from tracker.providers.kazoo.client import KazooClient
from tracker.providers.kazoo.query import List
from tracker.providers.kazoo.settings import WINDOW_S, KazooSettings
from tracker.providers.kazoo.wire import Recording, gregorian

PAGE_SIZE: Final = 500
SKEW: Final = timedelta(minutes=5)
"""The server's clock may go before or after ours by so much."""

_ROUNDING_S: Final = 10


def widest_s(settings: KazooSettings) -> int:
    """How wide a range may be that leaves room to reach back."""
    return WINDOW_S - settings.longest_recording_s - _ROUNDING_S


async def read_window(
    client: KazooClient, lists: Sequence[List], low: datetime, high: datetime
) -> AsyncIterator[list[Recording]]:
    """Pages of all that was saved from *low* to *high*, and perhaps of more."""
    reached = _reach_back(low, client.settings.longest_recording_s)
    within = {
        "created_from": gregorian(reached),
        "created_to": gregorian(high) + 1,
        "page_size": PAGE_SIZE,
    }
    for user, filters in lists:
        async for page in _pages(client, user, {**within, **filters}):
            yield page


async def read_since(
    client: KazooClient, lists: Sequence[List], at: datetime
) -> AsyncIterator[list[Recording]]:
    """Pages of all that was saved from *at* on, and perhaps of more."""
    low, widest = at - SKEW, timedelta(seconds=widest_s(client.settings))
    while True:
        last = datetime.now(UTC) + SKEW
        high = min(low + widest, last)
        async for page in read_window(client, lists, low, high):
            yield page
        if high >= last:
            return
        low = high


async def _pages(
    client: KazooClient, user: str | None, asked: dict[str, str | int]
) -> AsyncIterator[list[Recording]]:
    """All pages of one list; a user that there is not has none."""
    start_key: str | None = None
    while True:
        more = {} if start_key is None else {"start_key": start_key}
        try:
            listed = await client.recordings(user, {**asked, **more})
        except NotFoundError:
            if user is None:
                raise
            client.note("user_unknown", user)
            return
        for garbled in listed.garbled:
            client.note("recording_unreadable", garbled.shape)
        yield listed.items
        if listed.next is None or listed.next == start_key:
            return
        start_key = listed.next


def _reach_back(low: datetime, by_s: int) -> datetime:
    """*low*, or earlier where that is of another month."""
    back = low - timedelta(seconds=by_s)
    same = (low.year, low.month) == (back.year, back.month)
    return low if same else back
