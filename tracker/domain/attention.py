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
    if recording.state == "stopped" and call.expected == "always" and call.answered_at:
        begin = max(recording.since, call.answered_at)
        due["not_recording"] = later(begin, policy.not_recording_after_s)
    if recording.state == "paused":
        due["paused_long"] = later(recording.since, policy.paused_long_after_s)
    if recording.state == "recording" and call.expected == "never":
        due["recorded_forbidden"] = recording.since
    if recording.unknown_reason == "source_blind":
        due["unseen"] = recording.since
    command = call.command
    if command and command.stage in _FAILED and recording.state != command.target:
        due["command_failed"] = command.settled_at or command.requested_at
    return due


def attend(
    call: Call, now: datetime, policy: Policy
) -> tuple[Call, tuple[Change, ...], datetime | None]:
    """Open and close what is due at *now*.

    Returns:
        The call, the changes, and when the next issue will be due.
    """
    due = wanted(call, policy)
    open_now = {issue.type: issue for issue in call.issues}
    issues = tuple(
        open_now.get(kind) or Issue(type=kind, opened_at=at)
        for kind, at in due.items()
        if at <= now
    )
    next_due = min((at for at in due.values() if at > now), default=None)
    if issues == call.issues:
        return call, (), next_due
    kept = {issue.type for issue in issues}
    changes = [
        Change("issue.opened", i.opened_at, {"issue": i.type})
        for i in issues
        if i.type not in open_now
    ]
    changes += [
        Change("issue.closed", now, {"issue": i.type, "opened_at": i.opened_at})
        for i in call.issues
        if i.type not in kept
    ]
    return call.model_copy(update={"issues": issues}), tuple(changes), next_due
