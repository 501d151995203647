"""What all providers read and say alike."""

import pytest

from tracker.providers.normalise import shown_number
from tracker.providers.settings import NumberDisplay
from tracker.providers.wire import outline, parse_object


@pytest.mark.parametrize(
    ("number", "display", "shown"),
    [
        ("02072068888", "full", "02072068888"),
        ("02072068888", "last4", "…8888"),
        ("15001", "last4", "…01"),
        ("7", "last4", "…"),
        ("02072068888", "none", None),
        ("", "full", None),
        (None, "last4", None),
    ],
)
def test_of_a_number_no_more_than_wanted_is_shown(
    number: str | None, display: NumberDisplay, shown: str | None
) -> None:
    """Of a short one, at most half."""
    assert shown_number(number, display) == shown


def test_an_outline_opens_what_it_may() -> None:
    """So many levels, and nothing that is closed, at any level."""
    value = {"a": {"b": {"c": {"d": 1}}}, "x": [{"private": {"name": "y"}}]}
    assert outline(value) == "{a:{b:{c:dict}},x:[{private:dict}]}"
    assert outline(value, deepest=1) == "{a:dict,x:list}"
    closed = outline(value, deepest=9, closed={"private"})
    assert closed == "{a:{b:{c:{d:int}}},x:[{private:dict}]}"


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b'"a"', b"\xff"])
def test_what_is_no_object_is_an_empty_one(body: bytes) -> None:
    """Torn, of another kind, or no JSON at all."""
    assert parse_object(body) == {}
