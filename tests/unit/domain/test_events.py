"""What is told of a change, and what it is called."""

from typing import Any, get_args

import pytest

from tests.unit.domain.life import Life, second
from tracker.domain.event import EVENT_TYPES, PREFIX
from tracker.domain.terms import RecordingState

NAMES: list[tuple[RecordingState, RecordingState, list[str]]] = [
    ("stopped", "recording", ["recording.started"]),
    ("stopped", "paused", ["recording.paused"]),
    ("recording", "paused", ["recording.paused"]),
    ("recording", "stopped", ["recording.stopped"]),
    ("paused", "recording", ["recording.resumed"]),
    ("paused", "stopped", ["recording.stopped"]),
]


@pytest.mark.parametrize(("before", "after", "events"), NAMES)
def test_a_change_is_named_by_its_states(
    before: RecordingState, after: RecordingState, events: list[str]
) -> None:
    """It says where from and where to, when, and why."""
    life = Life()
    life.at(0).told("a", "active", before)
    assert life.at(5).told("a", "active", after) == events
    change = life.last(events[0])
    assert change.at == second(5)
    assert change.detail == {
        "from": before,
        "to": after,
        "last_known": before,
        "cause": {"by": "platform"},
    }


@pytest.mark.parametrize(("before", "after", "events"), NAMES)
def test_after_an_unknown_time_it_is_named_by_the_last_known_state(
    before: RecordingState, after: RecordingState, events: list[str]
) -> None:
    """As if there had been no darkness; it came from unknown all the same."""
    life = Life()
    life.at(0).told("a", "active", before)
    life.at(20).blind("a", since_s=5)
    assert life.at(30).read("a", "active", after) == [*events, "issue.closed"]
    detail = life.last(events[0]).detail
    assert (detail["from"], detail["last_known"]) == ("unknown", before)


FIRST_SIGHTS: list[tuple[RecordingState | None, list[str]]] = [
    ("recording", ["recording.started"]),
    ("paused", ["recording.paused"]),
    ("stopped", []),
    (None, []),
]


@pytest.mark.parametrize(("recording", "events"), FIRST_SIGHTS)
def test_a_first_sight_says_so(
    recording: RecordingState | None, events: list[str]
) -> None:
    """A recording that does not run is nothing new."""
    life = Life()
    told = life.at(0).told("a", "active", recording)
    assert told == ["call.started", *events]
    for change in life.events[1:]:
        assert change.detail["first_sight"] is True
        assert change.detail["from"] is None


@pytest.mark.parametrize(
    ("found", "events"),
    [
        ("recording", ["recording.started"]),
        ("paused", ["recording.paused"]),
        ("stopped", ["call.changed"]),
    ],
)
def test_what_was_never_known_becomes_known(
    found: RecordingState, events: list[str]
) -> None:
    """As at a first sight, but the call was known."""
    life = Life()
    life.at(0).told("a", "ringing")
    assert life.at(5).told("a", "ringing", found) == events
    assert "first_sight" not in life.events[-1].detail


def test_an_end_tells_the_whole_timeline_last() -> None:
    """The newest event alone is enough."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(20).blind("a", since_s=8)
    life.at(30).read("a", "active", "paused")
    life.at(40).told("a", "ended")
    ended = life.events[-1]
    assert ended.type == "call.ended"
    assert ended.at == second(40)
    told = ended.detail["timeline"]
    assert isinstance(told, list)
    assert [(i["state"], i["evidence"]) for i in told] == [
        ("recording", "notification"),
        ("unknown", "none"),
        ("paused", "read"),
    ]
    assert told[1]["unknown_reason"] == "source_blind"
    assert told[0]["from"] == "2025-06-01T12:00:00Z"


def test_a_state_that_another_leg_held_all_along_was_told_by_that_leg() -> None:
    """Its evidence is how that leg's claim was made."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).read("b", "active", "paused")
    life.at(5).told("a", "ended")
    life.at(9).told("b", "ended")
    assert [i.evidence for i in life.timeline] == ["notification", "read"]


def test_whatever_changes_is_told() -> None:
    """What is no recording, command or issue is a change of the call."""
    life = Life()
    life.at(0).told("a", "active")
    fields: dict[str, Any] = {
        "ani": "…99",
        "dnis": "15001",
        "type": "inbound",
        "interaction_id": "i1",
        "attributes": {"case": "7"},
        "provider_ids": {"connId": "0071"},
        "team": "sales",
        "device": "631608b3",
        "number": "15000",
        "role": "supervisor",
        "expected": "on_demand",
        "actions": ("pause",),
    }
    for field, value in fields.items():
        assert life.at(1).told("a", "active", **{field: value})[0] == "call.changed"
        life.at(2).told("a", "active")


def test_every_change_has_a_published_type() -> None:
    """And none is made up on the way."""
    life = Life()
    life.at(0).told("a", "active", "recording", expected="never")
    life.at(1).ask("pause")
    life.at(2).send("a")
    life.at(3).result("a", "accepted")
    life.at(4).told("a", "active", "paused")
    life.at(5).told("a", "ended")
    life.at(6).told("a", "active", "recording")
    told = {PREFIX + change.type for change in life.events}
    assert told <= set(EVENT_TYPES)
    states = {t.split(".")[2] for t in EVENT_TYPES if ".source." in t}
    assert states == {"up", "down", "locked"}
    assert len(get_args(RecordingState)) == 4


def test_a_commands_stages_are_told_with_the_step_before() -> None:
    """What waits for others is only a change of the call."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).ask("pause")
    assert life.events[-1].detail["from"] is None
    assert life.at(2).send("a") == ["call.changed"]
    life.at(3).result("a", "accepted")
    assert life.last("command.accepted").detail["from"] == "sent"
    assert life.last("command.accepted").at == second(3)
    life.at(4).told("a", "active", "paused")
    assert life.last("command.confirmed").detail == {
        "command": "c1",
        "action": "pause",
        "from": "accepted",
        "to": "confirmed",
        "problem": None,
    }
