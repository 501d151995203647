"""Where a listing goes on: a mark as text, for whoever asks for the next page."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import NamedTuple

from tracker.domain.archive import Order


class Mark(NamedTuple):
    """A recording's place in the order, over all shelves.

    Attributes:
        start: To the second, in UTC.
        name: Of shelf and id, such that those of one shelf are in order of their ids.
    """

    start: datetime
    name: str


def write_cursor(mark: Mark, order: Order) -> str:
    """The text that stands for what comes after *mark*."""
    told = json.dumps([order, mark.start.isoformat(), mark.name])
    return urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read_cursor(text: str, order: Order) -> Mark:
    """What `write_cursor` made into text.

    Raises:
        ValueError: It did not, or in another order.
    """
    try:
        told = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        written_in, start, name = told
        mark = Mark(datetime.fromisoformat(start), str(name))
    except (ValueError, TypeError) as error:
        raise ValueError("not where a page ended") from error
    if written_in != order or mark.start.tzinfo is None:
        raise ValueError("of a listing in another order")
    return mark
