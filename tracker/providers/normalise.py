"""What all providers say in tracker's words alike."""

import re
from typing import Final

from tracker.domain.reading import Unreadable
from tracker.providers.settings import NumberDisplay
from tracker.providers.wire import Garbled

_NUMBER_LIKE: Final = re.compile(r"[+\d\s().-]+")


def unreadable(garbled: Garbled) -> Unreadable:
    """What could not be understood, as a value."""
    return Unreadable(what=garbled.kind, shape=garbled.shape)


def shown_number(number: str | None, display: NumberDisplay) -> str | None:
    """A number as outlets may show it: of four digits, never more than half."""
    if not number or display == "full":
        return number or None
    if display == "none":
        return None
    return "…" + number[-min(4, len(number) // 2) :] if len(number) > 1 else "…"


def shown_name(name: str | None, display: NumberDisplay) -> str | None:
    """A caller's name, which may be the number of one who has none."""
    is_number = name is not None and _NUMBER_LIKE.fullmatch(name)
    return shown_number(name, display) if is_number else name
