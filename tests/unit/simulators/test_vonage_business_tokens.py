"""Who gets tokens of an account, and how long they are good for."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tracker.simulators.vonage_business import VonageBusinessOptions
from tracker.simulators.vonage_business.tokens import Tokens

CAPTURE = Path(__file__).parents[2] / "captures" / "vonage_business" / "token.json"
CLIENT = {"client_id": "tracker", "client_secret": "opensesame"}
PASSWORD = {
    **CLIENT,
    "grant_type": "password",
    "scope": "openid",
    "username": "jdoe@vbc.prod",
    "password": "opensesame",
}
BASIC = aiohttp.encode_basic_auth("tracker", "opensesame")
CALLBACK = "https://tracker.example/callback"
DAY_S = 86_400


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
    return Tokens(VonageBusinessOptions(), clock)


def given(tokens: Tokens, form: dict[str, Any], basic: str | None = None) -> Any:
    status, body = tokens.ask(basic, form)
    assert status == 200
    return body


def refresh(token: str) -> dict[str, Any]:
    return {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}


def with_code(code: str, redirect_uri: str = CALLBACK) -> dict[str, Any]:
    grant_type = "authorization_code"
    return {"grant_type": grant_type, "code": code, "redirect_uri": redirect_uri}


def test_an_answer_is_the_documents(clock: Clock) -> None:
    """The same keys and kinds, and the lifetime that is to be told."""
    tokens = Tokens(VonageBusinessOptions(told_expires_in=82_566), clock)
    body, shown = given(tokens, PASSWORD), json.loads(CAPTURE.read_text())
    assert list(body) == list(shown)
    for key in ("scope", "token_type", "expires_in"):
        assert body[key] == shown[key]
    assert tokens.bearer(f"Bearer {body['access_token']}") == "745249"


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"username": "jdoe"}, 400, "invalid_grant"),
        ({"username": "asmith@vbc.prod"}, 400, "invalid_grant"),
        ({"password": "no"}, 400, "invalid_grant"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_secret": "no"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ({"grant_type": "authorization_code"}, 401, "invalid_client"),
    ],
)
def test_wrong_credentials_are_refused(
    tokens: Tokens, change: dict[str, str], status: int, error: str
) -> None:
    """With the reason; they count as requests as well."""
    assert tokens.ask(None, {**PASSWORD, **change}) == (status, {"error": error})
    assert tokens.requests == 1


def test_a_refresh_token_is_good_for_one_use(tokens: Tokens) -> None:
    """The new one is; the access tokens from before still are."""
    first = given(tokens, PASSWORD)
    second = given(tokens, refresh(first["refresh_token"]))
    used_up = tokens.ask(None, refresh(first["refresh_token"]))
    assert used_up == (400, {"error": "invalid_grant"})
    third = given(tokens, refresh(second["refresh_token"]))
    for body in (first, second, third):
        assert tokens.bearer(f"Bearer {body['access_token']}")
    assert tokens.refreshes == 2


def test_an_unknown_client_costs_no_refresh_token(tokens: Tokens) -> None:
    """It is good for the right one afterwards."""
    token = tokens.give_refresh_token()
    status, _ = tokens.ask(None, {**refresh(token), "client_secret": "no"})
    assert status == 401
    given(tokens, refresh(token))


def test_tokens_end_by_the_clock(tokens: Tokens, clock: Clock) -> None:
    """An access token after a day, a refresh token after seven."""
    body = given(tokens, PASSWORD)
    assert body["expires_in"] == DAY_S
    clock.now_s = DAY_S - 1
    assert tokens.bearer(f"Bearer {body['access_token']}")
    clock.now_s = DAY_S
    assert not tokens.bearer(f"Bearer {body['access_token']}")
    clock.now_s = 7 * DAY_S - 1
    young = given(tokens, refresh(body["refresh_token"]))["refresh_token"]
    clock.now_s = 14 * DAY_S
    assert tokens.ask(None, refresh(young))[0] == 400


def test_tokens_end_when_they_are_told_to(tokens: Tokens) -> None:
    """The access tokens, or the refresh tokens."""
    body = given(tokens, PASSWORD)
    tokens.expire()
    assert not tokens.bearer(f"Bearer {body['access_token']}")
    body = given(tokens, refresh(body["refresh_token"]))
    tokens.expire_refresh()
    assert tokens.bearer(f"Bearer {body['access_token']}")
    assert tokens.ask(None, refresh(body["refresh_token"]))[0] == 400


def test_a_code_is_good_once_and_for_a_while(tokens: Tokens, clock: Clock) -> None:
    """For the client by HTTP Basic, and for the address that it was given for."""
    code = tokens.give_code(CALLBACK)
    assert tokens.ask(None, {**with_code(code), **CLIENT})[0] == 401
    assert given(tokens, with_code(code), BASIC)["refresh_token"]
    assert tokens.ask(BASIC, with_code(code))[0] == 400
    elsewhere = with_code(tokens.give_code(CALLBACK), "https://other.example/")
    assert tokens.ask(BASIC, elsewhere)[0] == 400
    late = with_code(tokens.give_code(CALLBACK))
    clock.now_s = 600
    assert tokens.ask(BASIC, late)[0] == 400
