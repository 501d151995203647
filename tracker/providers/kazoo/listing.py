"""Recordings in order of their start, out of lists in order of their save.

A recording is saved after it started, and at most `longest_recording_s` later. So what
was saved in a range has all that is needed to tell the order of starts:

- backwards, once all saves from *low* on are read, whatever is still to come started
  before *low*;
- forwards, once all saves up to *high* are read, whatever is still to come started
  after *high* less the longest recording.

Ranges are as wide as fits some pages: a denser one is given up and read in parts. Only
as many recordings are held as are wanted. Where a listing goes on is the last one's
start and id, so nothing that comes or goes meanwhile moves anything.
"""

from bisect import insort
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Final, NamedTuple

from tracker.domain.archive import MediaQuery
from tracker.providers.kazoo.client import KazooClient
from tracker.providers.kazoo.cursor import Cursor, Mark
from tracker.providers.kazoo.query import fits, lists_of
from tracker.providers.kazoo.windows import SKEW, read_window, widest_s
from tracker.providers.kazoo.wire import Recording

FIRST_SPAN_S: Final = 14_400
DENSE: Final = 2_000
"""Recordings of a range that is too wide, unless it is a second."""

SPARSE: Final = 500
_GROWTH: Final = 4
_PARTS: Final = 8
_TOLERANCE: Final = timedelta(minutes=1)
"""Media servers' clocks may tell a start that lies after the save."""


class Found(NamedTuple):
    """Recordings in order, and how wide a range was read at once at the end."""

    items: list[Recording]
    span_s: int


class Listing:
    """One page of a listing.

    Args:
        client: Of the account.
        query: What is asked for.
        limit: How many, at most.
        after: Where the last page ended.
    """

    def __init__(
        self, client: KazooClient, query: MediaQuery, limit: int, after: Cursor | None
    ) -> None:
        settings = client.settings
        self._client = client
        self._query = query
        self._limit = limit
        self._falls = query.order == "start:desc"
        self._mark = after and after.mark
        self._lists = lists_of(query, settings)
        self._longest = timedelta(seconds=settings.longest_recording_s)
        self._widest_s = widest_s(settings)
        self._span_s = min(self._widest_s, after.span_s if after else FIRST_SPAN_S)
        self._parts: list[tuple[datetime, datetime]] = []
        self._kept: list[tuple[Mark, Recording]] = []
        self._known: set[Mark] = set()
        self._first_at, self._last_at = self._range(datetime.now(UTC))

    async def read(self) -> Found:
        """Read as far as is needed. Raises as the client does."""
        at = self._last_at if self._falls else self._first_at
        while self._lists and self._limit > 0 and not self._is_done(at):
            low, high = self._parts.pop() if self._parts else self._next_range(at)
            if await self._read_range(low, high):
                at = low if self._falls else high
            else:
                self._parts += self._parts_of(low, high)
        in_order = reversed(self._kept) if self._falls else self._kept
        return Found([recording for _, recording in in_order], self._span_s)

    def _range(self, now: datetime) -> tuple[datetime, datetime]:
        """From when to when whatever is asked for was saved."""
        settings, query = self._client.settings, self._query
        oldest, newest = now - timedelta(days=settings.history_days), now + SKEW
        first = max(query.from_at or oldest, oldest)
        last = min(query.to_at or newest, newest)
        if self._mark is not None and self._falls:
            last = min(self._mark.start, last)
        elif self._mark is not None:
            first = max(self._mark.start, first)
        return first - _TOLERANCE, min(last + self._longest, newest)

    def _next_range(self, at: datetime) -> tuple[datetime, datetime]:
        span = timedelta(seconds=self._span_s)
        if self._falls:
            return max(at - span, self._first_at), at
        return at, min(at + span, self._last_at)

    def _is_done(self, at: datetime) -> bool:
        """All was read, or what is still to come is beyond what is wanted."""
        if at <= self._first_at if self._falls else at >= self._last_at:
            return True
        if len(self._kept) < self._limit:
            return False
        if self._falls:
            return self._last.start >= at + _TOLERANCE
        return self._last.start <= at - self._longest

    async def _read_range(self, low: datetime, high: datetime) -> bool:
        """Whether all of it was read; else it is to be read in parts."""
        read, is_whole = 0, high - low <= timedelta(seconds=1)
        async for page in read_window(self._client, self._lists, low, high):
            for recording in page:
                self._keep(recording)
            read += len(page)
            if read > DENSE and not is_whole:
                self._span_s = max(1, int((high - low).total_seconds()) // _PARTS)
                return False
        if read < SPARSE and not self._parts:
            self._span_s = min(self._widest_s, self._span_s * _GROWTH)
        return True

    def _parts_of(
        self, low: datetime, high: datetime
    ) -> list[tuple[datetime, datetime]]:
        """Of a range, the next one to read last."""
        step = max(timedelta(seconds=1), (high - low) / _PARTS)
        parts = []
        while low < high:
            parts.append((low, min(low + step, high)))
            low += step
        return parts if self._falls else parts[::-1]

    def _keep(self, recording: Recording) -> None:
        """Put it in its place, if it is wanted; the last one may have to go."""
        mark = Mark(recording.start, recording.id)
        if mark in self._known or not self._follows(mark):
            return
        if not fits(self._query, recording):
            return
        self._known.add(mark)
        insort(self._kept, (mark, recording), key=itemgetter(0))
        if len(self._kept) > self._limit:
            self._known.discard(self._kept.pop(0 if self._falls else -1)[0])

    def _follows(self, mark: Mark) -> bool:
        """It comes after the last page, and before the last one that is kept."""
        if self._mark is not None and not self._comes_before(self._mark, mark):
            return False
        full = len(self._kept) >= self._limit
        return not full or self._comes_before(mark, self._last)

    def _comes_before(self, one: Mark, other: Mark) -> bool:
        return one > other if self._falls else one < other

    @property
    def _last(self) -> Mark:
        """Of those that are kept, in the order asked for."""
        return self._kept[0 if self._falls else -1][0]
