import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.providers.genesys.wire import (
    STATUS_MEANINGS,
    CallResource,
    CallStateChange,
    DeviceStateChange,
    ErrorMessage,
    OtherMessage,
    parse_call,
    parse_calls,
    parse_message,
    parse_status,
    shape_of,
)
from tracker.providers.wire import Garbled

CAPTURES = Path(__file__).parents[3] / "captures" / "genesys"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


def call_of(name: str) -> CallResource:
    message = parse_message(capture(name)["data"])
    assert isinstance(message, CallStateChange)
    return message.call


@pytest.mark.parametrize(
    ("name", "state", "recording"),
    [
        ("start", "Established", "Recording"),
        ("pause", "Established", "Paused"),
        ("resume", "Established", "Recording"),
        ("stop", "Established", "Stopped"),
        ("stop-2013", "Established", "Stopped"),
        ("established-unrecorded", "Established", None),
        ("ringing", "Ringing", None),
        ("released", "Released", "Stopped"),
    ],
)
def test_every_captured_call_is_read(
    name: str, state: str, recording: str | None
) -> None:
    """The call's state and its recording state come out of every captured shape."""
    call = call_of(name)
    assert (call.state, call.recording_state) == (state, recording)


def test_a_call_is_read_whole() -> None:
    """Everything that later stages ask for is there, in the newer shape."""
    message = parse_message(capture("start")["data"])
    assert isinstance(message, CallStateChange)
    assert message.phone_number == "15000"
    call = message.call
    assert call.call_id == call.leg_id == "01RCC3N118B1V0SL8O7GK2LAES00000V"
    assert call.conn_id == "007102719818001f"
    assert call.device_id == "631608b3-ceb1-472b-ba05-2ae39555b0d1"
    assert call.participants == ("15001",)
    assert (call.dnis, call.ani, call.call_type) == ("15001", None, "Internal")
    assert call.duration == 34
    assert {"PauseCallRecording", "StopCallRecording"} < call.capabilities
    assert call.user_data["GSIP_RECORD"] == "ON"
    assert call.parent_call_id is None


def test_the_older_shape_has_participants_as_strings() -> None:
    """The shape of 2013 says the same."""
    call = call_of("stop-2013")
    assert call.participants == ("5000",)
    assert "StartCallRecording" in call.capabilities


def test_attached_data_may_be_nested() -> None:
    """Values that are objects are kept as they are."""
    assert isinstance(call_of("established-unrecorded").user_data, dict)
    assert parse_call({"id": "1", "state": "Held", "userData": {"a": {"b": 1}}}) == (
        CallResource.model_validate(
            {"id": "1", "state": "Held", "userData": {"a": {"b": 1}}}
        )
    )


@pytest.mark.parametrize("duration", [-1, 10**7 + 1, 1_700_000_000_000, 10**30])
def test_a_duration_that_cannot_be_is_none(duration: int) -> None:
    """An instant in its place, say, hides no call."""
    call = parse_call({"id": "c1", "state": "Established", "duration": duration})
    assert isinstance(call, CallResource)
    assert call.duration is None


def test_other_kinds_of_message_are_known() -> None:
    """Devices, errors without a word, and what is new are all values."""
    assert isinstance(
        parse_message(capture("device-change")["data"]), DeviceStateChange
    )
    assert isinstance(parse_message(capture("device-error")["data"]), ErrorMessage)
    new = parse_message({"messageType": "EmailStateChangeMessage", "email": {}})
    assert isinstance(new, OtherMessage)


@pytest.mark.parametrize(
    ("ids", "call_id", "leg_id"),
    [
        ({"id": "c1", "callUuid": "u1", "connId": "c1"}, "u1", "c1"),
        ({"id": "u1", "connId": "c1"}, "u1", "u1"),
        ({"callUuid": "u1"}, "u1", "u1"),
        ({"connId": "c1"}, "c1", "c1"),
        ({"id": 17}, "17", "17"),
    ],
)
def test_the_call_is_the_uuid_and_the_leg_the_id(
    ids: dict[str, object], call_id: str, leg_id: str
) -> None:
    """In 2014 `id` was the connId: the call is named by callUuid, else by id."""
    call = parse_call({"state": "Held", **ids})
    assert isinstance(call, CallResource)
    assert (call.call_id, call.leg_id) == (call_id, leg_id)


def test_a_consult_names_its_call() -> None:
    """The parent's id is the end of its URI."""
    uri = "http://gws.example/api/v2/me/calls/01RCC3"
    call = parse_call({"id": "1", "state": "Dialing", "parentCallUri": uri})
    assert isinstance(call, CallResource)
    assert call.parent_call_id == "01RCC3"


@given(st.dictionaries(st.sampled_from(list(capture("start")["data"]["call"])), values))
def test_a_field_of_any_type_never_hides_the_call(odd: dict[str, object]) -> None:
    """With an id and a state a call is a call, whatever the rest has become."""
    call = parse_call({**odd, "connId": "c1", "state": "Established"})
    assert isinstance(call, CallResource)
    assert call.call_id


@given(values)
def test_nothing_that_arrives_raises(anything: object) -> None:
    """Whatever is sent is a message or garbled."""
    for value in (anything, {"messageType": "CallStateChangeMessage", "x": anything}):
        assert parse_message(value) is not None
        assert parse_call(value) is not None
    parse_calls(json.dumps(anything).encode())
    parse_status(json.dumps(anything).encode())


@pytest.mark.parametrize(
    "call", [{}, {"id": "1"}, {"state": "Held"}, {"id": "", "state": "Held"}, None, "x"]
)
def test_without_an_id_or_a_state_it_is_garbled(call: object) -> None:
    """What cannot be placed is told by its kind and shape."""
    message = parse_message({"messageType": "CallStateChangeMessage", "call": call})
    assert isinstance(message, Garbled)
    assert message.kind == "CallStateChangeMessage"
    assert isinstance(parse_call(call), Garbled)


def test_a_shape_shows_no_content() -> None:
    """Keys and types only; no attached data, and no key that may be content."""
    secret = {
        "call": {"state": "4111 1111", "userData": {"card": "4111"}, "n": [1, 2, "x"]},
        "+15551234": "x",
        "4111": None,
    }
    assert shape_of(secret) == "{?,?,call:{n:[int|str],state:str,userData:dict}}"
    assert len(shape_of({f"{'k' * n}": n for n in range(1, 40)})) == 400


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"calls": [{"id": "1", "state": "Held"}]}, ["1"]),
        ({"user": {"calls": [{"id": "2", "state": "Held"}]}}, ["2"]),
        ({"calls": []}, []),
        ({"uris": []}, []),
        ({"uris": ["http://gws.example/api/v2/me/calls/1"]}, None),
        ({"user": {}}, None),
        ({"calls": None}, None),
        ([], None),
    ],
)
def test_calls_are_listed_in_either_place(
    answer: object, ids: list[str] | None
) -> None:
    """A list of bare URIs is no list of calls, unless it is empty."""
    calls = parse_calls(json.dumps(answer).encode())
    found = None if calls is None else [getattr(call, "id", None) for call in calls]
    assert found == ids


def test_one_unreadable_call_does_not_hide_the_others() -> None:
    """It stands in its place, garbled."""
    calls = parse_calls(b'{"calls": [{"id": "1", "state": "Held"}, {"id": "2"}]}')
    assert calls is not None
    assert [type(call) for call in calls] == [CallResource, Garbled]


def test_the_real_snapshot_is_read() -> None:
    """The answer to the desktop's own resync, with no calls in it."""
    assert parse_calls((CAPTURES / "me.json").read_bytes()) == ()


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        (b'{"statusCode":3}', "forbidden"),
        (
            b'{"statusCode":4,"statusMessage":"Device \'5001\' is not registered."}',
            "internal error (Device '5001' is not registered.)",
        ),
        (b'{"statusCode":99,"statusMessage":7}', "status 99"),
    ],
)
def test_a_status_says_what_it_means(body: bytes, meaning: str) -> None:
    """The code's meaning, and the server's words."""
    status = parse_status(body)
    assert status is not None
    assert status.meaning == meaning


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"statusCode":"0"}'])
def test_other_answers_have_no_status(body: bytes) -> None:
    """HTML and the like say nothing."""
    assert parse_status(body) is None


def test_every_documented_status_has_a_meaning() -> None:
    """They are numbered without a gap."""
    assert set(STATUS_MEANINGS) == set(range(1, 21))
