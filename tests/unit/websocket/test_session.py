"""What is said on a socket: ops, limits, refusals, closes; without a socket."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.fanout.world import view
from tests.unit.websocket.loopback import NOW, Loopback, nobody
from tracker.errors import ClientRefusedError
from tracker.fanout.filters import EVERYTHING, Visibility
from tracker.outlets.quota import LimitSettings, Quota
from tracker.outlets.websocket import codes
from tracker.outlets.websocket.session import (
    Access,
    Ask,
    Authenticate,
    Begin,
    End,
    Session,
)
from tracker.outlets.websocket.settings import StreamSettings

ANN = Access("ann", EVERYTHING)


def refused(loopback: Loopback, text: str) -> dict[str, Any]:
    """The one ``error`` that *text* is answered with."""
    assert loopback.session.receive(text, NOW) is None
    (error,) = loopback.told()
    assert error.pop("op") == "error"
    assert error["type"] == "about:blank"
    assert error["title"]
    return error


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 10_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "no such op; there are subscribe, unsubscribe, auth, ping, command"),
        ('{"op":"command"}', "id: it is missing"),
        ('{"op":"command","id":"a","action":"pause"}', "call: it is missing"),
        ('{"op":"command","id":"a","call":"x","action":"pause"}', "call: a call's key"),
        ('{"op":"command","id":"a","call":"a/b/c","action":"mute"}', "action: Input"),
        (
            '{"op":"command","id":"a","call":"a/b/c","action":"stop","deadline_s":0}',
            "deadline_s: Input",
        ),
        (
            '{"op":"command","id":"a","call":"a/b/c","action":"stop",'
            '"idempotency_key":"a b"}',
            "idempotency_key: visible ASCII characters",
        ),
        ('{"op":["ping"]}', "no such op"),
        ('{"op":"ping","x":1}', "x: there is no such field; there are op"),
        ('{"op":"subscribe"}', "id: it is missing"),
        ('{"op":"subscribe","id":""}', "id: String should have at least 1"),
        (
            '{"op":"subscribe","id":"1","filter":{"agents":"x"}}',
            "filter.agents: Input should be a valid array",
        ),
        (
            '{"op":"subscribe","id":"1","filter":5}',
            "filter: Input should be an object",
        ),
        ('{"op":"subscribe","id":7}', "id: Input should be a valid string"),
        (
            '{"op":"subscribe","id":"a","filter":{"x":1}}',
            "filter.x: there is no such field; there are providers, accounts, teams, ",
        ),
        ('{"op":"subscribe","id":"a","filter":{"states":["off"]}}', "filter.states"),
        ('{"op":"subscribe","id":"a","conflate_ms":1}', "conflate_ms: Input should"),
        ('{"op":"subscribe","id":"a","since":"x"}', "not a cursor"),
        ('{"op":"unsubscribe","id":"a"}', "no subscription with this id"),
        ('{"op":"auth"}', "token: it is missing"),
    ],
)
def test_what_cannot_be_followed_is_an_error_and_the_socket_stays(
    text: str, detail: str
) -> None:
    """One RFC 9457 body says why; the next frame is welcome."""
    loopback = Loopback()
    error = refused(loopback, text)
    assert detail in error["detail"]
    assert 400 <= error["status"] < 500
    assert loopback.say(op="ping") is None


def test_an_error_names_the_frame_it_answers() -> None:
    """By its id, where it had one."""
    loopback = Loopback()
    assert refused(loopback, '{"op":"nonsense","id":"a"}')["id"] == "a"
    assert "id" not in refused(loopback, '{"op":"nonsense","id":1}')


def test_an_error_never_repeats_what_was_sent() -> None:
    """A token that was sent in the wrong place stays out of it."""
    loopback = Loopback()
    sent = "eyJhbGciOi"
    for text in (
        json.dumps({"op": "auth", "token": {"x": sent}}),
        json.dumps({"op": "subscribe", "id": "a", "token": sent}),
        sent,
    ):
        assert sent not in json.dumps(refused(loopback, text))


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    """Nothing a client sends raises anything but a documented close."""
    loopback = Loopback()
    refused(loopback, text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = st.sampled_from(("id", "filter", "since", "snapshot", "conflate_ms", "token"))


@given(
    st.sampled_from(("subscribe", "unsubscribe", "auth", "ping", "command")),
    st.dictionaries(fields, json_values),
)
def test_any_fields_are_answered(op: str, values: dict[str, Any]) -> None:
    """Values of any type in any field are an action or an error."""
    loopback = Loopback()
    action = loopback.say(op=op, **values)
    answered = {frame["op"] for frame in loopback.told()} & {"error", "pong", "result"}
    assert isinstance(action, Begin | Authenticate) or answered


def test_a_thousand_subscriptions_are_refused_politely() -> None:
    """Beyond the limit each is an error; those that there are stay."""
    loopback = Loopback(StreamSettings(max_subscriptions=100))
    actions = [loopback.say(op="subscribe", id=str(number)) for number in range(1000)]
    assert sum(isinstance(action, Begin) for action in actions) == 100
    errors = loopback.told()
    assert {(e["status"], e["detail"]) for e in errors} == {
        (429, "a socket may have 100 subscriptions")
    }
    assert [e["id"] for e in errors] == [str(number) for number in range(100, 1000)]
    assert isinstance(loopback.say(op="unsubscribe", id="7"), End)
    assert isinstance(loopback.say(op="subscribe", id="new"), Begin)


def test_a_subject_s_subscriptions_are_given_back() -> None:
    """Those that ended, those that could not begin, and all when the socket is gone."""
    quota = Quota(LimitSettings(subscriptions_per_subject=2))
    loopback = Loopback(quota=quota)
    other = Loopback(quota=quota)
    first, _ = loopback.subscribe("a"), loopback.subscribe("b")
    assert other.say(op="subscribe", id="c") is None
    assert [error["status"] for error in other.told()] == [429]
    loopback.session.drop(first.subscription)
    other.subscribe("c")
    assert other.say(op="subscribe", id="d") is None
    loopback.session.end()
    other.subscribe("d")
    other.session.end()
    assert not quota._subscriptions


def test_a_command_is_the_shell_s_to_ask() -> None:
    """With who asks; the session counts those under way until they are answered."""
    access = ANN._replace(scopes=frozenset({"calls:control"}))
    loopback = Loopback(StreamSettings(max_commands=2), access)
    asked = {"op": "command", "call": "genesys/acme/c1", "action": "pause"}
    for id_ in "ab":
        action = loopback.say(id=id_, **asked)
        assert isinstance(action, Ask)
        assert (action.command.id, action.access) == (id_, access)
        assert (action.command.call, action.command.deadline_s) == (asked["call"], 15)
    text = json.dumps({"id": "c", **asked})
    assert refused(loopback, text)["status"] == 429
    loopback.session.answer(b"frame")
    assert loopback.session.take() == [b"frame"]
    assert isinstance(loopback.say(id="c", **asked), Ask)


def test_an_id_is_used_once() -> None:
    """A second subscription of the same id is refused, the first one stays."""
    loopback = Loopback()
    loopback.subscribe("a")
    assert refused(loopback, '{"op":"subscribe","id":"a"}')["status"] == 409


def test_a_token_without_any_scope_to_read_gets_nothing() -> None:
    """It is told so instead of waiting for events for ever."""
    loopback = Loopback(access=nobody())
    error = refused(loopback, '{"op":"subscribe","id":"a"}')
    assert error["status"] == 403


def test_the_visibility_is_part_of_every_subscription() -> None:
    """Whatever the filter asks for."""
    limits = Visibility(agents=frozenset({"ann"}))
    loopback = Loopback(access=Access("ann", limits))
    begin = loopback.subscribe(filter={"agents": ["bob"]})
    query = begin.subscription.query
    assert query.matches(view("genesys/acme/c1", "ann", "bob"))
    assert not query.matches(view("genesys/acme/c1", "bob"))


@pytest.mark.parametrize("text", ['{"op":"ping"}', "nonsense", '{"op":"subscribe"}'])
def test_the_first_frame_must_say_who_it_is(text: str) -> None:
    """Where a token is needed, anything else is closed with 4503."""
    loopback = Loopback(access=None)
    with pytest.raises(ClientRefusedError) as closed:
        loopback.session.receive(text, NOW)
    assert closed.value.code == codes.UNAUTHORIZED
    assert loopback.told() == []


def test_a_token_is_handed_to_whoever_can_judge_it() -> None:
    """The session only passes it on."""
    loopback = Loopback(access=None)
    action = loopback.session.receive('{"op":"auth","token":"t"}', NOW)
    assert action == Authenticate("t")


def test_a_newer_token_prolongs_the_socket() -> None:
    """The same subject and rights, a later end."""
    loopback = Loopback(access=None)
    session = loopback.session
    session.authorise(ANN._replace(expires_at=NOW + timedelta(seconds=60)))
    assert not session.expired(NOW)
    session.authorise(ANN._replace(expires_at=NOW + timedelta(seconds=120)))
    assert not session.expired(NOW + timedelta(seconds=61))
    assert session.expired(NOW + timedelta(seconds=120))


@pytest.mark.parametrize(
    "other",
    [
        ANN._replace(subject="bob"),
        ANN._replace(scopes=frozenset({"calls:control"})),
        Access("ann", Visibility(agents=frozenset())),
    ],
)
def test_a_token_of_other_rights_needs_a_new_socket(other: Access) -> None:
    """Its subscriptions were made with the old ones: come back."""
    loopback = Loopback(access=ANN)
    with pytest.raises(ClientRefusedError) as closed:
        loopback.session.authorise(other)
    assert closed.value.code == codes.RIGHTS_CHANGED


def test_a_session_without_an_end_never_expires() -> None:
    """Without authentication, say."""
    assert not Loopback().session.expired(NOW)
    assert not Loopback(access=None).session.expired(NOW)


def test_ready_is_told_once_until_taken() -> None:
    """One write per connection and turn."""
    loopback = Loopback()
    for _ in range(3):
        loopback.say(op="ping")
    assert loopback.readied == 1
    assert [frame["op"] for frame in loopback.told()] == ["pong"] * 3
    loopback.say(op="ping")
    assert loopback.readied == 2
    assert loopback.told()[0]["server_time"] == "2026-01-05T09:00:00Z"


def test_slow_is_too_much_for_too_long_or_far_too_much() -> None:
    """1 MiB for 5 s, or 16 MiB at once; catching up in between counts anew."""
    settings = StreamSettings()
    session: Session = Loopback(settings).session
    some, much = settings.slow_bytes + 1, settings.max_unsent_bytes + 1
    assert not session.too_slow(some, 100.0)
    assert not session.too_slow(some, 104.9)
    assert session.too_slow(some, 105.0)
    assert not session.too_slow(settings.slow_bytes, 105.1)
    assert not session.too_slow(some, 110.0)
    assert session.too_slow(much, 110.1)


def test_codes_tell_whether_to_come_back() -> None:
    """Ours lie in the two ranges, and each has its meaning."""
    ours = [code for code in codes.MEANINGS if code >= 4000]
    again = {codes.GOING_AWAY, codes.EVENTS_LOST, codes.SLOW, codes.EXPIRED}
    again |= {codes.RIGHTS_CHANGED, codes.KEYS_AWAY, codes.TOO_MANY}
    assert {code for code in ours if code < 4500} == again
    assert {code for code in ours if code >= 4500} == {
        codes.NOT_TEXT,
        codes.UNAUTHORIZED,
    }
    for meaning in codes.MEANINGS.values():
        assert meaning.endswith(".")
