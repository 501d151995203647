"""What platforms say is told in plain words, under plain names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
    RangeError,
)
from tracker.outlets.http.archives import MAX_WORDS, plain_words, problem_from
from tracker.outlets.http.download import safe_name


@pytest.mark.parametrize(
    "leak",
    [
        "https://jdoe:hidden@host/path?x=hidden",
        "Bearer hidden.token",
        "access_token=hidden",
        'refresh_token": "hidden"',
        "api_key: hidden",
        "X-Auth-Token: hidden",
        "client_secret=hidden&more",
        "eyJhidden.eyJhidden.hidden",
        "token: hidden or",
    ],
)
def test_no_secret_is_told(leak: str) -> None:
    """What could be a credential or an address is left out; the rest stays."""
    words = plain_words(ProviderLockedError(f"status 401 after {leak} twice"))
    assert "hidden" not in words.replace("(hidden)", "")
    assert words.startswith("status 401 after (hidden)")


@pytest.mark.parametrize(
    "words",
    [
        "acme: the token: Name or service not known",
        "acme: the token: status 503",
        "acme: the token: busy, later",
        "the token was not taken",
    ],
)
def test_plain_text_is_told(words: str) -> None:
    """What became of a token is no secret."""
    assert plain_words(ProviderUnavailableError(words)) == words


@pytest.mark.parametrize(
    "value",
    ["f00ba4", "ab" * 16, "abcdefghijklmnopq is old", "QWxhZGRpbg is old", "hunter"],
)
def test_a_tokens_value_is_not_told(value: str) -> None:
    """Neither where tracker would have said what became of it."""
    words = plain_words(ProviderUnavailableError(f"acme: the token: {value}"))
    assert value.split()[0] not in words
    assert words.startswith("acme: the (hidden)")


def test_words_are_few_and_never_none() -> None:
    """A whole page of HTML is no reason."""
    assert len(plain_words(ProviderLockedError("x" * 10_000))) == MAX_WORDS
    assert plain_words(ProviderLockedError("")) == "no reason was given"


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (NotFoundError("x"), 404, {}),
        (CommandRefusedError("x"), 409, {}),
        (ProviderLockedError("x"), 502, {}),
        (ProviderUnavailableError("x"), 502, {}),
        (ProviderUnavailableError("x", 0.2), 502, {"Retry-After": "1"}),
        (RangeError(10), 416, {"Content-Range": "bytes */10"}),
        (RangeError(), 416, {}),
    ],
)
def test_each_error_has_its_status(
    error: ProviderError, status: int, headers: dict[str, str]
) -> None:
    """Who acts can be told from it."""
    problem = problem_from(error)
    assert (problem.problem.status, problem.headers) == (status, headers)


def test_an_error_out_of_lateness_is_a_gateways() -> None:
    """The platform was too slow: 504; it may have done what was asked."""
    error = ProviderUnavailableError("slow")
    error.__cause__ = TimeoutError()
    problem = problem_from(error, changes=True)
    assert problem.problem.status == 504
    assert "may have been done" in str(problem)
    surely_not = ProviderUnavailableError("busy", taken=False)
    assert str(problem_from(surely_not, changes=True)) == "busy"


@given(st.text())
def test_any_name_is_safe(name: str) -> None:
    """For a header and for a directory: nothing hidden, no way out of it."""
    safe = safe_name(name)
    assert len(safe) <= 100
    assert not safe or (safe[0].isalnum() and safe.isascii())
    assert not set(safe) & set('/\\"\r\n:;')
