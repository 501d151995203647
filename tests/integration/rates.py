"""How many requests arrived at once, as far as a busy machine lets one say."""

from bisect import bisect_left
from collections.abc import Sequence

LATE_S = 0.2
"""On a busy machine, from the moment that tracker begins a request."""


def peak_per_s(times_s: Sequence[float], late_s: float = LATE_S) -> int:
    """The most that came in any one second, less what one may be late by."""
    ends = (bisect_left(times_s, begin_s + 1 - late_s) for begin_s in times_s)
    return max((end - begin for begin, end in enumerate(ends)), default=0)
