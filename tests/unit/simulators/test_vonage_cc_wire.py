"""The simulator's answers have the shape of the captures, and say no more."""

import json
from pathlib import Path
from typing import Any

import pytest

from tracker.simulators.vonage_cc import Result, VonageCcOptions, VonageCcSimulator

CAPTURES = Path(__file__).parents[2] / "captures" / "vonage_cc"
GUID = "94e5928c-7f7e-4645-ad72-61010f906449"
OTHER_GUID = "01461e37-deb9-b2bf-240d-032be5fe917e"


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


@pytest.fixture
def simulator() -> VonageCcSimulator:
    simulator = VonageCcSimulator(VonageCcOptions(agents=500))
    simulator.site.wire.base_url = "https://***.cc.vonage.com"
    return simulator


def test_a_failed_call_is_the_documents(simulator: VonageCcSimulator) -> None:
    """To the letter."""
    call = simulator.begin_call("10", "02072068888", guid=GUID)
    failure = Result("Failure", "Originator", "NoAnswer")
    simulator.end(call, failure, disposition="Wrong Number")
    assert simulator.site.rest.call(GUID) == (200, capture("call-failed"))


def test_a_live_call_has_the_same_keys(simulator: VonageCcSimulator) -> None:
    """With a status, and null for what only an ended one has."""
    simulator.begin_call("10", "02072068888", guid=GUID)
    _, body = simulator.site.rest.call(GUID)
    ended = capture("call-failed")
    ended |= {"status": "Connected", "recordingStatus": "Started"}
    assert body == ended | {"result": None, "dispositionCode": None}


@pytest.mark.parametrize("value", ["Paused", "Buffering", None])
def test_a_state_is_shown_while_the_call_lives(
    simulator: VonageCcSimulator, value: str | None
) -> None:
    """Whatever it is; afterwards it is null."""
    call = simulator.begin_call("10", "15550100")
    simulator.show(call, value)
    simulator.show_status(call, "OnHold")
    _, live = simulator.site.rest.call(call.guid)
    simulator.end(call)
    _, ended = simulator.site.rest.call(call.guid)
    assert live
    assert ended
    assert (live["status"], live["recordingStatus"]) == ("OnHold", value)
    assert (ended["status"], ended["recordingStatus"]) == (None, None)
    assert ended["result"].keys() == {"code", "party", "reason"}


def test_an_agent_who_left_is_not_shown(simulator: VonageCcSimulator) -> None:
    """On the call; the agent still shows the call as the previous one."""
    call = simulator.begin_call("10", "15550100")
    simulator.transfer_out(call)
    _, body = simulator.site.rest.call(call.guid)
    assert body
    assert body["from"] == {"telephoneNumber": "15550100"}
    assert body["recordingStatus"] == "Started"
    _, agent = simulator.site.rest.agent("10")
    assert agent
    assert agent["currentCallGuid"] == call.guid


def test_an_agent_is_the_documents(simulator: VonageCcSimulator) -> None:
    """To the letter, during the call and after it."""
    simulator.site.wire.base_url = "https://***.newvoicemedia.com"
    call = simulator.begin_call("462", "15550100", guid=OTHER_GUID)
    assert simulator.site.rest.agent("462") == (200, capture("agent"))
    simulator.end(call)
    simulator.forget(call)
    assert simulator.site.rest.agent("462") == (200, capture("agent"))


def test_an_agent_who_never_had_a_call_shows_none(simulator: VonageCcSimulator) -> None:
    """Neither GUID nor link."""
    _, body = simulator.site.rest.agent("462")
    shown = capture("agent")
    assert body
    assert body.keys() == {"id", "links"}
    assert [link["rel"] for link in body["links"]] == ["_self"]
    assert body["id"] == shown["id"]


def test_ready_agents_are_listed() -> None:
    """Those without a call; the count only when it is asked for."""
    simulator = VonageCcSimulator(VonageCcOptions(agents=3))
    simulator.begin_call("11", "15550100")
    ready = {"availability": "readyForPhoneCall"}
    agents = [{"id": "10", "links": []}, {"id": "12", "links": []}]
    rest = simulator.site.rest
    status, counted = rest.agents({**ready, "fields": "count"})
    assert (status, counted) == (200, {"count": 2, "agents": agents})
    assert counted
    assert counted.keys() == capture("agents").keys()
    assert rest.agents(ready) == (200, {"agents": agents})
    assert rest.agents({}) == (400, capture("invalid"))


@pytest.mark.parametrize("name", ["pause-request", "resume-request"])
def test_the_documents_requests_are_accepted(
    simulator: VonageCcSimulator, name: str
) -> None:
    """And echoed."""
    call = simulator.begin_call("10", "15550100")
    body = json.dumps(capture(name)).encode()
    reply, accepted = simulator.site.rest.control(call.guid, body)
    assert reply == (202, capture(name))
    assert accepted == (call, capture(name)["recordingStatus"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'"Paused"',
        b'{"recordingStatus":""}',
        b'{"recordingStatus":null}',
        b'{"recordingStatus":["Paused"]}',
        b'{"recordingStatus":"paused"}',
        b'{"recordingStatus":"Stopped"}',
    ],
)
def test_other_requests_are_invalid(simulator: VonageCcSimulator, body: bytes) -> None:
    """Blank, no value of the two, no JSON."""
    call = simulator.begin_call("10", "15550100")
    reply, accepted = simulator.site.rest.control(call.guid, body)
    assert (reply, accepted) == ((400, capture("invalid")), None)


def test_calls_without_an_agent_are_not_controlled(
    simulator: VonageCcSimulator,
) -> None:
    """Transferred or ended: invalid; unknown or forgotten: not found."""
    body = json.dumps(capture("pause-request")).encode()
    control = simulator.site.rest.control
    call = simulator.begin_call("10", "15550100")
    simulator.transfer_out(call)
    assert control(call.guid, body) == ((400, capture("invalid")), None)
    simulator.end(call)
    assert control(call.guid, body) == ((400, capture("invalid")), None)
    simulator.forget(call)
    assert control(call.guid, body) == ((404, capture("not-found")), None)
    assert simulator.site.rest.call(call.guid) == (404, capture("not-found"))
    assert simulator.site.rest.agent("9") == (404, capture("not-found"))
