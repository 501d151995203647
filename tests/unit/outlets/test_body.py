"""Header fields of requests: how long to wait, and what is the same again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tracker.outlets.http.body import (
    MAX_WAIT_S,
    answer_headers,
    idempotency_key,
    preferred_wait_s,
)
from tracker.outlets.payload import ProblemError


@pytest.mark.parametrize(
    ("given_", "wait_s"),
    [
        (("wait=5",), 5),
        (("wait=0",), 0),
        (("WAIT = 05 ; x=1",), 5),
        (('wait="7"',), 7),
        (("respond-async, wait=10",), 10),
        (("respond-async", "wait=10"), 10),
        (('x="a,wait=1", wait=2',), 2),
        (("wait=31",), 30),
        (("wait=999999999999999999999999",), 30),
        (("wait=5, wait=9",), 5),
        ((), None),
        (("",), None),
        (("wait",), None),
        (("wait=",), None),
        (("wait=-1",), None),
        (("wait=1.5",), None),
        (("wait=soon, wait=9",), None),
        (('wait="7',), None),
        (("wait=" + "0" * 900 + "5",), 5),
        (('x="\\", wait=1", wait=2',), 2),
        (('x="not closed, wait=2',), None),
        (('x="\\",wait=2,\\',), None),
        (("wait=2, " + "x" * 1024,), None),
        (("wait=2", *("x" * 30,) * 40), None),
        (("waiting=5",), None),
        (("x; wait=5",), None),
    ],
)
def test_the_first_wait_counts(given_: tuple[str, ...], wait_s: int | None) -> None:
    """More than is given is cut down, and what cannot be read is ignored."""
    headers = CIMultiDict([("prefer", one) for one in given_])
    assert preferred_wait_s(headers) == wait_s


@given(st.text(max_size=40))
def test_any_preference_is_survived(text: str) -> None:
    """Whatever it is, it is a wait in bounds, or none."""
    wait_s = preferred_wait_s(CIMultiDict(Prefer=text))
    assert wait_s is None or 0 <= wait_s <= MAX_WAIT_S


def test_a_key_is_given_once() -> None:
    """Two of them are not the same again."""
    assert idempotency_key(CIMultiDict()) is None
    assert idempotency_key(CIMultiDict([("idempotency-key", "k~!")])) == "k~!"
    with pytest.raises(ProblemError, match="Idempotency-Key: once"):
        idempotency_key(
            CIMultiDict([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
        )


def test_only_a_wait_that_was_kept_to_is_told() -> None:
    """A client knows from it that its wish was understood."""
    assert answer_headers("/x") == {"Location": "/x"}
    assert answer_headers("/x", 0)["Preference-Applied"] == "wait=0"
