"""Whole calls, as they happen."""

from itertools import permutations
from typing import Any

import pytest

from tests.unit.domain.life import Life, second
from tracker.domain.reading import OtherParty


def test_an_internal_call_is_paused_resumed_and_ended() -> None:
    """The plain life of a recorded call, with its timeline and totals."""
    life = Life()
    assert life.at(0).told("jdoe", "dialing", type="internal") == ["call.started"]
    assert life.state == ("unknown", "not_reported")
    assert life.at(2).told("jdoe", "active") == ["call.changed"]
    assert life.at(3).told("jdoe", "active", "recording") == ["recording.started"]
    assert life.at(13).told("jdoe", "active", "paused") == ["recording.paused"]
    assert life.at(18).told("jdoe", "active", "recording") == ["recording.resumed"]
    assert life.at(38).told("jdoe", "ended") == ["recording.stopped", "call.ended"]
    assert life.intervals() == [
        ("unknown", 0, 3),
        ("recording", 3, 13),
        ("paused", 13, 18),
        ("recording", 18, 38),
    ]
    shown = life.shown
    assert (shown.totals.recording_s, shown.totals.paused_s) == (30, 5)
    assert shown.totals.unknown_s == 1
    assert shown.totals.as_of == shown.call.ended_at == second(38)
    assert shown.call.end_reason == "released"
    assert shown.recording.cause.by == "released"
    assert shown.recording.started_at == second(3)


STORIES = {
    "jdoe": [("active", "recording"), ("active", "paused")],
    "asmith": [("active", "stopped"), ("active", "recording"), ("active", "stopped")],
}


@pytest.mark.parametrize("order", sorted(set(permutations("jjaaa"))))
def test_two_agents_report_different_states_in_every_order(
    order: tuple[str, ...],
) -> None:
    """However their messages interleave, the call ends up paused."""
    life = Life()
    stories = {"j": iter(STORIES["jdoe"]), "a": iter(STORIES["asmith"])}
    for s, who in enumerate(order):
        state, recording = next(stories[who])
        agent = "jdoe" if who == "j" else "asmith"
        life.at(s).told(agent, state, recording)
        claims = {leg.claim for leg in life.known.legs}
        assert (life.state[0] == "recording") == ("recording" in claims)
    assert life.state == ("paused", None)
    parties = {
        p.agent: p.recording and p.recording.state for p in life.shown.call.parties
    }
    assert parties == {"jdoe": "paused", "asmith": "stopped"}


def test_two_agents_on_an_internal_call_are_nobodys_outside_party() -> None:
    """Each sees the other; together they are the whole call."""
    life = Life()
    jdoe: dict[str, Any] = {"number": "15000", "others": (OtherParty(number="…5001"),)}
    asmith: dict[str, Any] = {
        "number": "15001",
        "others": (OtherParty(number="…5000"),),
    }
    life.at(0).told("jdoe", "dialing", **jdoe)
    assert [p.number for p in life.shown.call.parties] == ["15000", "…5001"]
    life.at(1).told("asmith", "ringing", **asmith)
    assert [p.agent for p in life.shown.call.parties] == ["jdoe", "asmith"]
    assert life.at(2).told("jdoe", "dialing", **jdoe) == []


def test_a_consult_and_a_transfer_leave_the_call_to_the_second_agent() -> None:
    """The first agent is released, the call and its recording go on."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording", type="inbound")
    assert life.at(10).told("jdoe", "held", "recording") == ["call.changed"]
    assert life.at(20).told("asmith", "active", "recording") == ["call.changed"]
    assert life.at(21).told("jdoe", "ended") == ["call.changed"]
    assert life.state == ("recording", None)
    assert life.known.ended_at is None
    assert life.leg("jdoe").left_at == second(21)
    events = life.at(60).told("asmith", "ended")
    assert events == ["recording.stopped", "call.ended"]
    assert life.shown.totals.recording_s == 60


def test_a_transfer_to_an_unrecorded_agent_stops_the_recording() -> None:
    """The recording left with the leg that it belonged to."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(5).told("asmith", "active", "stopped")
    assert life.at(9).told("jdoe", "ended") == ["call.changed", "recording.stopped"]
    assert life.shown.recording.cause.by == "released"
    assert life.shown.recording.since == second(9)
    assert life.shown.recording.observed_by == "genesys/acme/asmith"
    assert life.shown.recording.seen_at == second(5)


def test_a_consult_is_a_call_of_its_own_with_a_parent() -> None:
    """What a later message does not say, stays."""
    life = Life()
    life.at(0).told("jdoe", "dialing", type="consult", parent="genesys/acme/01PARENT")
    life.at(1).told("jdoe", "active")
    assert life.shown.call.type == "consult"
    assert life.shown.call.parent == "genesys/acme/01PARENT"


def test_a_conference_records_while_any_leg_does() -> None:
    """Three agents; the call is paused only when the last of them is."""
    life = Life()
    for s, agent in enumerate(("jdoe", "asmith", "bking")):
        life.at(s).told(agent, "active", "recording")
    assert life.at(10).told("jdoe", "active", "paused") == ["call.changed"]
    assert life.at(11).told("asmith", "active", "paused") == ["call.changed"]
    assert life.state == ("recording", None)
    assert life.at(12).told("bking", "active", "paused") == ["recording.paused"]
    assert life.at(13).told("asmith", "active", "recording") == ["recording.resumed"]


def test_hold_and_retrieve_while_recording_is_no_recording_event() -> None:
    """Hold never changes the recording state."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    assert life.at(5).told("jdoe", "held", "recording") == ["call.changed"]
    assert life.shown.call.state == "held"
    assert life.at(9).told("jdoe", "held") == []
    assert life.at(10).told("jdoe", "active") == ["call.changed"]
    assert life.state == ("recording", None)
    assert life.shown.recording.since == second(0)


def test_a_supervisor_who_monitors_is_a_leg_with_that_role() -> None:
    """He is shown as one; his leg's end does not end the call."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(5).told("boss", "active", role="supervisor")
    roles = [party.role for party in life.shown.call.parties]
    assert roles == ["agent", "supervisor"]
    assert life.at(8).told("boss", "ended") == ["call.changed"]
    assert life.state == ("recording", None)


def test_a_message_without_a_recording_state_keeps_the_legs_claim() -> None:
    """Silence is not *stopped*."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    assert life.at(1).told("jdoe", "active") == []
    assert life.state == ("recording", None)


def test_an_old_owner_that_wakes_up_changes_nothing() -> None:
    """A leg's claims are ordered by the lease's token, then by number."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording", token=1)
    life.at(1).told("jdoe", "active", "paused", token=2)
    assert life.at(2).told("jdoe", "active", "recording", token=1) == []
    assert life.state == ("paused", None)


def test_a_stored_recording_is_linked_to_its_call() -> None:
    """Also when the call is over; to a call that is not known it says nothing."""
    life = Life()
    assert life.at(0).media("vonage/1/m1") == []
    life.at(1).told("jdoe", "active")
    assert life.at(2).media("vonage/1/m1") == ["call.changed"]
    life.at(3).told("jdoe", "ended")
    assert life.at(4).media("vonage/1/m2") == ["call.changed"]
    assert [*life.shown.media] == ["vonage/1/m1", "vonage/1/m2"]
    assert life.at(5).media("vonage/1/m1", gone=True) == ["call.changed"]
    assert [*life.shown.media] == ["vonage/1/m2"]
