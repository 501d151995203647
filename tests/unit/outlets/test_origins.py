"""Which pages may ask."""

import pytest
from pydantic import ValidationError

from tracker.outlets.origins import is_welcome
from tracker.outlets.payload import ServerSettings

DESK = "https://desk.example"


@pytest.mark.parametrize(
    ("origin", "host", "welcome"),
    [
        (DESK, "tracker.example", True),
        ("HTTPS://DESK.example", "tracker.example", True),
        ("https://tracker.example", "tracker.example", True),
        ("https://tracker.example", "TRACKER.example", True),
        ("http://tracker.example:8080", "tracker.example:8080", True),
        ("http://tracker.example:8081", "tracker.example:8080", False),
        ("http://desk.example", "tracker.example", False),
        ("https://desk.example:444", "tracker.example", False),
        ("https://desk.example.evil", "tracker.example", False),
        ("https://evil.example/https://desk.example", "tracker.example", False),
        ("http://localhost:3000", "tracker.example", False),
        ("http://127.0.0.1", "127.0.0.1:8080", False),
        ("null", "tracker.example", False),
        ("", "", False),
        ("https://[", "tracker.example", False),
    ],
)
def test_a_page_of_ours_or_of_the_list_may_ask(
    origin: str, host: str, welcome: bool
) -> None:
    """By the whole of its origin, port and scheme included."""
    settings = ServerSettings(allowed_origins=(f"{DESK}/",))
    allowed = settings.allowed_origins
    assert is_welcome(origin, host, allowed, local=False) is welcome


def test_without_authentication_pages_of_this_machine_may() -> None:
    """And those of the list; no others, whatever Host they say."""
    for origin, welcome in {
        "http://localhost:3000": True,
        "http://[::1]": True,
        DESK: True,
        "https://other.example": False,
        "null": False,
    }.items():
        assert is_welcome(origin, "other.example", {DESK}, local=True) is welcome


@pytest.mark.parametrize(
    "wrong",
    ["*", "null", "desk.example", "https://", "https://desk.example/app", "ftp://a"],
)
def test_an_origin_is_written_in_full(wrong: str) -> None:
    """Never a star: which pages may ask is somebody's decision."""
    with pytest.raises(ValidationError, match="origin"):
        ServerSettings(allowed_origins=(wrong,))
