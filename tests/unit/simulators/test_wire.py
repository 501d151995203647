"""The simulator's messages have the shape of the captures."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions
from tracker.simulators.genesys.model import Leg
from tracker.simulators.genesys.options import Shape

CAPTURES = Path(__file__).parents[2] / "captures" / "genesys"
NOW = datetime(2026, 1, 28, 12, 0, 3, tzinfo=UTC)


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """Keys and types; of a list, those of its items, each once."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        kinds = {json.dumps(shape(item), sort_keys=True) for item in value}
        return sorted(kinds)
    return type(value).__name__


class Scene:
    """A simulator without a server, and the last message of each agent."""

    def __init__(self, **options: Any) -> None:
        self.simulator = GenesysSimulator(SimulatorOptions(agents=4, **options))
        self.switch = self.simulator.switch
        self.wire = self.simulator.site.wire
        self.wire.base_url = "http://127.0.0.1:8080"
        self.last: dict[str, Any] = {}
        self.types: list[tuple[str, str]] = []
        self.switch.listener = self._listen

    def _listen(self, leg: Leg, notification_type: Any) -> None:
        message = self.wire.notification(leg, notification_type, datetime.now(UTC))
        self.last[leg.agent.id] = json.loads(message)
        self.types.append((leg.agent.id, notification_type))


def without_site_data(message: Any) -> Any:
    """Without what a site attaches as it likes."""
    user_data = message["data"]["call"]["userData"]
    message["data"]["call"]["userData"] = {
        key: value for key, value in user_data.items() if key.startswith("IW_CaseUid")
    }
    return message


A, B = "agent-0001", "agent-0002"


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("start", ["start"]),
        ("pause", ["start", "pause"]),
        ("resume", ["start", "pause", "resume"]),
        ("stop", ["start", "stop"]),
    ],
)
def test_recording_notifications_are_those_of_2015(
    name: str, operations: list[str]
) -> None:
    """Same keys, same types, same capabilities, same words."""
    scene = Scene(shape="2015")
    call = scene.switch.dial(A, B)
    scene.switch.answer(call)
    for operation in operations:
        getattr(scene.switch, f"{operation}_recording")(call, A)
    told, seen = scene.last[A], capture(name)
    assert shape(told) == shape(seen)
    ours, theirs = told["data"]["call"], seen["data"]["call"]
    assert set(ours["capabilities"]) == set(theirs["capabilities"])
    assert ours["recordingState"] == theirs["recordingState"]
    assert ours["userData"]["GSIP_RECORD"] == theirs["userData"]["GSIP_RECORD"]
    for key in ("notificationType", "messageType"):
        assert told["data"][key] == seen["data"][key]


def test_the_callee_of_2013() -> None:
    """Participants are strings, with a list of objects beside them."""
    scene = Scene(shape="2013")
    call = scene.switch.dial(A, B)
    scene.switch.answer(call)
    scene.switch.start_recording(call, B)
    scene.switch.stop_recording(call, B)
    told, seen = scene.last[B], capture("stop-2013")
    assert shape(told) == shape(seen)
    assert told["data"]["call"]["participants"] == [call.ani]


@pytest.mark.parametrize("name", ["ringing", "established-unrecorded"])
def test_a_call_that_is_not_recorded_says_nothing_of_recording(name: str) -> None:
    """Neither recordingState nor a capability, as in the log of 2026."""
    scene = Scene(shape="2026", records=False)
    call = scene.switch.dial(A, B)
    if name != "ringing":
        scene.switch.answer(call)
    told, seen = scene.last[B], capture(name)
    ours, theirs = told["data"]["call"], seen["data"]["call"]
    assert set(ours["capabilities"]) == set(theirs["capabilities"])
    party = ours["userData"][f"WWE_PARTY_{call.ani}"]
    assert shape(party) == shape(theirs["userData"]["WWE_PARTY_1003"])
    assert shape(without_site_data(told)) == shape(without_site_data(seen))


def test_a_released_call_has_no_participants() -> None:
    """It keeps its recording state."""
    scene = Scene(shape="2015")
    call = scene.switch.dial(A, B)
    scene.switch.answer(call)
    scene.switch.start_recording(call, A)
    scene.switch.hang_up(call)
    told, seen = scene.last[A], capture("released")
    assert shape(told) == shape(seen)
    assert told["data"]["call"]["recordingState"] == "Recording"


def test_device_messages_are_those_of_the_log() -> None:
    """A changed device, and an error that says nothing."""
    scene = Scene()
    agent = scene.simulator.agents[0]
    change = json.loads(scene.wire.device_change(agent, NOW))
    assert shape(change) == shape(capture("device-change"))
    error = json.loads(scene.wire.device_error(agent, NOW))
    assert shape(error) == shape(capture("device-error"))


def test_the_answer_to_me_is_that_of_the_log() -> None:
    """With the subresources that a desktop asks for, beside those it got empty."""
    scene = Scene()
    query = {"subresources": "devices,calls"}
    reply = scene.simulator.site.rest.me(scene.simulator.agents[0], query)
    assert shape(reply.body) == shape(capture("me"))


def test_ids_may_be_conn_ids() -> None:
    """As in 2014; the URI follows."""
    scene = Scene(call_id="connId")
    call = scene.switch.dial(A, B)
    told = scene.last[A]["data"]["call"]
    assert told["id"] == told["connId"] == call.conn_id
    assert told["callUuid"] == call.uuid
    assert told["uri"].endswith(f"/me/calls/{call.conn_id}")


def test_metrics_tell_when_the_server_made_a_message() -> None:
    """In epoch milliseconds; they can be left out."""
    scene = Scene()
    call = scene.switch.dial(A, B)
    told = json.loads(scene.wire.notification(call.legs[0], "StatusChange", NOW))
    processing = told["data"]["metrics"]["eventProcessing"]
    assert processing["serverGenerationTimestamp"] == NOW.timestamp() * 1000
    scene = Scene(metrics=False)
    scene.switch.dial(A, B)
    assert "metrics" not in scene.last[A]["data"]


def test_before_the_first_recording_the_state_may_be_absent() -> None:
    """While starting one is offered."""
    scene = Scene(initial_recording_state=None)
    call = scene.switch.dial(A, B)
    scene.switch.answer(call)
    told = scene.last[A]["data"]["call"]
    assert "recordingState" not in told
    assert "StartCallRecording" in told["capabilities"]
    scene.switch.start_recording(call, A)
    assert scene.last[A]["data"]["call"]["recordingState"] == "Recording"


def test_who_called_from_outside_is_told() -> None:
    """An inbound call has an ani and a dnis."""
    scene = Scene()
    scene.switch.dial_in("15550100", A)
    told = scene.last[A]["data"]["call"]
    assert (told["ani"], told["callType"]) == ("15550100", "Inbound")
    assert told["participants"][0]["phoneNumber"] == "15550100"


@pytest.mark.parametrize("wire_shape", ["2013", "2015", "2026"])
def test_ids_follow_from_the_seed(wire_shape: Shape) -> None:
    """Two simulators of one seed tell the same, at the same moment."""
    told = []
    for _ in range(2):
        simulator = GenesysSimulator(SimulatorOptions(seed=5, shape=wire_shape))
        call = simulator.switch.dial(A, B)
        call.created_at = NOW
        told.append(simulator.site.wire.notification(call.legs[0], "StatusChange", NOW))
    assert told[0] == told[1]
