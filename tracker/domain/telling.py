"""What is told of a change: the facts that lie between two states of a call."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter

from msgspec import to_builtins

from tracker.domain.call import Call, Interval, Leg
from tracker.domain.changes import Change
from tracker.domain.command import Command
from tracker.domain.describe import call_actions
from tracker.domain.snapshot import CommandPart
from tracker.domain.terms import RecordingState, allowed_actions

_VERBS: dict[tuple[RecordingState | None, RecordingState], str] = {
    (None, "recording"): "started",
    (None, "paused"): "paused",
    ("stopped", "recording"): "started",
    ("paused", "recording"): "resumed",
    ("recording", "paused"): "paused",
    ("stopped", "paused"): "paused",
    ("recording", "stopped"): "stopped",
    ("paused", "stopped"): "stopped",
}


def describe_changes(
    before: Call | None,
    after: Call,
    now: datetime,
    issues: tuple[Change, ...],
    timeline: tuple[Interval, ...],
) -> tuple[Change, ...]:
    """What is to be told: a call's first event comes first, its end comes last.

    Args:
        before: None at the first sight.
        after: The call now.
        now: The input's time.
        issues: Those opened and closed.
        timeline: All closed intervals of the call, for its end.
    """
    changes = [
        *_recording_changes(before, after),
        *_command_changes(before, after),
        *issues,
    ]
    if before is not None and before.ended_at is None and after.ended_at is not None:
        return (*changes, _ended(before, after, timeline))
    if before is None or (before.ended_at is not None and after.ended_at is None):
        return (_begun(before, after, now), *changes)
    if _call_differs(before, after) or (not changes and _rest_differs(before, after)):
        detail: dict[str, object] = {"from": before.state, "to": after.state}
        return (Change("call.changed", now, detail), *changes)
    return tuple(changes)


def _begun(before: Call | None, after: Call, now: datetime) -> Change:
    """Started; or reopened, also when only a tombstone remembers the call."""
    old = "ended" if before is not None or after.version > 1 else None
    detail: dict[str, object] = {"from": old, "to": after.state}
    if old is not None:
        return Change("call.reopened", now, detail)
    return Change("call.started", after.legs[0].joined_at, detail)


def _ended(before: Call, after: Call, timeline: tuple[Interval, ...]) -> Change:
    detail: dict[str, object] = {
        "from": before.state,
        "to": "ended",
        "reason": after.end_reason,
        "timeline": [to_builtins(interval) for interval in timeline],
    }
    return Change("call.ended", after.ended_at or after.recording.since, detail)


def _recording_changes(before: Call | None, after: Call) -> list[Change]:
    """The one event of a changed recording state, or none."""
    new = after.recording
    old = before.recording if before else None
    if old is not None and old.state == new.state:
        return []
    detail: dict[str, object] = {
        "from": old.state if old else None,
        "to": new.state,
        "last_known": old.last_known if old else None,
        "cause": new.cause.told,
    }
    if old is None:
        detail["first_sight"] = True
    if new.state == "unknown":
        verb = "unknown" if old is not None else None
        detail["unknown_reason"] = new.unknown_reason
    elif old is not None and old.state == "unknown" and old.last_known == new.state:
        verb = None if after.ended_at and new.state == "stopped" else "seen"
    else:
        verb = _VERBS.get((old.last_known if old else None, new.state))
    return [Change(f"recording.{verb}", new.since, detail)] if verb else []


def _command_changes(before: Call | None, after: Call) -> list[Change]:
    """A command's new stage; `sent`, and queued again, are only changes of the call."""
    command = after.command
    old = before.command if before else None
    if command is None or command is old:
        return []
    stage_before = old.stage if old and old.id == command.id else None
    new = command.part()
    waits = new.stage == "sent" or (new.stage == "requested" and stage_before)
    if new.stage == stage_before or waits:
        return []
    at = {"requested": new.requested_at, "accepted": new.accepted_at}.get(new.stage)
    detail: dict[str, object] = {
        "command": new.id,
        "action": new.action,
        "from": stage_before,
        "to": new.stage,
        "problem": new.problem,
    }
    at = at or new.settled_at or new.requested_at
    return [Change(f"command.{new.stage}", at, detail)]


_of_call = attrgetter(
    "state",
    "type",
    "ani",
    "dnis",
    "parent",
    "interaction_id",
    "provider_ids",
    "attributes",
    "others",
    "answered_at",
)
_of_leg = attrgetter(
    "agent", "team", "role", "number_shown", "device", "state", "joined_at", "left_at"
)
_of_recording = attrgetter(
    "state",
    "unknown_reason",
    "last_known",
    "since",
    "exact",
    "started_at",
    "seen_at",
    "observed_by",
    "cause",
)


def _call_differs(before: Call, after: Call) -> bool:
    """Anything public of the call, without what its parties' recording does."""
    return _of_call(before) != _of_call(after) or _legs_differ(before, after, _of_leg)


def _rest_differs(before: Call, after: Call) -> bool:
    """Anything public of its recording, commands and media."""
    return (
        _legs_differ(before, after, _of_claim)
        or _of_recording(before.recording) != _of_recording(after.recording)
        or before.expected != after.expected
        or before.media != after.media
        or _part(before.command) != _part(after.command)
        or call_actions(before) != call_actions(after)
    )


def _legs_differ(before: Call, after: Call, public: Callable[[Leg], object]) -> bool:
    if len(before.legs) != len(after.legs):
        return True
    pairs = zip(before.legs, after.legs, strict=True)
    return any(old is not new and public(old) != public(new) for old, new in pairs)


def _of_claim(leg: Leg) -> object:
    state = leg.recording
    told = state, leg.claimed_at, allowed_actions(state, leg.actions)
    return told if leg.live else None


def _part(command: Command | None) -> CommandPart | None:
    return command.part() if command else None
