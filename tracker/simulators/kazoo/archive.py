"""Stored recordings: by id, and in listings that page through months."""

import base64
import json
import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from typing import NamedTuple

from tracker.simulators.kazoo.model import Document

Key = tuple[str, float, str]
"""Of a document in a listing: month, when it was saved, id."""

Wanted = Callable[[Document], bool]

_LAST_S = 253_402_300_799.0


def month_of(unix_s: float) -> str:
    """`YYYYMM` of an instant, in UTC; from 1970 to 9999."""
    within = min(max(unix_s, 0.0), _LAST_S)
    return datetime.fromtimestamp(within, UTC).strftime("%Y%m")


class Range(NamedTuple):
    """Which documents a listing goes through, and which way.

    Attributes:
        from_s: Of the earliest save, Unix seconds.
        to_s: Of the latest, this second included.
    """

    from_s: float
    to_s: float
    ascending: bool = False

    def months(self) -> list[str]:
        """The months that it touches, in the listing's order."""
        months = [month_of(self.from_s)]
        while months[-1] < month_of(self.to_s):
            year, month = int(months[-1][:4]), int(months[-1][4:])
            years, before = divmod(month, 12)
            months.append(f"{year + years:04}{before + 1:02}")
        return months if self.ascending else months[::-1]


class Page(NamedTuple):
    """A part of a listing; `next` is where the next one begins, None = no more."""

    documents: list[Document]
    next: Key | None


class Archive:
    """All documents, a list per month in order of being saved.

    Attributes:
        by_id: All of them.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Document] = {}
        self._months: dict[str, list[Document]] = {}

    def add(self, document: Document) -> None:
        """Save one.

        Raises:
            ValueError: There is one with its id.
        """
        if document.id in self.by_id:
            message = f"there is a recording {document.id}"
            raise ValueError(message)
        self.by_id[document.id] = document
        insort(self._months.setdefault(document.month, []), document, key=_key)

    def delete(self, document: Document) -> None:
        """Forget one."""
        del self.by_id[document.id]
        month = self._months[document.month]
        del month[bisect_left(month, _key(document), key=_key)]

    def page(
        self, range_: Range, wanted: Wanted, start: Key | None, size: int | None
    ) -> Page:
        """List what is *wanted* in a range.

        Args:
            range_: Of the saves.
            wanted: Whether a document is listed.
            start: Where the last page said that this one begins; None: at the start.
            size: How many at most; None: all.
        """
        found = filter(wanted, self._walk(range_, start))
        if size is None:
            return Page(list(found), None)
        listed = list(islice(found, size))
        follower = next(found, None) if len(listed) == size else None
        return Page(listed, _key(follower) if follower else None)

    def _walk(self, range_: Range, start: Key | None) -> Iterator[Document]:
        return chain.from_iterable(
            self._walk_month(month, range_, start) for month in range_.months()
        )

    def _walk_month(
        self, month: str, range_: Range, start: Key | None
    ) -> Iterator[Document]:
        first: Key = (month, math.floor(range_.from_s), "")
        last: Key = (month, math.floor(range_.to_s) + 1, "")
        if start and range_.ascending:
            first = max(first, start)
        documents = self._months.get(month, [])
        low = bisect_left(documents, first, key=_key)
        high = bisect_left(documents, last, key=_key)
        if start and not range_.ascending:
            high = min(high, bisect_right(documents, start, key=_key))
        order = range(low, high) if range_.ascending else range(high - 1, low - 1, -1)
        return (documents[index] for index in order)


def _key(document: Document) -> Key:
    return document.month, document.saved_at_s, document.id


def write_key(key: Key) -> str:
    """A key as clients see it; they are not to look inside."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def parse_key(text: str) -> Key:
    """The key that was written as *text*.

    Raises:
        ValueError: None was.
    """
    padded = text + "=" * (-len(text) % 4)
    match json.loads(base64.urlsafe_b64decode(padded)):
        case [str(month), int() | float() as saved_at_s, str(document_id)]:
            return month, saved_at_s, document_id
        case _:
            raise ValueError("not a key")
