"""Calls of a Kazoo server: their channels, and what becomes of their recordings."""

import random
from itertools import pairwise
from typing import Any

import pytest

from tests.unit.simulators.kazoo_scene import NOON_S, Scene
from tracker.simulators.kazoo import Change, State, to_gregorian
from tracker.simulators.kazoo.model import Call
from tracker.simulators.kazoo.traffic import RandomTraffic

SHORT_S = 0.1
"""Longer than anything takes by default."""


def talk(scene: Scene, **options: Any) -> Call:
    """An answered call; what was told of it is forgotten."""
    call = scene.switch.begin_call(scene.jdoe, **options)
    scene.switch.answer(call)
    scene.names()
    return call


def ask(scene: Scene, channel_id: str, **parameters: Any) -> int:
    """Ask for something as the API does; it takes effect."""
    body = {
        "action": "metaflow",
        "data": {"module": "record_call", "data": parameters},
    }
    answer, accepted = scene.rest.metaflow(channel_id, body)
    if accepted:
        scene.switch.accept(*accepted)
    scene.pass_time(SHORT_S)
    return answer.status


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_a_call_has_two_channels(direction: Any) -> None:
    """Of one interaction; their directions are the switch's, not the call's."""
    scene = Scene()
    call = scene.switch.begin_call(scene.jdoe, "15550155", direction=direction)
    first, second = call.channels
    assert (first.direction, second.direction) == ("inbound", "outbound")
    assert (first.other_leg, second.other_leg) == (second.id, first.id)
    assert first.interaction_id == second.interaction_id == call.interaction_id
    owners = (None, scene.jdoe) if direction == "inbound" else (scene.jdoe, None)
    assert (first.owner_id, second.owner_id) == owners
    numbers = ("15550155", scene.options.phone_number)
    told = numbers if direction == "inbound" else numbers[::-1]
    assert (second.from_number, second.to_number) == told


def test_a_call_lives() -> None:
    """And every moment of it is told."""
    scene = Scene()
    call = scene.switch.begin_call(scene.jdoe, call_id="first@127.0.0.1")
    assert scene.names() == ["CHANNEL_CREATE"] * 2
    scene.switch.answer(call)
    assert scene.names() == ["CHANNEL_ANSWER"] * 2 + ["CHANNEL_BRIDGE"]
    scene.pass_time(30)
    scene.switch.end(call, "USER_BUSY")
    last = scene.events[-1].data
    assert (last["call_id"], last["hangup_cause"]) == ("first@127.0.0.1", "USER_BUSY")
    assert (last["duration_seconds"], last["billing_seconds"]) == ("30", "30")
    assert scene.names() == ["CHANNEL_DESTROY"] * 2
    assert (scene.switch.channels, call.is_over) == ({}, True)
    assert call.interaction_id in scene.switch.calls


def test_calls_that_ended_are_forgotten_at_last() -> None:
    scene = Scene()
    for _ in range(1_001):
        scene.switch.end(scene.switch.begin_call(scene.jdoe))
    assert len(scene.switch.calls) == 1_000


def test_a_recording_becomes_a_document() -> None:
    """Only after it ended; the channel's last event has its id."""
    scene = Scene()
    call = talk(scene)
    scene.switch.record(call.channels[0])
    scene.pass_time(12)
    assert scene.store.archive.by_id == {}
    scene.switch.end(call)
    (document_id,) = scene.events[-1].data["media_recordings"]
    assert scene.store.archive.by_id == {}
    scene.pass_time(SHORT_S)
    document = scene.store.archive.by_id[document_id]
    said = scene.wire.document(document)
    assert said["call_id"] == call.channels[0].id
    assert said["interaction_id"] == call.interaction_id
    assert (said["duration_ms"], said["start"]) == (12_000, to_gregorian(NOON_S))
    assert said["from"] == "15550100@acme.sip.example"
    names = ["RECORD_START", "CHANNEL_DESTROY", "RECORD_STOP", "CHANNEL_DESTROY"]
    assert scene.names() == [*names, "doc_created"]


def test_changes_are_written_down() -> None:
    """Each moment at which something really changed."""
    scene = Scene(release=5)
    channel = talk(scene).channels[0]
    switch = scene.switch
    for act in (
        switch.record,
        switch.mask,
        switch.mask,
        switch.pause,
        switch.unmask,
        switch.pause,
        switch.resume,
        switch.record,
        switch.stop,
        switch.stop,
    ):
        scene.pass_time(1)
        act(channel)
    on, off = State.RECORDING, State.STOPPED
    states = [off, on, State.MASKED, on, State.PAUSED, on, off]
    pairs = pairwise(states)
    times = [NOON_S + second for second in (1, 2, 5, 6, 7, 9)]
    assert scene.recorder.changes == [
        Change(at_s, channel.id, *pair) for at_s, pair in zip(times, pairs, strict=True)
    ]
    scene.pass_time(1)
    (document,) = scene.store.archive.by_id.values()
    assert document.of.duration_ms == 7_000
    names = ["START", "MASK", "UNMASK", "PAUSE", "RESUME", "STOP"]
    assert scene.names() == [*(f"RECORD_{name}" for name in names), "doc_created"]


@pytest.mark.parametrize(
    ("parameters", "answered", "bridged"),
    [
        ({}, State.RECORDING, State.RECORDING),
        ({"record_on_answer": True}, State.WAITING, State.RECORDING),
        ({"record_on_bridge": True}, State.WAITING, State.RECORDING),
    ],
)
def test_a_recording_may_wait(
    parameters: dict[str, Any], answered: State, bridged: State
) -> None:
    """For the answer or the bridge; what never began leaves nothing."""
    scene = Scene()
    calls = [scene.switch.begin_call(scene.jdoe) for _ in range(2)]
    for call in calls:
        assert ask(scene, call.channels[0].id, action="start", **parameters) == 202
        assert call.channels[0].state is answered
    scene.switch.answer(calls[0])
    assert calls[0].channels[0].state is bridged
    scene.switch.end(calls[1])
    scene.pass_time(SHORT_S)
    began = 0 if parameters else 1
    assert len(scene.store.archive.by_id) == began


def test_a_recording_ends_at_its_limit() -> None:
    """Unless it ended before; the next one has a limit of its own."""
    scene = Scene()
    channel = talk(scene).channels[0]
    ask(scene, channel.id, action="start", time_limit=10)
    ask(scene, channel.id, action="stop")
    ask(scene, channel.id, action="start", time_limit=10)
    states = []
    for seconds in (9.7, 0.5):
        scene.pass_time(seconds)
        states.append(channel.state)
    assert states == [State.RECORDING, State.STOPPED]
    lengths = [it.of.duration_ms for it in scene.store.archive.by_id.values()]
    assert lengths == [100, 10_000]


@pytest.mark.parametrize(
    ("parameters", "options", "kept"),
    [
        ({}, {}, True),
        ({}, {"stores_recordings": False}, False),
        ({"url": "https://storage.example"}, {"stores_recordings": False}, True),
        ({"record_min_sec": 3}, {}, False),
        ({"record_min_sec": 1}, {}, True),
        ({"skip_module": True}, {}, False),
    ],
)
def test_some_recordings_leave_no_document(
    parameters: dict[str, Any], options: dict[str, Any], kept: bool
) -> None:
    """What is too short, skipped, or not stored."""
    scene = Scene(**options)
    channel = talk(scene).channels[0]
    ask(scene, channel.id, action="start", **parameters)
    scene.pass_time(2)
    ask(scene, channel.id, action="stop")
    assert len(scene.store.archive.by_id) == kept
    assert len(channel.media_recordings) == kept


def test_parameters_show_in_the_document() -> None:
    """All of them that a document has a field for; origin is not the asker's."""
    scene = Scene()
    channel = talk(scene).channels[0]
    wanted = {"format": "wav", "label": "card", "media_name": "one.wav"}
    ask(scene, channel.id, **wanted, origin="forged", url="https://storage.example")
    ask(scene, channel.id, action="stop")
    (document,) = scene.store.archive.by_id.values()
    said = scene.wire.document(document)
    assert (said["media_type"], said["content_type"]) == (".wav", "audio/x-wav")
    assert (said["name"], said["origin"]) == ("one.wav", "card")
    assert said["url"] == "https://storage.example"


def test_a_named_recording_may_not_stop() -> None:
    """By an option; whoever hangs up ends it all the same."""
    scene = Scene(ignores_stop_of_named=True)
    call = talk(scene)
    ask(scene, call.channels[0].id, action="start", media_name="one")
    assert ask(scene, call.channels[0].id, action="stop") == 202
    assert call.channels[0].state is State.RECORDING
    scene.switch.end(call)
    scene.pass_time(SHORT_S)
    assert len(scene.store.archive.by_id) == 1


@pytest.mark.parametrize("follows", [True, False])
def test_a_transfer_takes_the_recording_along(follows: bool) -> None:
    """Or does not; the new channel is of the same interaction."""
    scene = Scene()
    call = talk(scene)
    caller, leaving = call.channels
    ask(scene, caller.id, action="start", should_follow_transfer=follows)
    scene.names()
    taking = scene.switch.transfer(call, scene.asmith)
    assert (taking.interaction_id, taking.owner_id) == (
        call.interaction_id,
        scene.asmith,
    )
    assert (caller.other_leg, taking.other_leg) == (taking.id, caller.id)
    assert (leaving.is_over, call.live) == (True, [caller, taking])
    assert (caller.state is State.RECORDING) is follows
    names = [name for name in scene.names() if name.startswith("CHANNEL")]
    begun = ["CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE"]
    assert names == ["CHANNEL_DESTROY", *begun]


def test_an_accepted_metaflow_takes_its_time() -> None:
    """Or never has an effect: by the next delay, the fault, or a deaf channel."""
    scene = Scene(control_delay_s=1.0)
    channel = talk(scene).channels[0]
    deaf = talk(scene, metaflows=False).channels[0]
    scene.switch.next_delay("never")
    for each in (channel, deaf):
        assert ask(scene, each.id, action="start") == 202
        scene.pass_time(100)
        assert each.state is State.STOPPED
    ask(scene, channel.id, action="start")
    states = [channel.state]
    scene.pass_time(1)
    assert [*states, channel.state] == [State.STOPPED, State.RECORDING]


def test_what_comes_too_late_comes_to_nothing() -> None:
    scene = Scene(control_delay_s=1.0)
    call = talk(scene)
    ask(scene, call.channels[0].id, action="start")
    scene.switch.end(call)
    scene.pass_time(5)
    assert (scene.recorder.changes, call.channels[0].state) == ([], State.STOPPED)
    assert ask(scene, call.channels[0].id, action="start") == 404


def test_people_only_do_what_they_can() -> None:
    """Everything else is said at once."""
    scene = Scene()
    call = talk(scene, call_id="first")
    ringing = scene.switch.begin_call(scene.asmith)
    with pytest.raises(ValueError, match="first"):
        scene.switch.begin_call(scene.asmith, call_id="first")
    with pytest.raises(ValueError, match="no user nobody"):
        scene.switch.begin_call("nobody")
    with pytest.raises(ValueError, match="nothing rings"):
        scene.switch.answer(call)
    with pytest.raises(ValueError, match="nobody to transfer"):
        scene.switch.transfer(ringing, scene.jdoe)
    scene.switch.end(call)
    with pytest.raises(ValueError, match="has ended"):
        scene.switch.end(call)
    with pytest.raises(ValueError, match="has ended"):
        scene.switch.record(call.channels[0])
    with pytest.raises(ValueError, match="has ended"):
        scene.switch.hold(call.channels[0])


def metaflow(data: object, module: object = "record_call") -> dict[str, Any]:
    return {"action": "metaflow", "data": {"module": module, "data": data}}


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({}, "action", "enum"),
        ({"action": "hangup"}, "action", "enum"),
        ({"action": "metaflow"}, "data", "type"),
        ({"action": "metaflow", "data": {}}, "module", "required"),
        (metaflow({}, "rewind"), "module", "enum"),
        (metaflow([]), "data", "type"),
        (metaflow({"action": "rewind"}), "data.action", "enum"),
        (metaflow({"action": "pause"}), "data.action", "enum"),
        (metaflow({"action": None}), "data.action", "type"),
        (metaflow({"format": "ogg"}), "data.format", "enum"),
        (metaflow({"label": 1}), "data.label", "type"),
        (metaflow({"media_name": True}), "data.media_name", "type"),
        (metaflow({"method": "get"}), "data.method", "enum"),
        (metaflow({"origin": 1}), "data.origin", "type"),
        (metaflow({"record_min_sec": "3"}), "data.record_min_sec", "type"),
        (metaflow({"record_on_answer": 1}), "data.record_on_answer", "type"),
        (metaflow({"record_on_bridge": "yes"}), "data.record_on_bridge", "type"),
        (metaflow({"record_sample_rate": 8.5}), "data.record_sample_rate", "type"),
        (
            metaflow({"should_follow_transfer": 0}),
            "data.should_follow_transfer",
            "type",
        ),
        (metaflow({"skip_module": "no"}), "data.skip_module", "type"),
        (metaflow({"time_limit": True}), "data.time_limit", "type"),
        (metaflow({"url": {}}), "data.url", "type"),
    ],
)
def test_a_wrong_metaflow_is_refused(body: Any, field: str, rule: str) -> None:
    """With the field and the rule that it breaks."""
    scene = Scene()
    channel = talk(scene).channels[0]
    answer, accepted = scene.rest.metaflow(channel.id, body)
    assert (answer.status, answer.error, accepted) == (400, "validation error", None)
    assert answer.data.keys() == {field}
    assert answer.data[field].keys() == {rule}


@pytest.mark.parametrize(
    ("action", "state"),
    [("toggle", State.RECORDING), (None, State.RECORDING), ("stop", State.STOPPED)],
)
def test_toggle_and_nothing_are_start(action: str | None, state: State) -> None:
    """On a channel that is recorded too: there they change nothing."""
    scene = Scene()
    channel = talk(scene).channels[0]
    parameters = {} if action is None else {"action": action}
    for _ in range(2):
        assert ask(scene, channel.id, **parameters) == 202
        assert channel.state is state


def test_the_newer_release_can_do_more() -> None:
    """Pause and resume, and two orders without a metaflow."""
    scene = Scene(release=5)
    channel = talk(scene).channels[0]
    order = {"data": {"action": "start_record"}}
    answer, accepted = scene.rest.order(channel.id, order)
    assert (answer.status, answer.data) == (202, "recording started")
    assert accepted
    scene.switch.accept(*accepted)
    scene.pass_time(SHORT_S)
    for action, state in (("pause", State.PAUSED), ("resume", State.RECORDING)):
        assert ask(scene, channel.id, action=action) == 202
        assert channel.state is state
    older = Scene()
    answer, accepted = older.rest.order(talk(older).channels[0].id, order)
    assert (answer.status, accepted) == (400, None)


def test_a_channel_says_nothing_of_its_recording() -> None:
    """Nothing differs but the time that has passed."""
    scene = Scene()
    channel = talk(scene).channels[0]
    before = scene.rest.channel(channel.id).data
    listed = scene.rest.channels().data
    scene.switch.record(channel)
    assert scene.rest.channel(channel.id).data == before
    assert scene.rest.channels().data == listed
    assert before["interaction_id"] == channel.interaction_id
    assert {item["uuid"] for item in listed} == {channel.id, channel.other_leg}
    assert all("interaction_id" not in item for item in listed)
    scene.switch.hold(channel)
    assert scene.rest.channel(channel.id).data["is_on_hold"]
    scene.switch.unhold(channel)
    assert scene.rest.channel(channel.id).data == before


def test_traffic_follows_from_the_seed() -> None:
    """And keeps everybody busy, also with recordings."""
    told = []
    for _ in range(2):
        scene = Scene(users=10)
        traffic = RandomTraffic(scene.switch, random.Random(3))  # noqa: S311
        for _ in range(400):
            scene.pass_time(0.5)
            traffic.move()
        told.append([(event.name, event.key) for event in scene.events])
        assert scene.store.archive.by_id
    assert told[0] == told[1]
    names = {name for name, _ in told[0]}
    assert {"CHANNEL_CREATE", "RECORD_STOP", "RECORD_MASK", "doc_created"} <= names
