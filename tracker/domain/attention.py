"""A call's issues: opened and closed by themselves, from what is and what should be."""

from datetime import datetime

from tracker.domain.base import later
from tracker.domain.call import Call
from tracker.domain.changes import Change, Policy
from tracker.domain.snapshot import Issue
from tracker.domain.terms import IssueType

_FAILED = frozenset({"unconfirmed", "contradicted", "refused"})


def wanted(call: Call, policy: Policy) -> dict[IssueType, datetime]:
    """When each issue is due, in the state as it stands; a due time may lie ahead."""
    if call.ended_at is not None:
        return {}
    recording = call.recording
    due: dict[IssueType, datetime] = {}
    match recording.state:
        case "stopped" if call.answered_at and call.expected == "always":
            begin = max(recording.since, call.answered_at)
            due["not_recording"] = later(begin, policy.not_recording_after_s)
        case "paused":
            due["paused_long"] = later(recording.since, policy.paused_long_after_s)
        case "recording" if call.expected == "never":
            due["recorded_forbidden"] = recording.since
        case "unknown" if recording.unknown_reason == "source_blind":
            due["unseen"] = recording.since
    command = call.command
    if command and command.stage in _FAILED and not command.made_up:
        due["command_failed"] = command.settled_at or command.requested_at
    return due


def attend(
    call: Call, now: datetime, policy: Policy
) -> tuple[Call, tuple[Change, ...]]:
    """Open what is due at *now*, and close what is no longer so."""
    due = wanted(call, policy)
    if not due and not call.issues:
        return call, ()
    open_now = {issue.type: issue for issue in call.issues}
    issues = tuple(
        open_now.get(kind) or Issue(type=kind, opened_at=at)
        for kind, at in due.items()
        if at <= now
    )
    if issues == call.issues:
        return call, ()
    kept = {issue.type for issue in issues}
    opened = tuple(
        Change("issue.opened", issue.opened_at, {"issue": issue.type})
        for issue in issues
        if issue.type not in open_now
    )
    closed = tuple(
        Change("issue.closed", now, {"issue": i.type, "opened_at": i.opened_at})
        for i in call.issues
        if i.type not in kept
    )
    return call.but(issues=issues), opened + closed


def next_due(call: Call, policy: Policy) -> datetime | None:
    """When the next issue opens by time alone; None = none will."""
    due = wanted(call, policy)
    if not due:
        return None
    for issue in call.issues:
        due.pop(issue.type, None)
    return min(due.values(), default=None)
