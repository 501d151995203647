"""Issues open and close by themselves."""

from typing import Any

import pytest

from tests.unit.domain.life import Life, second
from tracker.domain.changes import Policy
from tracker.domain.terms import RecordingState


def test_a_call_that_should_be_recorded_has_five_seconds() -> None:
    """From its answer, not from its ringing."""
    life = Life()
    life.at(0).told("a", "ringing", "stopped", expected="always")
    assert life.next_due_s() is None
    life.at(10).told("a", "active", "stopped", expected="always")
    assert life.next_due_s() == 15
    assert life.at(14.999).tick() == []
    assert life.at(15.5).tick() == ["issue.opened"]
    assert life.issues == ["not_recording"]
    assert life.last("issue.opened").at == second(15)
    assert life.next_due_s() is None
    events = life.at(16).told("a", "active", "recording", expected="always")
    assert events == ["recording.started", "issue.closed"]


def test_a_stopped_recording_that_should_run_has_five_seconds_too() -> None:
    """From the stop."""
    life = Life()
    life.at(0).told("a", "active", "recording", expected="always")
    life.at(60).told("a", "active", "stopped", expected="always")
    assert life.next_due_s() == 65


def test_a_pause_may_last_two_minutes() -> None:
    """Whatever is expected."""
    life = Life()
    life.at(0).told("a", "active", "paused")
    assert life.next_due_s() == 120
    assert life.at(121).tick() == ["issue.opened"]
    assert life.issues == ["paused_long"]
    events = life.at(130).told("a", "active", "recording")
    assert events == ["recording.resumed", "issue.closed"]


def test_a_forbidden_recording_is_an_issue_at_once() -> None:
    """And again no longer when it stops."""
    life = Life()
    events = life.at(0).told("a", "active", "recording", expected="never")
    assert events == ["call.started", "recording.started", "issue.opened"]
    assert life.issues == ["recorded_forbidden"]
    life.at(1).told("a", "active", "stopped", expected="never")
    assert life.issues == []


def test_the_strongest_expectation_of_the_live_legs_counts() -> None:
    """Always before never before on demand."""
    life = Life()
    life.at(0).told("a", "active", "recording", expected="never")
    life.at(1).told("b", "active", "recording", expected="always")
    assert life.issues == []
    assert life.shown.recording.expected == "always"
    life.at(2).told("b", "ended")
    assert life.issues == ["recorded_forbidden"]


def test_what_cannot_be_seen_is_an_issue_since_it_could_not() -> None:
    """It closes with the resync."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(20).blind("a", since_s=8)
    assert life.issues == ["unseen"]
    assert life.shown.issues[0].opened_at == second(8)


NO_ISSUE: list[tuple[RecordingState | None, dict[str, Any]]] = [
    (None, {"expected": "always"}),
    (None, {"expected": "never"}),
    ("stopped", {"expected": "always", "no_proof": True}),
    ("recording", {"expected": "never", "no_proof": True}),
    ("stopped", {"expected": "never"}),
    ("stopped", {"expected": "on_demand"}),
    ("stopped", {"expected": "unset"}),
    ("recording", {"expected": "always"}),
    ("recording", {"expected": "on_demand"}),
]


@pytest.mark.parametrize(("recording", "fields"), NO_ISSUE)
def test_what_is_not_reported_or_not_provable_opens_nothing(
    recording: RecordingState | None, fields: dict[str, Any]
) -> None:
    """Nor does what is as it should be."""
    life = Life()
    life.at(0).told("a", "active", recording, **fields)
    assert life.at(1000).tick() == []
    assert life.issues == []


def test_a_calls_end_closes_its_issues_before_it() -> None:
    """The call's end is the last that is told of it."""
    life = Life()
    life.at(0).told("a", "active", "stopped", expected="always")
    life.at(6).tick()
    assert life.at(9).told("a", "ended") == ["issue.closed", "call.ended"]
    assert life.issues == []


def test_a_failed_command_is_an_issue_until_its_target_is_reached() -> None:
    """However it is reached."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).ask("pause")
    life.at(2).send("a")
    events = life.at(3).result("a", "refused", "no licence")
    assert events == ["command.refused", "issue.opened"]
    assert life.issues == ["command_failed"]
    events = life.at(4).told("a", "active", "paused")
    assert events == ["recording.paused", "issue.closed"]
    assert life.at(5).told("a", "active", "recording") == ["recording.resumed"]
    life.at(6).told("a", "active", "paused")
    assert life.at(20).blind("a", since_s=8) == ["recording.unknown", "issue.opened"]
    assert life.issues == ["unseen"]
    life.at(30).read("a", "active", "recording")
    life.at(31).ask("pause", id_="c2")
    life.at(32).send("a", id_="c2")
    events = life.at(33).result("a", "refused", "no licence", id_="c2")
    assert events == ["command.refused", "issue.opened"]


def test_thresholds_are_settings() -> None:
    """Zero opens at once."""
    policy = Policy(not_recording_after_s=0, paused_long_after_s=1)
    life = Life(policy)
    life.at(0).told("a", "active", "stopped", expected="always")
    assert life.issues == ["not_recording"]
    life.at(1).told("a", "active", "paused", expected="always")
    assert life.next_due_s() == 2
