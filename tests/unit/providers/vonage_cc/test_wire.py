"""The documents' own examples, and whatever else may come."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.domain.reading import Observation
from tracker.providers.normalise import unreadable
from tracker.providers.vonage_cc.normalise import observation
from tracker.providers.vonage_cc.settings import FollowedAgent, VonageCcSettings
from tracker.providers.vonage_cc.wire import (
    AgentCount,
    AgentDetail,
    CallDetail,
    Token,
    parse_agent,
    parse_call,
    parse_count,
    parse_message,
    parse_token,
)
from tracker.providers.wire import Garbled, parse_oauth_error

CAPTURES = Path(__file__).parents[3] / "captures" / "vonage_cc"
GUID = "94e5928c-7f7e-4645-ad72-61010f906449"
AGENT = FollowedAgent(id="10", team="sales", expected="never")


def capture(name: str) -> bytes:
    return (CAPTURES / f"{name}.json").read_bytes()


def call(**fields: object) -> CallDetail:
    """The documents' call, changed."""
    told = {**json.loads(capture("call-failed")), **fields}
    read = parse_call(json.dumps(told).encode())
    assert isinstance(read, CallDetail)
    return read


def live(**fields: object) -> CallDetail:
    return call(**{"result": None, "status": "Connected", **fields})


def observed(
    shown: CallDetail | None, led_by: str | None = None, **fields: object
) -> Observation:
    settings = VonageCcSettings.model_validate(
        {
            "account": "a1b2c3d4e5",
            "region": "emea",
            "client_id": "abcde",
            "client_secret": "12345",
            "expected": "always",
            **fields,
        }
    )
    return observation(GUID, shown, settings, {AGENT.id: AGENT}, led_by=led_by)


def test_the_documents_answers_are_read() -> None:
    """Each as what it is."""
    failed = parse_call(capture("call-failed"))
    assert isinstance(failed, CallDetail)
    assert (failed.id, failed.from_agent, failed.is_over) == (GUID, "10", True)
    agent = parse_agent(capture("agent"))
    assert isinstance(agent, AgentDetail)
    assert agent.current_call == "01461e37-deb9-b2bf-240d-032be5fe917e"
    assert parse_count(capture("agents")) == AgentCount(count=3)
    token = parse_token(capture("token"))
    assert isinstance(token, Token)
    assert (token.access_token, token.lifetime_s) == ("someToken", 7200)
    assert "someToken" not in repr(token)
    assert parse_message(capture("invalid")) == "The request is invalid."


@pytest.mark.parametrize(
    ("told", "current"),
    [
        ({"id": 462, "currentCallGuid": "a"}, "a"),
        ({"links": [{"rel": "currentCall", "href": "https://x/Calls/a/"}]}, "a"),
        ({"id": "462", "currentCallGuid": None, "links": "?"}, None),
        ({"id": "1", "currentCallGuid": "00000000-0000-0000-0000-000000000000"}, None),
        ({"id": "462", "currentCallGuid": 7, "links": [None, {"rel": "_self"}]}, None),
    ],
)
def test_an_agents_call_is_found(told: object, current: str | None) -> None:
    """In its field or its link; there need not be one."""
    agent = parse_agent(json.dumps(told).encode())
    assert isinstance(agent, AgentDetail)
    assert agent.current_call == current


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Sign in</html>", b"[]", b"null", b'{"message":"no"}', b'{"id":'],
)
def test_what_is_no_answer_is_garbled(body: bytes) -> None:
    """Its shape is kept, never its content."""
    for parse in (parse_call, parse_agent, parse_count, parse_token):
        read = parse(body)
        assert isinstance(read, Garbled)
        told = unreadable(read)
        assert (told.what, told.shape) == (read.kind, read.shape)
        assert "Sign" not in told.shape
        assert '"no"' not in told.shape


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda parts: (
            st.lists(parts)
            | st.dictionaries(
                st.sampled_from(["id", "from", "to", "status", "result", "links"])
                | st.text(),
                parts,
            )
        ),
    )
)
def test_anything_is_read_or_garbled(told: object) -> None:
    """No answer makes the reading fail."""
    body = json.dumps(told).encode()
    for parse in (parse_call, parse_agent, parse_count, parse_token):
        parse(body)
    parse_message(body)
    parse_oauth_error(body)


def test_only_known_words_are_taken_from_a_tokens_refusal() -> None:
    """A server may put anything there."""
    assert parse_oauth_error(b'{"error":"invalid_client"}') == "invalid_client"
    assert parse_oauth_error(b'{"error":"12345 is wrong"}') is None


@pytest.mark.parametrize(
    ("shown", "state", "recording"),
    [
        (live(recordingStatus="Started"), "active", "recording"),
        (live(recordingStatus="Paused"), "active", "paused"),
        (live(recordingStatus=None), "active", "unknown"),
        (live(recordingStatus="started"), "active", "unknown"),
        (live(recordingStatus=7), "active", "unknown"),
        (live(recordingStatus="Started", status=None), "active", "recording"),
        (live(recordingStatus="Started", status="On hold"), "held", "recording"),
        (live(recordingStatus="Started", status="Ringing"), "ringing", "recording"),
        (live(recordingStatus="Started", status="Dialling"), "dialing", "recording"),
        (call(), "ended", None),
        (call(result={}), "ended", None),
        (call(result={}, recordingStatus="Paused"), "ended", "paused"),
        (None, "ended", None),
    ],
)
def test_states(shown: CallDetail | None, state: str, recording: str | None) -> None:
    """Only a result or an absence ends a call; what is not known is unknown."""
    seen = observed(shown)
    assert (seen.state, seen.recording) == (state, recording)
    assert seen.exact is False


def test_a_call_is_whose_the_platform_says() -> None:
    """Else of the agent through whom it was found; who is not followed has no team."""
    seen = observed(live(), led_by="11")
    assert (seen.agent, seen.team, seen.expected) == ("10", "sales", "never")
    seen = observed(live(**{"from": {"telephoneNumber": "1"}}), led_by="11")
    assert (seen.agent, seen.team, seen.expected) == ("11", None, "always")
    assert observed(live(**{"from": None})).agent is None
    assert observed(live(**{"from": {"agentId": 10}})).agent == "10"


def test_what_it_can_do_and_where() -> None:
    """The GUID is the call's and the leg's."""
    seen = observed(live())
    assert seen.call == f"vonage_cc/a1b2c3d4e5/{GUID}"
    assert (seen.leg, seen.leg_id) == ("", GUID)
    assert seen.actions == ("pause", "resume")


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [("full", "02072068888"), ("last4", "…8888"), ("none", None)],
)
def test_numbers_are_shown_as_far_as_wanted(numbers: str, shown: str | None) -> None:
    """Both, as it is not told which one is outside."""
    seen = observed(live(), numbers=numbers)
    assert (seen.ani, seen.dnis) == (shown, shown)
