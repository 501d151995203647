"""How a command ends: confirmed, or not, once nothing more can come of it."""

from datetime import datetime

from tracker.domain.base import later
from tracker.domain.call import PRECEDENCE, Call, Leg
from tracker.domain.changes import Policy
from tracker.domain.command import Command, Execution, Overruled


def settle(call: Call, now: datetime, policy: Policy) -> Call:
    """Bring the open command to its end, once nothing more can come of it.

    Args:
        call: With its legs and its recording state already as they are now.
        now: The input's time.
        policy: Thresholds.
    """
    command = call.command
    if command is None:
        return call
    if command.settled_at is not None:
        return _made_up(call, command)
    executions = tuple(
        _part(execution, call, command, now, policy) for execution in command.executions
    )
    command = command.but(executions=executions)
    if not command.open:
        command = command.but(overruled=_overruled(call, command), settled_at=now)
        return _made_up(call.but(command=command), command)
    return call.but(command=command)


def _made_up(call: Call, command: Command) -> Call:
    """What failed is no failure any more once its target is there."""
    is_there = call.recording.state == command.target
    if not is_there or command.made_up or command.stage == "confirmed":
        return call
    return call.but(command=command.but(made_up=True))


def _part(
    execution: Execution, call: Call, command: Command, now: datetime, policy: Policy
) -> Execution:
    """One leg's part as it is now; a refusal does not count of one that has left."""
    leg = call.leg_of(execution.source, execution.leg)
    counts = execution.open or execution.stage == "refused"
    if counts and leg is not None and _is_spared(execution, leg, call, command):
        return execution.but(stage="confirmed", problem=None)
    if not execution.open:
        return execution
    return _settled(execution, call, command, now, policy)


def _settled(
    execution: Execution, call: Call, command: Command, now: datetime, policy: Policy
) -> Execution:
    leg = call.leg_of(execution.source, execution.leg)
    over = leg is None or not leg.live
    waits = not over or (command.agent is None and _others_wait(call, command))
    seen_at = execution.target_seen_at
    if waits and not (over and seen_at) and now < _due_of(execution, command, policy):
        return execution
    if seen_at and (over or execution.accepted_at is None):
        return execution.but(stage="confirmed", problem=None)
    if over:
        who = "call ended" if call.ended_at else "agent left the call"
        seen = "it was sent" if execution.sent_at is None else "the change was seen"
        return execution.but(stage="contradicted", problem=f"the {who} before {seen}")
    unsent = "never sent in time" if execution.sent_at is None else None
    what = unsent or execution.problem or "not seen by the deadline"
    return execution.but(stage="unconfirmed", problem=what)


def _others_wait(call: Call, command: Command) -> bool:
    """A leg that is still on the call may yet prove it."""
    parts = [(e, call.leg_of(e.source, e.leg)) for e in command.executions]
    return any(e.open and leg is not None and leg.live for e, leg in parts)


def _is_spared(execution: Execution, leg: Leg, call: Call, command: Command) -> bool:
    """Another leg has proved it of the call, and this one is not needed for that.

    It has left; or it can prove nothing, where one leg that records is enough.
    """
    silent = command.target == "recording" and leg.no_proof and execution.accepted_at
    has_left = not leg.live and call.ended_at is None
    return (
        command.agent is None
        and bool(silent or has_left)
        and any(other.stage == "confirmed" for other in command.executions)
    )


def _overruled(call: Call, command: Command) -> Overruled | None:
    """What is proved of its legs is true of the call only if no other leg is above."""
    state = call.recording.state
    held = PRECEDENCE.index(state) >= PRECEDENCE.index(command.target)
    if held or command.agent is not None or command.stage != "confirmed":
        return None
    if state == "unknown":
        return Overruled("unconfirmed", "another leg cannot be seen")
    return Overruled("contradicted", f"another leg shows {state}")


def next_due(call: Call, policy: Policy) -> datetime | None:
    """When an execution must be settled; None when none is open."""
    command = call.command
    if command is None or command.settled_at is not None:
        return None
    due = [_due_of(e, command, policy) for e in command.executions if e.open]
    return min(due, default=None)


def _due_of(execution: Execution, command: Command, policy: Policy) -> datetime:
    if execution.sent_at is None:
        return later(command.requested_at, policy.unsent_for_s)
    return later(execution.sent_at, command.deadline_s + policy.deadline_grace_s)
