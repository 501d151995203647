"""Addresses of servers, and how long to wait for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.client import Tracker
from tracker.client.stream import AT_ONCE, LONGEST_PAUSE_S, SPARING, pause_s
from tracker.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "stream"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/stream"),
        ("https://tracker.example/", "wss://tracker.example/v1/stream"),
        ("https://host/behind/proxy", "wss://host/behind/proxy/v1/stream"),
        ("http://[::1]:1", "ws://[::1]:1/v1/stream"),
    ],
)
def test_the_stream_is_found(url: str, stream: str) -> None:
    """The stream's address is made of the server's."""
    assert Tracker(url).url == stream


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:8080",
        "ftp://host",
        "http://",
        "http://h:x",
        "http://[",
        "http://u:p@h",
    ],
)
def test_a_bad_address_is_one_sentence(url: str) -> None:
    """What is no address is said to be none, without repeating it."""
    with pytest.raises(ConfigError, match="write http://host:port"):
        Tracker(url)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_up_to_a_ceiling(failures: int, luck: float) -> None:
    """Each pause is longer than the one before could be short, and none too long."""
    pause = pause_s(failures, luck)
    assert 0 < pause <= LONGEST_PAUSE_S
    assert pause_s(failures, 0) <= pause <= pause_s(failures + 1, luck)


@pytest.mark.parametrize("code", sorted({*SPARING, *AT_ONCE, 0, 1006, 4002}))
@pytest.mark.parametrize("luck", [0.0, 0.999])
def test_a_code_says_how_long_to_stay_away(code: int, luck: float) -> None:
    """At first; a server that says it again is left alone longer."""
    first, second = pause_s(1, luck, code), pause_s(2, luck, code)
    assert first < second <= LONGEST_PAUSE_S
    assert (first == 0) is (code in AT_ONCE)
    if code in SPARING:
        assert first > pause_s(1, luck)
