"""What a Retry-After field asks for."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.retry_after import parse_retry_after

NOW_S = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        (format_datetime(datetime.fromtimestamp(NOW_S + 90, UTC), usegmt=True), 90),
        (format_datetime(datetime.fromtimestamp(NOW_S - 90, UTC), usegmt=True), 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\uff19", None),
        ("9" * 400, None),
        ("", None),
        ("Mon, 05 Jan 2026 09:00:30 -0000", 30),
        ("Mon, 1 Jan 2024 00:00:00 +999999999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(
    text: str | None, seconds: float | None
) -> None:
    """What is neither asks for nothing."""
    assert parse_retry_after(text, NOW_S) == seconds


@given(st.text())
def test_no_retry_after_breaks_it(text: str) -> None:
    """Whatever a server answers."""
    asked = parse_retry_after(text, NOW_S)
    assert asked is None or asked >= 0
