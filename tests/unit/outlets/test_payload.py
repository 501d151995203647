"""What all outlets share."""

import json

import pytest

from tracker.outlets.auth import is_loopback
from tracker.outlets.payload import Problem, ProblemError, join_items


def test_a_page_is_joined_not_parsed() -> None:
    """Items stay the very bytes that they are, whatever follows them."""
    page = join_items([b'{"a": 1}', b'{"b":2.0}'], live=True, next=None)
    assert page == b'{"items":[{"a": 1},{"b":2.0}],"live":true,"next":null}'
    assert json.loads(join_items([], next="/v1/calls?a=\u00fc")) == {
        "items": [],
        "next": "/v1/calls?a=\u00fc",
    }


def test_a_problem_says_what_its_status_says() -> None:
    """Without a type of its own a problem is titled by its status."""
    assert ProblemError(404, "no such call").problem == Problem(
        type="about:blank", title="Not Found", status=404, detail="no such call"
    )
    assert str(ProblemError(503)) == "Service Unavailable"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("LocalHost", True),
        ("0.0.0.0", False),  # noqa: S104 it is refused
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    """Only addresses of loopback, and its name, are loopback."""
    assert is_loopback(host) is expected
