"""What a Kazoo server says has the shape of the captures, and says no more."""

import json
from typing import Any

import pytest

from tests.unit.simulators.kazoo_scene import ACCOUNT, CAPTURES, Scene, capture
from tracker.simulators.kazoo import GREGORIAN_S, Recorded
from tracker.simulators.kazoo.metaflow import flaws_of
from tracker.simulators.kazoo.tokens import Tokens
from tracker.simulators.kazoo.wire import (
    INVALID_CREDENTIALS,
    TOO_MANY,
    Answer,
    Asker,
    bad_identifier,
    no_audio,
    no_identifier,
)

ASKER = Asker("T", 99)
TIMES = {"timestamp", "request_id", "node", "version", "revision"}

SHOWN = Recorded(
    id="202403-bf8a6522730f93248d41f2521cfe2b95",
    call_id="OWU4NzEw...",
    owner_id="..",
    start_at_s=63_877_483_474 - GREGORIAN_S,
    url="..",
    name="0a1b..ff.mp3",
)


def in_envelope(answer: Answer) -> Any:
    """As it is sent, without what every answer has."""
    body = Scene().wire.envelope(answer, ASKER)
    assert body.keys() >= TIMES
    return {name: body[name] for name in body.keys() - TIMES - {"auth_token"}}


def test_a_recording_is_the_documents() -> None:
    """To the letter; only in a listing is said what can be downloaded."""
    scene = Scene(account_realm="realm")
    document = scene.store.add(SHOWN)
    shown = capture("recording")
    assert scene.wire.listed(document, has_audio=True) == shown
    assert scene.rest.recording(document).data == {
        name: value for name, value in shown.items() if name != "_read_only"
    }


def test_the_newer_release_says_more_of_it() -> None:
    """And somebody may add to it."""
    scene = Scene(release=5)
    document = scene.store.add(Recorded())
    request = {"data": {"user_metadata": {"ticket": 7}}}
    assert request["data"].keys() == capture("metadata-request")["data"].keys()
    assert scene.rest.recording(document).data["account_id"] == ACCOUNT
    assert scene.rest.patch(document, request).data["user_metadata"] == {"ticket": 7}
    assert scene.rest.recording(document).data["user_metadata"] == {"ticket": 7}
    assert scene.rest.patch(document, {"data": {}}).status == 400


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (INVALID_CREDENTIALS, "invalid-credentials"),
        (TOO_MANY, "too-many-requests"),
        (bad_identifier("202403-abc"), "bad-identifier"),
        (no_identifier("NOT-AN-ID"), "no-identifier"),
        (no_audio("202403-abc"), "no-audio"),
    ],
)
def test_refusals_are_the_documents(answer: Answer, name: str) -> None:
    """To the letter; the code is a string."""
    shown = capture(name)
    kept = {key: shown[key] for key in ("data", "error", "message", "status")}
    assert in_envelope(answer) == kept
    assert answer.status == int(shown["error"])


def test_unknown_recordings_are_refused_in_two_ways() -> None:
    """What could be an id, and what could not."""
    rest = Scene().rest
    assert rest.find("NOT-AN-ID") == no_identifier("NOT-AN-ID")
    assert rest.find("202413-abc") == no_identifier("202413-abc")
    assert rest.find("202403-abc") == bad_identifier("202403-abc")


def test_a_login_is_the_documents() -> None:
    """The same fields; the token is in the envelope alone."""
    scene = Scene()
    tokens = Tokens(scene.options, scene.clock)
    shown, request = capture("user-auth"), capture("api-auth-request")
    asked = {**request["data"], "api_key": scene.options.api_key}
    answer, token = tokens.by_api_key(asked)
    assert token
    body = scene.wire.envelope(answer, Asker(token, 99))
    assert shown.keys() <= body.keys()
    assert (body["auth_token"], body["status"]) == (token, shown["status"])
    assert answer.data.keys() == shown["data"].keys() - {"owner_id"}
    asked = capture("user-auth-request")["data"]
    assert tokens.by_credentials(asked).answer == INVALID_CREDENTIALS


def test_a_page_is_the_documents() -> None:
    """The same fields, in its envelope and streamed."""
    scene = Scene()
    for _ in range(3):
        scene.store.add(Recorded())
    answer = scene.rest.recordings({"page_size": "2"}, None)
    plain = scene.wire.envelope(answer, ASKER)
    shown = capture("page")
    assert plain.keys() == shown.keys()
    for name in ("page_size", "status", "tokens"):
        assert plain[name] == shown[name]
    text = "".join(scene.wire.chunks(answer, ASKER))
    streamed, shown = json.loads(text), capture("page-chunked")
    assert streamed.keys() == shown.keys()
    assert streamed["page_size"] == shown["page_size"] == "2"
    assert streamed["data"] == plain["data"]
    assert text.startswith('{"data":[{"id":')
    assert {type(streamed[name]) for name in streamed.keys() - {"data"}} == {str}


def test_an_empty_stream_is_an_empty_list() -> None:
    scene = Scene()
    answer = scene.rest.recordings({}, None)
    assert json.loads("".join(scene.wire.chunks(answer, ASKER)))["data"] == []


def test_the_documents_requests_are_accepted() -> None:
    """And answered in the documents' words."""
    scene = Scene(release=5)
    channel = scene.switch.begin_call(scene.jdoe).channels[0]
    asked = capture("record-call-request")
    answer, accepted = scene.rest.metaflow(channel.id, asked)
    assert in_envelope(answer) == {
        **capture("metaflow-sent"),
        "tokens": {"consumed": 1, "remaining": 99},
    }
    assert accepted
    assert accepted.channel is channel
    given = asked["data"]["data"]
    assert {name: accepted.parameters[name] for name in given} == given
    for action, said in (("start", "recording started"), ("stop", "recording stopped")):
        answer, accepted = scene.rest.order(
            channel.id, capture(f"{action}-record-request")
        )
        assert (answer.status, answer.data) == (202, said)
        assert accepted
        assert accepted.parameters["action"] == action


@pytest.mark.parametrize("action", ["start", "stop", "mask", "unmask", "toggle"])
def test_both_releases_have_these_actions(action: str) -> None:
    asked = {"module": "record_call", "data": {"action": action}}
    assert (flaws_of(asked, 4), flaws_of(asked, 5)) == ([], [])


def test_the_event_of_an_end_is_the_documents() -> None:
    """The same fields, and not one more."""
    scene = Scene()
    call = scene.switch.begin_call(scene.jdoe, direction="outbound", call_id="CALLID")
    scene.pass_time(1)
    scene.switch.answer(call)
    scene.switch.record(call.channels[0])
    scene.pass_time(31)
    scene.switch.end(call)
    data, shown = scene.events[-1].data, capture("channel-destroy-event")["data"]
    assert data.keys() == shown.keys()
    for name in shown.keys() - {"timestamp", "msg_id", "app_version"}:
        assert type(data[name]) is type(shown[name])
    same = ("call_id", "call_direction", "hangup_cause", "event_category", "app_name")
    for name in (*same, "event_name", "duration_seconds", "billing_seconds"):
        assert data[name] == shown[name]
    assert data["custom_channel_vars"] == {
        "account_id": ACCOUNT,
        "owner_id": scene.jdoe,
    }
    assert len(data["media_recordings"]) == 1


def test_other_events_tell_less_unless_they_are_to() -> None:
    """Neither interaction nor numbers, which only an option adds."""
    common = capture("channel-destroy-event")["data"].keys() - {
        "hangup_cause",
        "duration_seconds",
        "billing_seconds",
        "media_recordings",
    }
    for tells_more in (False, True):
        scene = Scene(tells_more=tells_more)
        call = scene.switch.begin_call(scene.jdoe, "15550155")
        data = scene.events[0].data
        if not tells_more:
            assert data.keys() == common
            continue
        assert data["caller_id_number"] == "15550155"
        variables = data["custom_channel_vars"]
        assert variables["call_interaction_id"] == call.interaction_id
        (first, _) = scene.rest.channels().data
        assert first["interaction_id"] == call.interaction_id


def test_a_documents_event_is_the_documents() -> None:
    scene = Scene()
    document = scene.store.add(Recorded())
    data, shown = scene.events[0].data, capture("doc-created-event")["data"]
    assert data.keys() == shown.keys()
    assert data["id"] == document.id
    for name in ("type", "is_soft_deleted", "event_name", "event_category"):
        assert data[name] == shown[name]
    parts = ACCOUNT[:2], ACCOUNT[2:4], ACCOUNT[4:]
    assert data["database"] == "account%2F" + "%2F".join(parts) + "-202403"


def test_a_recordings_event_names_its_file() -> None:
    """And at its end how long it was, in strings."""
    scene = Scene(release=5)
    channel = scene.switch.begin_call(scene.jdoe).channels[0]
    scene.switch.record(channel, media_name="one")
    scene.pass_time(2.5)
    scene.switch.stop(channel)
    start, stop = scene.events[-2:]
    assert (start.name, stop.name) == ("RECORD_START", "RECORD_STOP")
    assert start.data["application_name"] == "record"
    assert start.data["application_response"] == start.data["recording"]["file_path"]
    assert stop.data["recording"]["name"] == "one"
    assert (stop.data["length"], stop.data["recording"]["file_seconds"]) == (
        "2500",
        "2",
    )


def test_every_capture_is_explained() -> None:
    """Where it is from, and what was repaired in it."""
    readme = (CAPTURES / "README.md").read_text()
    for file in CAPTURES.glob("*.json"):
        assert f"`{file.name}`" in readme
