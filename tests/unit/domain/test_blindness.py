"""A source that cannot see: unknown, back-dated, until it sees again."""

import pytest

from tests.unit.domain.life import Life, second
from tracker.domain.terms import RecordingState


def test_a_blind_leg_is_unknown_since_its_sources_last_answer() -> None:
    """The totals that were shown meanwhile are corrected."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    assert life.at(20).shown.totals.recording_s == 20
    assert life.blind("a", since_s=8) == ["recording.unknown", "issue.opened"]
    shown = life.shown
    assert (shown.totals.recording_s, shown.totals.unknown_s) == (8, 12)
    assert shown.recording.since == second(8)
    assert shown.recording.since_exact is False
    assert shown.recording.last_known == "recording"
    assert shown.recording.cause.by == "unknown"
    assert shown.allowed_actions == ("start", "stop", "pause", "resume")
    assert life.last("recording.unknown").at == second(8)


def test_blindness_reaches_no_further_back_than_what_was_seen() -> None:
    """The source was seen to see then."""
    life = Life()
    life.at(0).told("a", "active", "stopped")
    life.at(9).told("a", "active", "recording")
    life.at(20).blind("a", since_s=8.5)
    assert life.shown.recording.since == second(9)
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(9).told("a", "active")
    life.at(20).blind("a", since_s=8.5)
    assert life.intervals() == [("recording", 0, 9)]


def test_blindness_is_dated_once() -> None:
    """Being told again that a source is blind says nothing new."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(20).blind("a", since_s=8)
    assert life.at(22).blind("a", since_s=10) == []
    assert life.at(24).blind("a", since_s=5) == []
    assert life.shown.recording.since == second(8)


SEEN_AGAIN: list[tuple[RecordingState, list[str], str]] = [
    ("recording", ["recording.seen", "issue.closed"], "platform"),
    ("paused", ["recording.paused", "issue.closed"], "unknown"),
    ("stopped", ["recording.stopped", "issue.closed"], "unknown"),
]


@pytest.mark.parametrize(("found", "events", "cause"), SEEN_AGAIN)
def test_the_resync_ends_the_blind_interval(
    found: RecordingState, events: list[str], cause: str
) -> None:
    """The same state again is *seen*; of another nobody knows why."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(20).blind("a", since_s=8)
    assert life.at(30).read("a", "active", found) == events
    assert life.intervals()[1:] == [("unknown", 8, 30)]
    assert life.shown.recording.cause.by == cause
    assert life.shown.recording.since_exact is False


def test_a_start_in_the_dark_was_not_seen() -> None:
    """Neither by a look nor by a notification that came after."""
    for exact in (True, False):
        life = Life()
        life.at(0).told("a", "active", "stopped")
        life.at(20).blind("a", since_s=8)
        events = life.at(30).told("a", "active", "recording", exact=exact)
        assert events == ["recording.started", "issue.closed"]
        assert life.shown.recording.started_at is None
        assert life.shown.recording.since_exact is False


def test_a_claim_does_not_outlive_blindness() -> None:
    """A message without a state proves that the call lives, not that it records."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(20).blind("a", since_s=8)
    assert life.at(30).read("a", "active") == ["issue.closed"]
    assert life.state == ("unknown", "not_reported")
    assert life.shown.recording.last_known == "recording"
    assert life.at(31).told("a", "active", "recording") == ["recording.seen"]


def test_a_leg_that_was_not_looked_at_in_time_is_not_seen() -> None:
    """Its source sees others; the next look ends it."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    events = life.at(20).read("a", "active", "unknown", unseen=True, age_s=16)
    assert events == ["recording.unknown", "issue.opened"]
    assert life.state == ("unknown", "source_blind")
    assert life.issues == ["unseen"]
    assert life.shown.recording.last_known == "recording"
    assert life.at(30).read("a", "active", "recording") == [
        "recording.seen",
        "issue.closed",
    ]
    assert life.intervals() == [("recording", 0, 4), ("unknown", 4, 30)]


def test_a_leg_that_sees_carries_the_call() -> None:
    """Only the leg's own state turns unknown."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "recording")
    assert life.at(20).blind("a", since_s=8) == ["call.changed"]
    assert life.state == ("recording", None)
    assert [
        party.recording and party.recording.state for party in life.shown.call.parties
    ] == ["unknown", "recording"]


def test_a_call_that_ended_in_the_dark_was_unknown_until_it_was_missed() -> None:
    """Its end is when the read that missed it began."""
    life = Life()
    life.at(0).told("a", "active", "paused")
    life.at(20).blind("a", since_s=8)
    events = life.at(31).absent("a", began_s=30)
    assert events == ["recording.stopped", "issue.closed", "call.ended"]
    assert life.intervals() == [("paused", 0, 8), ("unknown", 8, 30)]


def test_a_blind_source_that_tells_of_the_end_is_believed() -> None:
    """There was no recording to stop, so only the call's end is told."""
    life = Life()
    life.at(0).told("a", "active", "stopped")
    life.at(20).blind("a", since_s=8)
    assert life.at(30).told("a", "ended") == ["issue.closed", "call.ended"]
    assert life.state == ("stopped", None)


def test_an_ended_call_cannot_turn_blind() -> None:
    """What is over needs no eyes."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(5).told("a", "ended")
    assert life.at(20).blind("a", since_s=4) == []
    assert life.known.ended_at == second(5)


def test_another_reason_is_another_interval() -> None:
    """What the platform never reported can also be out of sight."""
    life = Life()
    life.at(0).told("a", "active")
    assert life.at(20).blind("a", since_s=8) == ["issue.opened"]
    assert life.state == ("unknown", "source_blind")
    assert life.intervals() == [("unknown", 0, 8)]
    assert life.at(30).read("a", "active") == ["issue.closed"]
    assert life.state == ("unknown", "not_reported")
