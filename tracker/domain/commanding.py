"""The life of a command: asked, sent, accepted, and proved or not."""

from datetime import datetime
from typing import Literal

from tracker.domain.base import earlier, later
from tracker.domain.call import Call, Leg
from tracker.domain.changes import Answer, Policy
from tracker.domain.command import Command, Execution, Outcome, Request, Sent
from tracker.domain.reading import Observation, Stamp
from tracker.domain.snapshot import Cause
from tracker.domain.terms import TARGETS, RecordingState, Stage, allowed_actions

Problem = Literal[
    "unknown_call",
    "expired",
    "command_open",
    "no_such_leg",
    "unsupported_by_platform",
    "not_allowed_now",
]
"""Why a request is refused before anything is sent."""


def request(
    call: Call | None, asked: Request, now: datetime
) -> tuple[Call | None, Answer | None]:
    """Put the request into the call, or refuse it.

    Returns:
        The call, and the answer for the waiter; an accepted request's answer is
        the published command itself, so None.
    """
    if call is None or call.ended_at is not None:
        return call, Answer(asked.id, None, "unknown_call")
    known = call.settled.get(_idempotency(asked))
    if known is not None:
        return call, Answer(asked.id, known, None)
    legs, problem = _legs_to_command(call, asked)
    if now > asked.not_after:
        problem = "expired"
    if call.command and call.command.open:
        return call, Answer(asked.id, call.command.id, "command_open")
    if problem is not None:
        return call, Answer(asked.id, None, problem)
    command = Command(
        **asked.model_dump(exclude={"kind", "call", "agent"}),
        target=TARGETS[asked.action],
        requested_at=now,
        executions=tuple(
            Execution(
                source=leg.source, leg=leg.leg, leg_id=leg.leg_id, before=leg.recording
            )
            for leg in legs
        ),
    )
    settled = call.settled
    if asked.idempotency_key is not None:
        settled = settled | {_idempotency(asked): asked.id}
    return call.model_copy(update={"command": command, "settled": settled}), None


def _idempotency(asked: Request) -> str:
    return f"{asked.requested_by} {asked.idempotency_key or asked.id}"


def _legs_to_command(call: Call, asked: Request) -> tuple[list[Leg], Problem | None]:
    legs = call.live_legs if asked.agent else call.counted_legs
    if asked.agent is not None:
        legs = [leg for leg in legs if leg.agent == asked.agent]
    if not legs:
        return [], "no_such_leg"
    if not any(asked.action in leg.actions for leg in legs):
        return [], "unsupported_by_platform"
    fitting = [
        leg
        for leg in legs
        if asked.action in allowed_actions(leg.recording, leg.actions)
    ]
    return fitting, None if fitting else "not_allowed_now"


def sent(call: Call | None, told: Sent, now: datetime) -> tuple[Call | None, Answer]:
    """Let the first one ask the provider; every later one is told no."""
    execution = _execution(call, told.command, told.source)
    if call is None or execution is None or execution.stage != "requested":
        won = execution is not None and execution.attempt == told.attempt
        return call, Answer(told.attempt, told.command, None if won else "taken")
    execution = execution.model_copy(
        update={"stage": "sent", "attempt": told.attempt, "sent_at": now}
    )
    return _with(call, execution), Answer(told.attempt, told.command, None)


def outcome(call: Call | None, told: Outcome, now: datetime) -> Call | None:
    """Record what the provider answered; an overtaken proof counts now."""
    execution = _execution(call, told.command, told.source)
    if call is None or execution is None or not execution.open:
        return call
    if told.attempt is not None and told.attempt != execution.attempt:
        return call
    return _with(call, _answered(execution, told, now))


def _answered(execution: Execution, told: Outcome, now: datetime) -> Execution:
    proved = execution.target_seen_at is not None
    stage: Stage = "confirmed" if proved else execution.stage
    update: dict[str, object]
    match told.result:
        case "accepted":
            update = {"accepted_at": now, "stage": stage if proved else "accepted"}
        case "refused":
            update = {"stage": "refused", "problem": told.problem}
        case "late":
            update = {"stage": "unconfirmed", "problem": told.problem}
        case "not_taken":
            update = {"stage": "requested", "attempt": None, "sent_at": None}
        case _:
            update = {"stage": stage, "lost": True, "problem": told.problem}
    return execution.model_copy(update=update)


def observed(call: Call, seen: Observation, stamp: Stamp, now: datetime) -> Call:
    """Hold what was seen of a leg against what was asked of it."""
    command = call.command
    if command is None or not command.open:
        return call
    for execution in command.executions:
        mine = execution.source == stamp.source and execution.leg == seen.leg
        if mine and execution.open and execution.sent_at is not None:
            call = _with(call, _held_against(execution, seen, command, now))
    return call


def _held_against(
    execution: Execution, seen: Observation, command: Command, now: datetime
) -> Execution:
    at = earlier(now, seen.age_s)
    if seen.state == "ended":
        problem = "the call ended before the change was seen"
        return execution.model_copy(
            update={"stage": "contradicted", "problem": problem}
        )
    if seen.recording is None or execution.sent_at is None or at < execution.sent_at:
        return execution
    if seen.recording == command.target:
        return _target_seen(execution, seen, at)
    return _other_seen(execution, seen.recording, command, at)


def _target_seen(execution: Execution, seen: Observation, at: datetime) -> Execution:
    asked_at = execution.accepted_at or (execution.sent_at if execution.lost else None)
    if asked_at is not None and (seen.exact or at >= asked_at):
        return execution.model_copy(
            update={"stage": "confirmed", "target_seen_at": at, "problem": None}
        )
    if seen.exact:
        return execution.model_copy(update={"target_seen_at": at})
    return execution


def _other_seen(
    execution: Execution, state: RecordingState, command: Command, at: datetime
) -> Execution:
    deadline_at = command.deadline_at
    third = state not in (execution.before, "unknown") and execution.before != "unknown"
    late = (
        execution.accepted_at is not None and deadline_at is not None
    ) and at >= deadline_at
    if not (third or late or execution.target_seen_at):
        return execution
    problem = f"the platform shows {state} instead"
    return execution.model_copy(update={"stage": "contradicted", "problem": problem})


def ended(call: Call) -> Call:
    """Settle what is still open when its leg or the call has ended."""
    command = call.command
    if command is None or not command.open:
        return call
    for execution in command.executions:
        leg = call.leg_of(execution.source, execution.leg)
        if execution.open and (leg is None or not leg.live):
            update = {
                "stage": "contradicted" if execution.sent_at else "refused",
                "problem": "the call ended before the change was seen",
            }
            call = _with(call, execution.model_copy(update=update))
    return call


def expire(call: Call, now: datetime, policy: Policy) -> Call:
    """At the deadline: what nobody could see is unconfirmed."""
    command = call.command
    due = next_due(call, policy)
    if command is None or due is None or now < due:
        return call
    for execution in command.executions:
        if execution.open:
            unsent = execution.sent_at is None
            problem = "never sent in time" if unsent else "not seen by the deadline"
            update = {"stage": "unconfirmed", "problem": execution.problem or problem}
            call = _with(call, execution.model_copy(update=update))
    return call


def next_due(call: Call, policy: Policy) -> datetime | None:
    """When the open command must be settled; None when none is open."""
    command = call.command
    if command is None or not command.open:
        return None
    unsent_s = policy.unsent_for_s + command.deadline_s
    deadline_at = command.deadline_at or later(command.requested_at, unsent_s)
    return later(deadline_at, policy.deadline_grace_s)


def stamp_settled(call: Call, now: datetime) -> Call:
    """Give a command that has just been settled its time."""
    command = call.command
    if command is None or command.open or command.settled_at is not None:
        return call
    return call.model_copy(
        update={"command": command.model_copy(update={"settled_at": now})}
    )


def cause_of(call: Call, seen: Observation, otherwise: Cause) -> Cause:
    """The open command, when *seen* shows what it asked for."""
    command = call.command
    if command is None or command.sent_at is None:
        return otherwise
    if not command.open or seen.recording != command.target:
        return otherwise
    return Cause(
        by="command",
        command_id=command.id,
        actor=command.requested_by,
        reason=command.reason,
    )


def _execution(call: Call | None, command: str, source: str) -> Execution | None:
    if call is None or call.command is None or call.command.id != command:
        return None
    executions = call.command.executions
    return next((e for e in executions if e.source == source), None)


def _with(call: Call, execution: Execution) -> Call:
    command = call.command
    if command is None:
        return call
    executions = tuple(
        execution if (old.source, old.leg) == (execution.source, execution.leg) else old
        for old in command.executions
    )
    command = command.model_copy(update={"executions": executions})
    return call.model_copy(update={"command": command})
