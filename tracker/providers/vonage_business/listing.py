"""All that a shelf holds, in order, while recordings come and go.

Pages shift when something comes or goes, starts don't. So every page is asked for as
the first one from a bound on: the start of the last recording that was read. Page
numbers are used only where one second holds more than a page, and what they show is
believed when they show the same twice.

Recordings are in order of start, and those of one second in order of shelf and id: so
one *mark*, that of the last, says where a listing goes on.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from tracker.domain.archive import MediaQuery, MediaSnapshot
from tracker.errors import NotFoundError, ProviderUnavailableError
from tracker.providers.vonage_business.client import VonageBusinessClient
from tracker.providers.vonage_business.cursor import Mark
from tracker.providers.vonage_business.normalise import media
from tracker.providers.vonage_business.places import Shelf
from tracker.providers.vonage_business.query import (
    SECOND,
    Filters,
    bounds,
    filters,
    fits,
    whole,
    whole_after,
)
from tracker.providers.vonage_business.wire import (
    Counts,
    Listed,
    Recording,
    parse_recordings,
)
from tracker.providers.wire import Garbled

LARGEST_PAGE: Final = 200
MOST_PAGES: Final = 100_000
_MOST_LOOKS: Final = 8
_OVERLAP: Final = 10


class Item(NamedTuple):
    """A recording, and its place in the order."""

    mark: Mark
    media: MediaSnapshot


class ShelfReader:
    """Reads one shelf on from a mark, as far as is wanted.

    Attributes:
        items: What was read and not yet taken, in order.
        has_ended: There is nothing after them.

    Args:
        client: Of the account.
        shelf: Which.
        query: What is asked for.
        after: The mark of the last recording of which there is no need.
        wanted: How many there may be need of.
    """

    def __init__(
        self,
        client: VonageBusinessClient,
        shelf: Shelf,
        query: MediaQuery,
        after: Mark | None,
        wanted: int,
    ) -> None:
        self.items: deque[Item] = deque()
        self.has_ended = False
        self._client = client
        self._shelf = shelf
        self._query = query
        self._falls = query.order == "start:desc"
        self._passed = after
        self._edge = self._first_edge(after)
        self._size = min(LARGEST_PAGE, wanted + _OVERLAP)

    async def fill(self) -> None:
        """Read on until there is an item, or no more.

        Raises:
            ProviderError: As the client does; or the platform doesn't do as it says.
        """
        while not self.items and not self.has_ended:
            await self._step()

    async def _step(self) -> None:
        if self._is_past_the_end():
            self.has_ended = True
            return
        listed = await self._page(self._bounds(self._edge), 1)
        starts = self._starts(listed)
        if _is_last(listed, 1, self._size):
            self.has_ended = True
            self._take(listed.items)
            return
        if not starts:
            raise self._odd("a page of nothing that could be read")
        last = starts[-1]
        edge = last + SECOND if self._falls else last
        if self._edge is None or (
            edge < self._edge if self._falls else edge > self._edge
        ):
            self._edge = edge
            self._take(item for item in listed.items if whole(item.start) != last)
        else:
            await self._crowded_second(self._edge)

    async def _crowded_second(self, edge: datetime) -> None:
        """Read what a page from *edge* on does not get beyond, and get beyond it."""
        beyond = edge - 2 * SECOND if self._falls else edge + SECOND
        low, high = sorted((edge, beyond))
        within = self._bounds(None) | bounds(
            _later(low, self._query.from_at), _earlier(high, self._query.to_at)
        )
        looks = [await self._all(within)]
        while len(looks) < 2 or looks[-1].keys() != looks[-2].keys():  # noqa: PLR2004
            if len(looks) == _MOST_LOOKS:
                raise self._odd("pages that change all the time")
            looks.append(await self._all(within))
        self._edge = beyond
        found = looks[-1].values()
        self._take(it for it in found if self._falls or it.start < beyond)

    async def _all(self, within: Filters) -> dict[str, Recording]:
        """Whatever all pages show, by id."""
        found: dict[str, Recording] = {}
        for number in range(1, MOST_PAGES):
            listed = await self._page(within, number)
            found |= {item.id: item for item in listed.items}
            if _is_last(listed, number, self._size):
                return found
        raise self._odd("pages without end")

    async def _page(self, within: Filters, number: int) -> Listed:
        direction = "DESC" if self._falls else "ASC"
        how: Filters = {
            "order": f"start:{direction}",
            "page": number,
            "page_size": self._size,
        }
        asked = filters(self._query, self._shelf) | within | how
        path = self._shelf.path
        try:
            body = await self._client.get(path, "recordings", asked)
        except NotFoundError as error:
            if self._shelf.user is None:
                raise self._odd("there is no such account") from error
            self._client.note("user unknown", self._shelf.user)
            return Listed([], [], Counts(total_pages=0))
        listed = parse_recordings(body)
        if isinstance(listed, Garbled):
            raise self._odd(listed.shape)
        for garbled in listed.garbled:
            self._client.note("recording unreadable", garbled.shape)
        return listed

    def _take(self, recordings: Iterable[Recording]) -> None:
        """Put what is new, and fits, into order, each once."""
        settings = self._client.settings
        by_mark = {self._mark(it): it for it in recordings if fits(self._query, it)}
        for mark in sorted(by_mark, reverse=self._falls):
            if self._passed is None or (
                mark < self._passed if self._falls else mark > self._passed
            ):
                shown = media(by_mark[mark], self._shelf, settings)
                self.items.append(Item(mark, shown))
                self._passed = mark

    def _starts(self, listed: Listed) -> list[datetime]:
        """To the second, in the order asked for.

        Raises:
            ProviderUnavailableError: They are not, or beyond the bound: all that
                follows would be wrong.
        """
        starts = [whole(item.start) for item in listed.items]
        if starts != sorted(starts, reverse=self._falls):
            raise self._odd("recordings in another order")
        edge = self._edge
        if edge and starts and (starts[0] > edge if self._falls else starts[0] < edge):
            raise self._odd("recordings beyond the start asked for")
        return starts

    def _is_past_the_end(self) -> bool:
        """Nothing can lie between the bound and the query's other end."""
        from_at, to_at, edge = self._query.from_at, self._query.to_at, self._edge
        if edge is None:
            return False
        if self._falls:
            return from_at is not None and edge < whole(from_at)
        return to_at is not None and edge > to_at

    def _first_edge(self, after: Mark | None) -> datetime | None:
        query = self._query
        if self._falls:
            edge = after and after.start + SECOND
            return _earlier(edge, query.to_at and whole_after(query.to_at))
        return _later(after and after.start, query.from_at and whole(query.from_at))

    def _bounds(self, edge: datetime | None) -> Filters:
        if self._falls:
            return bounds(self._query.from_at, _earlier(edge, self._query.to_at))
        return bounds(_later(edge, self._query.from_at), self._query.to_at)

    def _mark(self, recording: Recording) -> Mark:
        number = (
            recording.id.rjust(20, "0") if recording.id.isdecimal() else recording.id
        )
        return Mark(whole(recording.start), self._shelf.named(number))

    def _odd(self, words: str) -> ProviderUnavailableError:
        return ProviderUnavailableError(
            f"{self._client.settings.account}: recordings: {words}"
        )


def _is_last(listed: Listed, number: int, asked: int) -> bool:
    """It is the last page; where that isn't told, one that is not full."""
    counts = listed.counts
    got = len(listed.items) + len(listed.garbled)
    if counts.total_pages is not None:
        return number >= counts.total_pages or not got
    return got < (counts.page_size or asked)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
