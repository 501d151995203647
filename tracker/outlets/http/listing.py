"""One listing over many accounts: merged in its order, each account's place kept.

Accounts give pages of their own; a page of ours takes from each as far as it gets. What
is left of an account's page is read again for the next one, so the cursor holds where
that page begins and the start of what was taken last: by it, and not by a count, what
was there is known again when recordings have come or gone meanwhile. It is sealed, for
what was taken last may be hidden from who asks.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple

from tracker.domain.archive import Archive, MediaQuery, MediaSnapshot
from tracker.domain.base import Instant, Model
from tracker.outlets.http.archives import answered
from tracker.outlets.payload import ProblemError
from tracker.outlets.seal import Seal

MAX_READS: Final = 20
"""Of an account, for one answer: where little is visible, it is answered in parts."""

CURSOR: Final = r"^[0-9a-f]{8}\.[0-9A-Za-z_.-]{1,16000}$"
_GONE: Final = "after: no place of this listing: begin again without it"
_UNDATED: Final = datetime.min.replace(tzinfo=UTC)


class Place(Model):
    """How far a listing has come in one account.

    Attributes:
        after: Where the account's page begins that is read next.
        last: The start of what was taken of it last; None = nothing was.
        same: Digests of the keys of what was taken with that start.
    """

    after: str | None = None
    last: Instant | None = None
    same: tuple[str, ...] = ()


class _Cursor(Model):
    accounts: dict[str, Place]


class Part(NamedTuple):
    """A page of the listing.

    Attributes:
        after: For the next one; None = this was the last.
        problems: Of accounts that could not be asked to the end.
    """

    items: Sequence[MediaSnapshot]
    after: str | None
    problems: Mapping[str, ProblemError]


class Reader:
    """One account's part of a listing.

    Args:
        archive: Of the account.
        query: What is listed.
        limit: Of a page.
        place: Where to begin.

    Attributes:
        items: Read and not taken yet, in order.
        problem: Why it could not be read on.
    """

    def __init__(
        self, archive: Archive, query: MediaQuery, limit: int, place: Place
    ) -> None:
        self.key = archive.key
        self.items: deque[MediaSnapshot] = deque()
        self.problem: ProblemError | None = None
        self._archive, self._query, self._limit = archive, query, limit
        self._begun = self._place = place
        self._following = place.after
        self._ended = False
        self._reads = 0

    @property
    def paused(self) -> bool:
        """It was read often enough for one answer, and has more."""
        return not (self.items or self._ended or self.problem) and (
            self._reads >= MAX_READS
        )

    @property
    def head(self) -> datetime:
        """The start of the first item."""
        return self.items[0].started_at or _UNDATED

    @property
    def place(self) -> Place | None:
        """Where the listing goes on; None = it has come to the end here."""
        if self.items or self.problem:
            return self._place
        if self._ended:
            return None
        return self._place.but(after=self._following)

    async def fill(self) -> None:
        """Read until there is an item, or no more."""
        while not (self.items or self._ended or self.problem or self.paused):
            try:
                await self._read()
            except ProblemError as error:
                self.problem = error

    async def _read(self) -> None:
        self._place = self._place.but(after=self._following)
        try:
            async with answered():
                page = await self._archive.recordings(
                    self._query, self._limit, self._following
                )
        except ValueError as error:
            if self._following is None:
                raise
            raise ProblemError(410, _GONE) from error
        self._reads += 1
        self.items.extend(item for item in page.items if self._is_new(item))
        self._following = page.after
        self._ended = page.after is None

    def take(self) -> MediaSnapshot:
        """The first item, which is now behind the listing's place."""
        item, place = self.items.popleft(), self._place
        start, digest = item.started_at, _digest(item.key)
        if (
            start is None
            or (place.last and self._precedes(start, place.last))
            or start == place.last
        ):
            self._place = place.but(same=(*place.same, digest))
        else:
            self._place = place.but(last=start, same=(digest,))
        return item

    def _is_new(self, item: MediaSnapshot) -> bool:
        """It was not taken for an earlier answer, nor has it come too late for one."""
        last, start = self._begun.last, item.started_at
        if last is None or start is None or start == last:
            return _digest(item.key) not in self._begun.same
        return not self._precedes(start, last)

    def _precedes(self, start: datetime, other: datetime) -> bool:
        ascending = self._query.order == "start:asc"
        return start < other if ascending else start > other


class Listing:
    """What is asked for of several archives.

    Args:
        archives: Of the accounts, as far as they are visible.
        query: What is asked for.
        after: A cursor of the same listing; None = from its beginning.
        seal: Of cursors.

    Raises:
        ProblemError: 410, the cursor is none of this listing.
    """

    def __init__(
        self,
        archives: Sequence[Archive],
        query: MediaQuery,
        after: str | None,
        seal: Seal,
    ) -> None:
        self._query = query
        self._seal = seal
        self._name = sha256(query.model_dump_json().encode()).hexdigest()[:8]
        if after is None:
            places = {archive.key: Place() for archive in archives}
        else:
            places = self._places(after)
        self._parts = [(a, places[a.key]) for a in archives if a.key in places]

    async def page(self, limit: int, shown: Callable[[MediaSnapshot], bool]) -> Part:
        """At most *limit* recordings for which *shown* holds.

        Raises:
            ProblemError: No account had an answer.
        """
        readers = [Reader(a, self._query, limit, place) for a, place in self._parts]
        found: list[MediaSnapshot] = []
        choose = min if self._query.order == "start:asc" else max
        while len(found) < limit:
            if not all(reader.items for reader in readers):
                await asyncio.gather(*(reader.fill() for reader in readers))
            ready = [reader for reader in readers if reader.items]
            if not ready or any(reader.paused for reader in readers):
                break
            item = choose(ready, key=lambda reader: reader.head).take()
            if shown(item):
                found.append(item)
        problems = {r.key: r.problem for r in readers if r.problem}
        for problem in problems.values():
            if problem.problem.status == 410:  # noqa: PLR2004 its cursor is forged
                raise problem
        return Part(found, self._after(readers), problems)

    def _after(self, readers: Sequence[Reader]) -> str | None:
        """Where to go on; not at all when only those are left that failed."""
        places = {r.key: place for r in readers if (place := r.place) is not None}
        if all(reader.problem for reader in readers if reader.key in places):
            return None
        text = _Cursor(accounts=places).model_dump_json(exclude_defaults=True)
        return f"{self._name}.{self._seal.close(text)}"

    def _places(self, after: str) -> dict[str, Place]:
        name, _, text = after.partition(".")
        if name != self._name:
            raise ProblemError(410, _GONE)
        try:
            return _Cursor.model_validate_json(self._seal.open(text)).accounts
        except ValueError as error:
            raise ProblemError(410, _GONE) from error


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:12]
