"""Who may ask a Kazoo server, where, and how often."""

import hashlib
from typing import Any

import pytest

from tests.unit.simulators.kazoo_scene import ACCOUNT
from tracker.simulators.kazoo import KazooOptions
from tracker.simulators.kazoo.bucket import Buckets
from tracker.simulators.kazoo.paths import Place, find_place
from tracker.simulators.kazoo.tokens import Tokens

KEY = {"api_key": "ab" * 32}
SECRET = b"tracker:opensesame"
MD5 = hashlib.md5(SECRET).hexdigest()  # noqa: S324 the platform's
SHA = hashlib.sha1(SECRET).hexdigest()  # noqa: S324 likewise


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(KazooOptions(username="Tracker", token_lives_s=60), clock)


@pytest.mark.parametrize(
    "data",
    [
        {"credentials": MD5, "account_name": "acme"},
        {"credentials": MD5, "account_realm": "acme.sip.example", "method": "md5"},
        {"credentials": SHA, "phone_number": "+15550100", "method": "sha"},
    ],
)
def test_credentials_are_hashed(tokens: Tokens, data: dict[str, Any]) -> None:
    """With either hash, in lower case, and with any name of the account."""
    answer, token = tokens.by_credentials(data)
    assert (answer.status, answer.data["account_id"]) == (201, ACCOUNT)
    assert tokens.admits(token)


@pytest.mark.parametrize(
    "data",
    [
        {"credentials": MD5},
        {"credentials": MD5, "account_name": "other"},
        {"credentials": SHA, "account_name": "acme"},
        {"credentials": MD5, "account_name": "acme", "method": "sha"},
        {"credentials": SECRET.decode(), "account_name": "acme"},
    ],
)
def test_wrong_credentials_are_refused(tokens: Tokens, data: dict[str, Any]) -> None:
    """All in the same words; they count as requests as well."""
    answer, token = tokens.by_credentials(data)
    assert (answer.status, answer.error, token) == (401, "invalid_credentials", None)
    assert tokens.requests == 1


def test_an_incomplete_login_names_what_is_missing(tokens: Tokens) -> None:
    """As every bad request does."""
    named = {"account_name": "acme"}
    other = {**named, "credentials": MD5, "method": "sha256"}
    for login, field in (
        (tokens.by_api_key({}), "api_key"),
        (tokens.by_credentials(named), "credentials"),
        (tokens.by_credentials(other), "method"),
    ):
        assert (login.answer.status, login.token) == (400, None)
        assert login.answer.data.keys() == {field}


def test_a_token_lives_as_long_as_it_may(clock: Clock, tokens: Tokens) -> None:
    """Each for itself; all of them can be ended, or one."""
    old = tokens.by_api_key(KEY).token
    clock.now_s = 30
    young = tokens.by_api_key(KEY).token
    clock.now_s = 59.9
    assert (tokens.admits(old), tokens.admits(young)) == (True, True)
    clock.now_s = 60
    assert (tokens.admits(old), tokens.admits(young)) == (False, True)
    tokens.expire()
    assert not tokens.admits(young)
    first, second = (tokens.by_api_key(KEY).token for _ in range(2))
    tokens.revoke(first or "")
    assert (tokens.admits(first), tokens.admits(second)) == (False, True)
    assert not any(tokens.admits(token) for token in (None, "", "worn-out"))


def test_an_unknown_key_is_refused(tokens: Tokens) -> None:
    answer, token = tokens.by_api_key({"api_key": "cd" * 32})
    assert (answer.status, token) == (401, None)


def test_a_bucket_empties_and_fills_again(clock: Clock) -> None:
    """Up to its size; one who was refused has nothing to pay."""
    buckets = Buckets(3, 10, clock)
    assert [buckets.take("a", "x") for _ in range(5)] == [2, 1, 0, None, None]
    clock.now_s = 0.09
    assert buckets.take("a", "x") is None
    clock.now_s = 0.11
    assert [buckets.take("a", "x") for _ in range(2)] == [0, None]
    clock.now_s = 100
    assert buckets.take("a", "x") == 2


def test_buckets_are_of_an_address_and_an_account(clock: Clock) -> None:
    buckets = Buckets(1, 0, clock)
    given = [buckets.take(*who) for who in (("a", "x"), ("b", "x"), ("a", "y"))]
    assert given == [0, 0, 0]
    assert buckets.take("b", "x") is None


def test_without_a_bucket_nothing_is_too_much(clock: Clock) -> None:
    buckets = Buckets(None, 0, clock)
    assert None not in {buckets.take("a", "x") for _ in range(1_000)}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v2/api_auth", Place("api_auth")),
        ("/v2/user_auth", Place("user_auth")),
        ("/v2/token_auth", Place("token_auth")),
        (f"/v2/accounts/{ACCOUNT}/recordings", Place("recordings")),
        (f"/v2/accounts/{ACCOUNT}/recordings/1", Place("recording", "1")),
        (
            f"/v2/accounts/{ACCOUNT}/users/jdoe/recordings",
            Place("recordings", user_id="jdoe"),
        ),
        (f"/v2/accounts/{ACCOUNT}/channels", Place("channels")),
        (f"/v2/accounts/{ACCOUNT}/channels/a%2Fb%40c", Place("channel", "a/b@c")),
        ("/v2/accounts/other/channels", Place("elsewhere", "other")),
        (f"/v2/accounts/{ACCOUNT}", None),
        (f"/v2/accounts/{ACCOUNT}/devices", None),
        (f"/v2/accounts/{ACCOUNT}/users/jdoe", None),
        (f"/v2/accounts/{ACCOUNT}/channels/a/b", None),
        (f"/v1/accounts/{ACCOUNT}/channels", None),
    ],
)
def test_paths_name_places(path: str, place: Place | None) -> None:
    """An id may contain anything, as long as it is written with percent signs."""
    assert find_place(path, ACCOUNT) == place
