"""What a request asks for: filters, order and page, as the documents name them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from tracker.simulators.vonage_business.model import DIRECTIONS, Recording

PAGE_SIZE = 10

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d{4})")
_SORTED_BY = {
    "id": "id",
    "call_direction": "call_direction",
    "call_id": "call_id",
    "caller_id": "caller_id",
    "cnam": "cnam",
    "dnis": "dnis",
    "duration": "duration_ms",
    "start": "start_s",
    "end": "end_s",
    "file_name": "file_name",
    "file_size_in_bytes": "size_bytes",
}


class Filter(NamedTuple):
    """Which recordings are wanted; None: whatever it is."""

    start_from_s: float | None = None
    start_to_s: float | None = None
    duration_from_ms: int | None = None
    duration_to_ms: int | None = None
    extension: str | None = None
    texts: tuple[tuple[str, str], ...] = ()

    @property
    def asks_only_for_start(self) -> bool:
        """Whether nothing but the start matters."""
        return self[2:] == (None, None, None, ())

    def fits(self, recording: Recording) -> bool:
        """Whether a recording is one of the wanted."""
        return (
            _lies_within(recording.start_s, self.start_from_s, self.start_to_s)
            and _lies_within(
                recording.duration_ms, self.duration_from_ms, self.duration_to_ms
            )
            and (self.extension is None or self.extension in recording.extensions)
            and all(getattr(recording, name) == text for name, text in self.texts)
        )


class Order(NamedTuple):
    """By which field; recordings alike in it are ordered by id."""

    field: str = "start_s"
    falls: bool = True

    def sort(self, recordings: list[Recording]) -> None:
        """Bring them into this order."""
        recordings.sort(key=attrgetter(self.field, "id"), reverse=self.falls)


class Page(NamedTuple):
    """Which part of a list, counted from 1."""

    number: int = 1
    size: int = PAGE_SIZE

    def bounds(self, total: int) -> tuple[int, int]:
        """The indices of its first and after its last."""
        begin = min(total, (self.number - 1) * self.size)
        return begin, min(total, begin + self.size)


def parse_filter(asked: Mapping[str, Any]) -> Filter:
    """The filters of a query or an export's body; other keys don't matter.

    Raises:
        ValueError: One cannot be read.
    """
    named = ("call_direction", "call_id", "caller_id", "cnam", "dnis")
    texts = tuple((name, _text(asked[name])) for name in named if name in asked)
    direction = dict(texts).get("call_direction")
    if direction is not None and direction not in DIRECTIONS:
        raise ValueError(direction)
    return Filter(
        start_from_s=_date(asked.get("start:gte")),
        start_to_s=_date(asked.get("start:lte")),
        duration_from_ms=_number(asked.get("duration:gte")),
        duration_to_ms=_number(asked.get("duration:lte")),
        extension=_text(asked["extension"]) if "extension" in asked else None,
        texts=texts,
    )


def parse_order(asked: Mapping[str, str]) -> Order:
    """The `order` of a query: `start:DESC`, or any field and direction.

    Raises:
        ValueError: There is no such field or direction.
    """
    name, _, direction = asked.get("order", "start:DESC").partition(":")
    if name not in _SORTED_BY or direction.upper() not in ("", "ASC", "DESC"):
        raise ValueError(asked["order"])
    return Order(_SORTED_BY[name], direction.upper() == "DESC")


def parse_page(asked: Mapping[str, str], most: int | None) -> Page:
    """The page of a query; the page 0 is the page 1.

    Args:
        asked: The query.
        most: The most that a page may hold.

    Raises:
        ValueError: It is no number, or there can be no such page.
    """
    number, size = int(asked.get("page", 1)), int(asked.get("page_size", PAGE_SIZE))
    if number < 0 or size < 1:
        raise ValueError("there is no such page")
    return Page(max(1, number), size if most is None else min(size, most))


def to_date(at_s: float) -> str:
    """As the documents write it: `2019-01-01T00:00:00+0000`."""
    return f"{datetime.fromtimestamp(int(at_s), UTC).isoformat()[:-6]}+0000"


def _date(value: object) -> float | None:
    """Only as documented: a `+` that was not encoded is a space, and so no date."""
    if value is None:
        return None
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError(value)
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z").timestamp()


def _number(value: object) -> int | None:
    return None if value is None else int(_text(value))


def _text(value: object) -> str:
    """As text, also what came as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        message = f"neither text nor number: {value}"
        raise ValueError(message)  # noqa: TRY004 it is what was sent
    return str(value)


def _lies_within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
