"""Positions and cursors: their texts, and how a reader moves on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.fanout.cursor import WHOLE, Cursor, Place, Position

numbers = st.integers(min_value=0, max_value=2**63)
places = st.builds(
    Place, numbers, numbers, st.one_of(st.just(WHOLE), st.integers(1, 999_999))
)
cursors = st.builds(
    Cursor, st.just("0f3a"), st.lists(places, min_size=1, max_size=20).map(tuple)
)


@given(cursors)
def test_cursor_is_what_its_text_says(cursor: Cursor) -> None:
    """A cursor survives being written and parsed."""
    assert Cursor.parse(str(cursor)) == cursor


@given(st.integers(0, 9999), places)
def test_position_is_what_its_text_says(partition: int, place: Place) -> None:
    """A position survives being written and parsed."""
    position = Position("0f3a", partition, place)
    assert Position.parse(str(position)) == position


def test_a_client_moves_on_by_replacing_text() -> None:
    """The documented way to move on is the same as `advance`."""
    cursor = "0f3a~5-0~7-0"
    event = "0f3a.1.8-0.2"
    epoch, *components = cursor.split("~")
    _, partition, place = event.split(".", 2)
    components[int(partition)] = place
    moved = Cursor.parse(cursor).advance(Position.parse(event))
    assert "~".join((epoch, *components)) == str(moved)


def test_part_of_an_entry_comes_before_all_of_it() -> None:
    """An entry's events are ordered, and the bare stream id covers them all."""
    first, second, whole = Place(5, 0, 1), Place(5, 0, 2), Place(5, 0)
    assert first < second < whole < Place(5, 1, 1)
    cursor = Cursor("e", (second,))
    assert cursor.covers(Position("e", 0, first))
    assert not cursor.covers(Position("e", 0, whole))


def test_advance_never_goes_back() -> None:
    """An event that was read already leaves the cursor where it is."""
    cursor = Cursor("e", (Place(5, 0), Place(9, 0)))
    assert cursor.advance(Position("e", 1, Place(8, 0))) == cursor


@pytest.mark.parametrize(
    "text",
    [
        *("", "e", "e~", "e~5", "e~5-0~", "e~5-0.", "e~-1-0", "e e~5-0", "~5-0"),
        *("e~\u0665-0", "e~5-0\n", "e~" + "9" * 21 + "-0"),
        *("e" * 65 + "~5-0", "e" + "~1-1" * 1025),
    ],
)
def test_anything_else_is_no_cursor(text: str) -> None:
    """Malformed and oversized texts are refused."""
    with pytest.raises(ValueError, match="not a cursor"):
        Cursor.parse(text)


@pytest.mark.parametrize("text", ["", "e.0", "e.x.5-0", "e.0.5-0.0x", "e.0.5"])
def test_anything_else_is_no_position(text: str) -> None:
    """Malformed positions are refused."""
    with pytest.raises(ValueError, match="not a position"):
        Position.parse(text)
