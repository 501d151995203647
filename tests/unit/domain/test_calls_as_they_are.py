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


def test_a_call_first_seen_in_the_middle_was_unknown_until_then() -> None:
    """From the answer to the first sight nobody can say."""
    life = Life()
    events = life.at(100).read("jdoe", "active", "recording", answered_age_s=40)
    assert events == ["call.started", "recording.started"]
    assert life.events[1].detail["first_sight"] is True
    assert life.intervals() == [("unknown", 60, 100)]
    shown = life.at(110).shown
    assert shown.call.answered_at == second(60)
    assert shown.recording.since == second(100)
    assert shown.recording.since_exact is False
    assert shown.recording.started_at is None
    assert (shown.totals.unknown_s, shown.totals.recording_s) == (40, 10)


def test_a_call_that_never_says_it_ended_is_lost_after_four_hours() -> None:
    """Nobody could see it for so long; its recording state stays unknown."""
    hour = 3600
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(70).blind("jdoe", since_s=60)
    assert life.next_due_s() == 60 + 4 * hour
    assert life.at(59 + 4 * hour).tick() == []
    events = life.at(60 + 4 * hour).tick()
    assert events == ["issue.closed", "call.ended"]
    assert life.shown.call.end_reason == "lost"
    assert life.state == ("unknown", "source_blind")
    assert life.shown.recording.last_known == "recording"
    assert life.shown.totals.unknown_s == 4 * hour


def test_a_call_that_one_source_still_sees_is_not_lost() -> None:
    """All of its sources must have been blind for so long."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(1).told("asmith", "active", "paused")
    life.at(20).blind("jdoe", since_s=10)
    assert life.at(5 * 3600).tick() == []
    life.at(5 * 3600 + 20).blind("asmith", since_s=5 * 3600)
    assert life.next_due_s() == 9 * 3600


def test_who_left_saw_the_call_until_then() -> None:
    """Only then did the four hours begin."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(0).told("asmith", "active", "recording")
    life.at(20).blind("jdoe", since_s=10)
    life.at(50).told("asmith", "ended")
    assert life.next_due_s() == 50 + 4 * 3600


def test_the_same_id_again_reopens_the_call_and_the_gap_is_unknown() -> None:
    """Its version goes on, and its totals have the gap."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(10).told("jdoe", "ended")
    version = life.known.version
    events = life.at(30).told("jdoe", "active", "recording")
    assert events == ["call.reopened", "recording.started"]
    assert life.known.version == version + 1
    assert life.intervals() == [("recording", 0, 10), ("unknown", 10, 30)]
    shown = life.at(35).shown
    assert (shown.totals.recording_s, shown.totals.unknown_s) == (15, 20)
    assert shown.call.ended_at is None
    assert shown.call.end_reason is None
    assert shown.recording.started_at is None
    assert shown.recording.since_exact is False


def test_what_stopped_a_call_says_nothing_of_its_second_life() -> None:
    """Nobody saw how it came to its state."""
    life = Life()
    life.at(0).told("jdoe", "active", "stopped")
    life.at(10).told("jdoe", "ended")
    life.at(30).told("jdoe", "active", "stopped")
    assert life.shown.recording.cause.by == "unknown"


def test_an_answer_found_late_does_not_count_what_was_closed_before() -> None:
    """The totals go on from the last closed interval."""
    life = Life()
    life.at(0).told("jdoe", "ringing", "stopped")
    life.at(9).told("jdoe", "ringing", "recording")
    life.at(10).read("asmith", "active", age_s=3)
    assert life.shown.call.answered_at == second(9)
    assert life.shown.totals.recording_s == 1


def test_a_forgotten_calls_version_rises_from_its_tombstone() -> None:
    """Nothing else of it is known, so it is reopened, not started."""
    life = Life(tomb=41)
    assert life.at(0).told("jdoe", "active")[0] == "call.reopened"
    assert life.known.version == 42


def test_a_read_begun_before_the_end_does_not_reopen_the_call() -> None:
    """What it saw was true then."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(10).told("jdoe", "ended")
    assert life.at(12).read("jdoe", "active", "recording", age_s=3) == []
    assert life.at(13).read("asmith", "active", "recording", age_s=4) == []
    assert life.known.ended_at == second(10)


def test_a_read_begun_before_a_leg_left_does_not_bring_it_back() -> None:
    """The same for one leg of a call that goes on."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(1).told("asmith", "active", "stopped")
    life.at(10).told("jdoe", "ended")
    assert life.at(12).read("jdoe", "active", "recording", age_s=3) == []
    assert life.state == ("stopped", None)
    assert life.at(14).read("jdoe", "active", "recording", age_s=1) != []
    assert life.state == ("recording", None)


def test_an_end_that_nobody_saw_begin_is_nothing() -> None:
    """It makes neither a call nor a party."""
    life = Life()
    assert life.at(0).told("jdoe", "ended") == []
    assert life.call is None
    life.at(1).told("asmith", "active")
    assert life.at(2).told("jdoe", "ended") == []
    assert [party.agent for party in life.shown.call.parties] == ["asmith"]


def test_absence_from_a_complete_read_releases_only_what_was_last_seen_before() -> None:
    """A notification that came while the read ran keeps its leg."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(10).told("jdoe", "held")
    assert life.at(11).absent("jdoe", began_s=9) == []
    assert life.at(11).absent("jdoe", began_s=10) == []
    events = life.at(12).absent("jdoe", began_s=11)
    assert events == ["recording.stopped", "call.ended"]
    assert life.shown.call.end_reason == "absent"
    assert life.shown.call.ended_at == second(11)


def test_a_call_does_not_end_before_its_last_leg_did() -> None:
    """Though the read that missed the other one began earlier."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(1).told("asmith", "active", "recording")
    life.at(10).told("jdoe", "ended")
    life.at(12).absent("asmith", began_s=8)
    assert life.known.ended_at == second(10)
    assert life.intervals() == [("recording", 0, 10)]


def test_its_end_counts_from_then_also_when_nothing_was_recorded() -> None:
    """There was no state to change, so the legs alone say when."""
    life = Life()
    life.at(0).told("jdoe", "active", "stopped")
    life.at(1).told("asmith", "active", "stopped")
    life.at(10).told("jdoe", "ended")
    life.at(12).absent("asmith", began_s=8)
    assert life.known.ended_at == second(10)


def test_a_read_that_began_earlier_makes_nobody_seen_less() -> None:
    """The leg was last seen when the notification came."""
    life = Life()
    life.at(9).told("jdoe", "active", "recording")
    life.at(10).read("jdoe", "active", "recording", age_s=3)
    assert life.at(11).absent("jdoe", began_s=8) == []


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


def test_a_call_that_is_handed_over_waits_for_its_next_leg() -> None:
    """Who leaves may be heard before who comes; nobody is told of an end."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording", type="inbound")
    assert life.at(10).told("jdoe", "ended", hands_over=True) == [
        "call.changed",
        "recording.stopped",
    ]
    assert life.shown.call.state == "active"
    assert life.at(12).tick() == []
    assert life.at(13).told("asmith", "active", "recording") == [
        "call.changed",
        "recording.started",
    ]
    assert life.at(60).tick() == []


def test_a_call_that_nobody_took_over_ended_when_it_was_left() -> None:
    """The wait is not part of the call."""
    life = Life()
    life.at(0).told("jdoe", "active", "recording")
    life.at(10).told("jdoe", "ended", hands_over=True)
    assert life.at(16).tick() == ["call.ended"]
    assert life.shown.call.ended_at == second(10)
    assert life.intervals() == [("recording", 0, 10)]
