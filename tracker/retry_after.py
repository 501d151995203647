"""The Retry-After field of HTTP, whoever sent it."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite


def parse_retry_after(text: str | None, now_s: float) -> float | None:
    """The seconds that a Retry-After field asks for; None = it asks for none.

    Args:
        text: Seconds or a date (RFC 9110, 10.2.3), which is UTC when it doesn't say.
        now_s: To count from, in seconds since 1970.
    """
    if text is None:
        return None
    try:
        if text.strip().isascii() and text.strip().isdigit():
            seconds = float(text)
        else:
            at = parsedate_to_datetime(text)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
            seconds = at.timestamp() - now_s
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if isfinite(seconds) else None
