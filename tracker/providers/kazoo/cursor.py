"""Where a listing goes on: a mark as text, for whoever asks for the next page."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import NamedTuple

from tracker.domain.archive import Order


class Mark(NamedTuple):
    """A recording's place in the order: by start, and those of one second by id."""

    start: datetime
    id: str


class Cursor(NamedTuple):
    """After which recording to go on, and how wide a range was read at once."""

    mark: Mark
    span_s: int


def write_cursor(cursor: Cursor, order: Order) -> str:
    """The text that stands for *cursor*."""
    mark = cursor.mark
    told = json.dumps([order, mark.start.isoformat(), mark.id, cursor.span_s])
    return urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read_cursor(text: str, order: Order) -> Cursor:
    """What `write_cursor` made into text.

    Raises:
        ValueError: It did not, or in another order.
    """
    try:
        told = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        written_in, start, id_, span_s = told
        mark = Mark(datetime.fromisoformat(start), str(id_))
        cursor = Cursor(mark, max(1, int(span_s)))
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError("not where a page ended") from error
    if written_in != order or mark.start.tzinfo is None:
        raise ValueError("of a listing in another order")
    return cursor
