"""The life of a command: asked, sent, accepted, and held against what is seen."""

from datetime import datetime
from typing import Literal

from tracker.domain.base import later
from tracker.domain.call import Call, Leg
from tracker.domain.changes import Answer
from tracker.domain.command import (
    Command,
    Execution,
    Outcome,
    Request,
    Sent,
)
from tracker.domain.key import make_key
from tracker.domain.reading import Observation, Stamp
from tracker.domain.snapshot import Cause
from tracker.domain.terms import TARGETS, Stage, allowed_actions

Problem = Literal[
    "unknown_call",
    "expired",
    "command_open",
    "no_such_leg",
    "unsupported_by_platform",
    "not_allowed_now",
]
"""Why a request is refused before anything is sent."""

MOST_SETTLED = 100
"""Requests of a call that are known again; the newest."""

_ANSWERED_FROM: dict[str, tuple[Stage, ...]] = {
    "accepted": ("sent",),
    "refused": ("requested", "sent"),
    "lost": ("sent",),
    "not_taken": ("sent",),
    "late": ("requested",),
}
"""The stages in which an outcome says something new: a repeat changes nothing."""


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
    name = make_key(asked.requested_by, asked.idempotency_key or asked.id)
    if name in call.settled:
        return call, Answer(asked.id, call.settled[name], None)
    if call.command and call.command.open:
        return call, Answer(asked.id, call.command.id, "command_open")
    legs, problem = _legs_to_command(call, asked)
    if now > asked.not_after:
        problem = "expired"
    if problem is not None:
        return call, Answer(asked.id, None, problem)
    command = Command(
        id=asked.id,
        action=asked.action,
        target=TARGETS[asked.action],
        agent=asked.agent,
        reason=asked.reason,
        requested_by=asked.requested_by,
        requested_at=now,
        not_after=asked.not_after,
        deadline_s=asked.deadline_s,
        idempotency_key=asked.idempotency_key,
        options=asked.options,
        elsewhere=asked.elsewhere,
        executions=tuple(_execution_of(leg, asked, now) for leg in legs),
    )
    settled = dict([*call.settled.items(), (name, asked.id)][-MOST_SETTLED:])
    return call.but(command=command, settled=settled), None


def _execution_of(leg: Leg, asked: Request, now: datetime) -> Execution:
    before = leg.recording
    execution = Execution(
        source=leg.source, leg=leg.leg, leg_id=leg.leg_id, before=before
    )
    if not asked.elsewhere:
        return execution
    return execution.but(stage="accepted", sent_at=now, accepted_at=now)


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
        or asked.elsewhere
    ]
    return fitting, None if fitting else "not_allowed_now"


def sent(call: Call | None, told: Sent, now: datetime) -> tuple[Call | None, Answer]:
    """Let the first one ask the provider; every later one is told no.

    So is who would ask for a leg that has left the call.
    """
    execution = _execution(call, told)
    leg = None if call is None else call.leg_of(told.source, told.leg)
    is_there = leg is not None and leg.live
    is_first = execution is not None and execution.stage == "requested"
    if call is None or execution is None or not (is_there and is_first):
        won = execution is not None and execution.attempt == told.attempt
        return call, Answer(told.attempt, told.command, None if won else "taken")
    execution = execution.but(stage="sent", attempt=told.attempt, sent_at=now)
    return _with(call, execution), Answer(told.attempt, told.command, None)


def outcome(call: Call | None, told: Outcome, now: datetime) -> Call | None:
    """Record what the provider answered; an overtaken proof counts now."""
    execution = _execution(call, told)
    if call is None or execution is None:
        return call
    if told.attempt is not None and told.attempt != execution.attempt:
        return call
    if execution.stage not in _ANSWERED_FROM[told.result]:
        return call
    return _with(call, _answered(execution, told, now))


def _answered(execution: Execution, told: Outcome, now: datetime) -> Execution:
    match told.result:
        case "accepted":
            stage = "confirmed" if execution.target_told else "accepted"
            return execution.but(stage=stage, accepted_at=now)
        case "refused":
            return execution.but(stage="refused", problem=told.problem)
        case "late":
            problem = told.problem or "never sent in time"
            return execution.but(stage="unconfirmed", problem=problem)
        case "not_taken":
            return execution.but(
                stage="requested",
                attempt=None,
                sent_at=None,
                target_seen_at=None,
                target_told=False,
            )
        case _:
            seen = execution.target_seen_at is not None
            return execution.but(
                stage="confirmed" if seen else "sent",
                lost=True,
                problem=None if seen else told.problem,
            )


def observed(call: Call, seen: Observation, stamp: Stamp, at: datetime) -> Call:
    """Hold what was seen of a leg against what was asked of it."""
    command = call.command
    if command is None or not command.open or seen.state == "ended":
        return call
    for execution in command.executions:
        if _is_about(execution, seen, stamp, at) and execution.open:
            call = _with(call, _held_against(execution, seen, command, at))
    return call


def _is_about(
    execution: Execution, seen: Observation, stamp: Stamp, at: datetime
) -> bool:
    """It shows the leg's state after the provider was asked."""
    mine = execution.source == stamp.source and execution.leg == seen.leg
    return mine and execution.sent_at is not None and at >= execution.sent_at


def _held_against(
    execution: Execution, seen: Observation, command: Command, at: datetime
) -> Execution:
    if seen.recording is None or seen.recording == "unknown":
        return execution
    if seen.recording == command.target:
        return _target_seen(execution, at, told=seen.exact)
    third = execution.before not in (seen.recording, "unknown")
    accepted, sent_at = execution.accepted_at is not None, execution.sent_at or at
    last_look = accepted and at >= later(sent_at, command.deadline_s)
    if not (third or last_look or execution.target_seen_at):
        return execution
    problem = f"the platform shows {seen.recording} instead"
    return execution.but(stage="contradicted", problem=problem)


def _target_seen(execution: Execution, at: datetime, *, told: bool) -> Execution:
    """Proof is a change told after the asking, or a look begun after the answer."""
    since = execution.accepted_at
    if execution.lost or (since is not None and (told or at >= since)):
        return execution.but(stage="confirmed", target_seen_at=at, problem=None)
    told = told or execution.target_told
    return execution.but(target_seen_at=at, target_told=told)


def cause_of(
    call: Call, seen: Observation, stamp: Stamp, at: datetime, otherwise: Cause
) -> Cause:
    """The open command, when *seen* shows what it asked of this leg."""
    command = call.command
    if command is None or not command.open or seen.state == "ended":
        return otherwise
    if seen.recording != command.target:
        return otherwise
    if not any(_is_about(e, seen, stamp, at) for e in command.executions):
        return otherwise
    return Cause(
        by="command",
        command_id=command.id,
        actor=command.requested_by,
        reason=command.reason,
    )


def _execution(call: Call | None, told: Sent | Outcome) -> Execution | None:
    if call is None or call.command is None or call.command.id != told.command:
        return None
    mine = (told.source, told.leg)
    executions = call.command.executions
    return next((e for e in executions if (e.source, e.leg) == mine), None)


def _with(call: Call, execution: Execution) -> Call:
    command = call.command
    if command is None:
        return call
    executions = tuple(
        execution if (old.source, old.leg) == (execution.source, execution.leg) else old
        for old in command.executions
    )
    return call.but(command=command.but(executions=executions))
