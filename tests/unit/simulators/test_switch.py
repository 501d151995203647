"""What happens to calls, and who is told."""

from collections.abc import Callable

import pytest

from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions
from tracker.simulators.genesys.model import (
    Call,
    CallState,
    Leg,
    RecordingOperation,
    RecordingState,
)
from tracker.simulators.genesys.switch import Switch
from tracker.simulators.genesys.traffic import RandomTraffic

A, B, C = "agent-0001", "agent-0002", "agent-0003"

Told = list[tuple[str, str, str, str]]


@pytest.fixture
def switch() -> Switch:
    return GenesysSimulator(SimulatorOptions(agents=4)).switch


@pytest.fixture
def told(switch: Switch) -> Told:
    """Who was told what, of which call, in which state."""
    entries: Told = []

    def listen(leg: Leg, notification_type: str) -> None:
        entries.append((leg.agent.id, notification_type, leg.call.type, leg.state))

    switch.listener = listen
    return entries


@pytest.fixture
def call(switch: Switch, told: Told) -> Call:
    """A and B talk; nobody was told yet."""
    call = switch.dial(A, B)
    switch.answer(call)
    told.clear()
    return call


def test_a_call_is_dialled_and_answered(switch: Switch, told: Told) -> None:
    """Each side is told its own state, in the same call."""
    call = switch.dial(A, B)
    switch.answer(call)
    assert told == [
        (A, "StatusChange", "Internal", "Dialing"),
        (B, "StatusChange", "Internal", "Ringing"),
        (A, "StatusChange", "Internal", "Established"),
        (B, "StatusChange", "Internal", "Established"),
    ]
    assert [leg.call.uuid for leg in call.legs] == [call.uuid] * 2


@pytest.mark.parametrize(
    ("begin", "call_type", "state"),
    [
        (lambda switch: switch.dial_in("15550100", A), "Inbound", "Ringing"),
        (lambda switch: switch.dial(A, "15550100"), "Outbound", "Dialing"),
    ],
)
def test_calls_from_and_to_outside_have_one_leg(
    switch: Switch,
    told: Told,
    begin: Callable[[Switch], Call],
    call_type: str,
    state: str,
) -> None:
    """The other party has no device here, but is a participant."""
    call = begin(switch)
    assert told == [(A, "StatusChange", call_type, state)]
    assert call.legs[0].other_numbers() == ["15550100"]


def test_each_leg_has_a_recording_of_its_own(
    switch: Switch, told: Told, call: Call
) -> None:
    """The other leg only sees attached data change, which says otherwise."""
    assert switch.start_recording(call, A)
    assert call.leg_of(A).recording is RecordingState.RECORDING
    assert call.leg_of(B).recording is RecordingState.STOPPED
    assert call.user_data["GSIP_RECORD"] == "ON"
    assert [entry[:2] for entry in told] == [
        (A, "CallRecordingStateChange"),
        (B, "AttachedDataChanged"),
    ]


@pytest.mark.parametrize(
    ("before", "offered"),
    [
        ([], {"StartCallRecording"}),
        (["Start"], {"PauseCallRecording", "StopCallRecording"}),
        (["Start", "Pause"], {"ResumeCallRecording", "StopCallRecording"}),
        (["Start", "Pause", "Resume"], {"PauseCallRecording", "StopCallRecording"}),
        (["Start", "Stop"], {"StartCallRecording"}),
    ],
)
def test_a_state_offers_what_makes_sense(
    switch: Switch, call: Call, before: list[str], offered: set[str]
) -> None:
    """Anything else does nothing."""
    for name in before:
        assert switch.record(call, A, RecordingOperation(f"{name}CallRecording"))
    assert set(call.leg_of(A).offered()) == offered
    state = call.leg_of(A).recording
    for operation in set(RecordingOperation) - offered:
        assert not switch.record(call, A, RecordingOperation(operation))
    assert call.leg_of(A).recording is state


def test_hold_changes_no_recording(switch: Switch, call: Call) -> None:
    """Neither does retrieve."""
    switch.start_recording(call, A)
    switch.hold(call, A)
    assert call.leg_of(A).state is CallState.HELD
    assert call.leg_of(A).recording is RecordingState.RECORDING
    switch.retrieve(call, A)
    assert call.leg_of(A).state is CallState.ESTABLISHED


def test_a_consultation_becomes_a_transfer(
    switch: Switch, told: Told, call: Call
) -> None:
    """Who asked leaves both calls; who was asked goes on in the first."""
    switch.start_recording(call, A)
    consult = switch.consult(call, A, C)
    switch.answer(consult)
    assert (consult.parent, consult.user_data["GSIP_RECORD"]) == (call, "ON")
    told.clear()
    switch.complete_transfer(consult)
    assert told == [
        (A, "StatusChange", "Consult", "Released"),
        (C, "StatusChange", "Consult", "Released"),
        (A, "StatusChange", "Internal", "Released"),
        (C, "StatusChange", "Internal", "Established"),
        (B, "ParticipantsUpdated", "Internal", "Established"),
    ]
    assert {leg.agent.id for leg in call.legs} == {B, C}
    assert list(switch.calls.values()) == [call]
    assert call.leg_of(C).recording is RecordingState.STOPPED


def test_a_transfer_to_outside_keeps_the_call(switch: Switch) -> None:
    """Also when the agent who leaves was the only one."""
    call = switch.dial_in("15550100", A)
    switch.answer(call)
    consult = switch.consult(call, A, B)
    switch.answer(consult)
    switch.complete_transfer(consult)
    assert switch.calls == {call.id: call}
    with pytest.raises(ValueError, match="only a consultation"):
        switch.complete_transfer(call)


def test_a_conference_goes_on_when_one_leaves(
    switch: Switch, told: Told, call: Call
) -> None:
    """The others see the participants change; of two, nobody stays behind."""
    switch.conference(call, C)
    switch.answer(call)
    assert [entry[:2] for entry in told] == [
        (C, "StatusChange"),
        (C, "StatusChange"),
        (A, "ParticipantsUpdated"),
        (B, "ParticipantsUpdated"),
    ]
    switch.hang_up(call, A)
    assert {leg.agent.id for leg in call.legs} == {B, C}
    switch.hang_up(call, B)
    assert switch.calls == {}


def test_a_supervisor_is_no_party(switch: Switch, told: Told, call: Call) -> None:
    """The watched agent is told; the others see no participant more."""
    switch.monitor(call, A, C)
    assert told == [
        (C, "StatusChange", "Internal", "Established"),
        (A, "PropertiesUpdated", "Internal", "Established"),
    ]
    assert call.leg_of(A).supervised
    assert call.leg_of(B).other_numbers() == [call.leg_of(A).agent.phone_number]
    assert call.leg_of(C).offered() == []
    assert call.parties == 2
    switch.end_monitoring(call)
    assert not call.leg_of(A).supervised
    assert switch.legs_of(C) == []


def test_attached_data_is_told_to_every_leg(
    switch: Switch, told: Told, call: Call
) -> None:
    """Nested values included."""
    switch.attach(call, {"Topic": {"name": "invoice"}})
    assert [entry[:2] for entry in told] == [
        (A, "AttachedDataChanged"),
        (B, "AttachedDataChanged"),
    ]
    assert call.user_data["Topic"] == {"name": "invoice"}


def test_a_call_may_vanish(switch: Switch, told: Told, call: Call) -> None:
    """Nobody is told."""
    switch.vanish(call)
    assert told == []
    assert switch.calls == {}


def test_the_same_call_may_come_again(switch: Switch, told: Told, call: Call) -> None:
    """Under the same id, after it was over."""
    switch.hang_up(call)
    told.clear()
    switch.join(call, A)
    assert told == [(A, "StatusChange", "Internal", "Established")]
    assert switch.calls == {call.id: call}


def history(seed: int, moves: int) -> Told:
    """What random traffic tells."""
    simulator = GenesysSimulator(SimulatorOptions(agents=40, seed=seed))
    switch = simulator.switch
    entries: Told = []

    def listen(leg: Leg, notification_type: str) -> None:
        entries.append((leg.agent.id, notification_type, leg.call.id, leg.state))

    switch.listener = listen
    traffic = RandomTraffic(switch, simulator.agents, simulator.site.rng)
    for _ in range(moves):
        traffic.move()
        for call in switch.calls.values():
            assert call.legs
            assert call.parties >= 2
    return entries


def test_random_traffic_follows_from_its_seed() -> None:
    """The same seed tells the same story, another one another."""
    assert history(3, 500) == history(3, 500)
    assert history(3, 500) != history(4, 500)


def test_random_traffic_does_everything() -> None:
    """Every kind of notification and state, and calls that end."""
    entries = history(1, 5_000)
    assert {entry[1] for entry in entries} == {
        "StatusChange",
        "CallRecordingStateChange",
        "AttachedDataChanged",
        "ParticipantsUpdated",
        "PropertiesUpdated",
    }
    assert {entry[3] for entry in entries} == set(CallState)
    assert len({entry[2] for entry in entries}) > 100


def test_lone_agents_can_make_no_traffic() -> None:
    """A move may come to nothing; it never fails."""
    simulator = GenesysSimulator(SimulatorOptions(agents=1))
    traffic = RandomTraffic(simulator.switch, simulator.agents, simulator.site.rng)
    for _ in range(50):
        traffic.move()
    assert simulator.switch.told == 0
