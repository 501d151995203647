"""When a call begins, when it is over, and when it comes back."""

from tests.unit.domain.life import Life, second


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
