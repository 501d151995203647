"""Who may ask a contact centre, where, and how often."""

from typing import Any

import aiohttp
import pytest

from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.journal import Journal, Limit
from tracker.simulators.method_faults import MethodFaultBoard
from tracker.simulators.vonage_cc import Request, VonageCcOptions
from tracker.simulators.vonage_cc.paths import Place, find_place
from tracker.simulators.vonage_cc.tokens import Tokens

ACCOUNT = "a1b2c3d4e5"
GUID = "94e5928c-7f7e-4645-ad72-61010f906449"
FORM = {
    "grant_type": "client_credentials",
    "client_id": "tracker",
    "client_secret": "opensesame",
}
GRANT = {"grant_type": "client_credentials"}
CUT = frozenset({FaultKind.CUT})


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def token_of(tokens: Tokens) -> str:
    _, body = tokens.ask(None, FORM)
    assert body
    return f"Bearer {body['access_token']}"


@pytest.mark.parametrize(
    ("authorization", "form"),
    [
        (None, FORM),
        (None, {**FORM, "scope": "any"}),
        ("Bearer worn-out", FORM),
        (aiohttp.encode_basic_auth("tracker", "opensesame"), GRANT),
    ],
)
def test_credentials_are_taken_from_form_or_header(
    clock: Clock, authorization: str | None, form: dict[str, Any]
) -> None:
    """And a token is given for them."""
    tokens = Tokens(VonageCcOptions(), clock)
    status, body = tokens.ask(authorization, form)
    assert status == 200
    assert body
    assert tokens.admit(f"Bearer {body.pop('access_token')}")
    assert body == {"expires_in": 7200, "token_type": "Bearer"}


@pytest.mark.parametrize(
    ("authorization", "form", "status", "error"),
    [
        (None, {}, 400, "invalid_request"),
        (None, {**FORM, "grant_type": "password"}, 400, "unsupported_grant_type"),
        (None, GRANT, 400, "invalid_client"),
        (None, {**FORM, "client_id": "other"}, 400, "invalid_client"),
        (None, {**FORM, "client_secret": ""}, 400, "invalid_client"),
        (aiohttp.encode_basic_auth("tracker", "no"), GRANT, 401, "invalid_client"),
        ("Basic ???", FORM, 401, "invalid_client"),
    ],
)
def test_wrong_credentials_are_refused(
    clock: Clock,
    authorization: str | None,
    form: dict[str, Any],
    status: int,
    error: str,
) -> None:
    """With the reason; they count as requests as well."""
    tokens = Tokens(VonageCcOptions(), clock)
    assert tokens.ask(authorization, form) == (status, {"error": error})
    assert tokens.requests == 1


def test_a_token_lives_as_long_as_was_said(clock: Clock) -> None:
    """Then it is worth nothing; younger ones still are."""
    tokens = Tokens(VonageCcOptions(expires_in=60), clock)
    old = token_of(tokens)
    clock.now_s = 30
    young = token_of(tokens)
    clock.now_s = 59.9
    assert tokens.admit(old)
    clock.now_s = 60
    assert (tokens.admit(old), tokens.admit(young)) == (False, True)
    tokens.expire()
    assert not tokens.admit(young)
    assert tokens.admit(token_of(tokens))


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", "Basic x"])
def test_nothing_else_admits(clock: Clock, authorization: str | None) -> None:
    """No header, no token, another scheme."""
    tokens = Tokens(VonageCcOptions(), clock)
    token_of(tokens)
    assert not tokens.admit(authorization)


def test_a_limit_holds_in_any_second(clock: Clock) -> None:
    """Not only in those of the clock; who was refused counts too."""
    limit = Limit(2, clock)
    answers = []
    for at_s in (0.5, 0.9, 1.4, 1.5, 2.5, 2.6):
        clock.now_s = at_s
        answers.append(limit.is_exceeded())
    assert answers == [False, False, True, True, False, False]


def test_without_a_limit_nothing_is_too_much(clock: Clock) -> None:
    limit = Limit(None, clock)
    assert not any(limit.is_exceeded() for _ in range(1_000))


def test_requests_are_written_down_as_they_arrive(clock: Clock) -> None:
    """Whichever is answered first; one that waits has no status."""
    journal = Journal(clock)
    numbers = []
    for at_s in (0.0, 0.9, 1.0, 5.0):
        clock.now_s = at_s
        numbers.append(journal.note("GET", f"/{at_s}"))
    journal.settle(numbers[1], 404)
    assert journal.requests[:2] == [
        Request(0.0, "GET", "/0.0", None),
        Request(0.9, "GET", "/0.9", 404),
    ]
    assert journal.peak_per_s() == 2


def test_old_requests_are_dropped_and_may_still_be_answered(clock: Clock) -> None:
    """An answer that comes too late to be written down harms no other."""
    journal = Journal(clock)
    first = journal.note("POST", "/first")
    last = max(journal.note("GET", "/") for _ in range(200_000))
    journal.settle(first, 200)
    journal.settle(last, 201)
    assert 100_000 <= len(journal.requests) < 200_000
    assert {request.status for request in journal.requests[:-1]} == {None}
    assert journal.requests[-1].status == 201


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/auth/CONNECT/token", Place("token", "/Auth/connect/token")),
        (
            f"/V0/{ACCOUNT.upper()}/Calls/{GUID.upper()}",
            Place("call", f"/v0/{ACCOUNT}/calls/{GUID}", GUID),
        ),
        (
            f"/V0/{ACCOUNT}/Agents/462",
            Place("agent", f"/v0/{ACCOUNT}/agents/462", "462"),
        ),
        (f"/v0/{ACCOUNT}/agents", Place("agents", f"/v0/{ACCOUNT}/agents/")),
        (f"/v0/{ACCOUNT}/AGENTS/", Place("agents", f"/v0/{ACCOUNT}/agents/")),
        (f"/v0/{ACCOUNT}/calls/", None),
        (f"/v0/{ACCOUNT}/calls/{GUID}/more", None),
        (f"/v0/other/calls/{GUID}", None),
        (f"/v1/{ACCOUNT}/calls/{GUID}", None),
    ],
)
def test_paths_are_found_in_any_case(path: str, place: Place | None) -> None:
    """In one's own account, and as the documents write them."""
    assert find_place(path, ACCOUNT) == place


@pytest.mark.parametrize(
    ("pattern", "struck"),
    [
        ("*", ["GET", "POST"]),
        ("/v0/*", ["GET", "POST"]),
        ("*/calls/*", ["GET", "POST"]),
        ("POST /v0/*/calls/*", ["POST"]),
        ("POST *", ["POST"]),
        ("/V0/*", []),
    ],
)
def test_faults_may_name_a_method(pattern: str, struck: list[str]) -> None:
    """Before the path; a pattern without one strikes all, each once."""
    board = MethodFaultBoard()
    armed = board.add(Fault(kind=FaultKind.CUT, path=pattern))
    path = f"/v0/{ACCOUNT}/calls/{GUID}"
    took = [how for how in ("GET", "POST") if board.take(CUT, f"{how} {path}", None)]
    assert (took, armed.fired) == (struck, len(struck))
