"""Commands: what somebody asked for, and how far its proof has come.

A command names a leg or goes to every leg that needs it; each leg's part is an
`Execution`, done by that leg's own source. The command is settled when all are.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from msgspec import field

from tracker.domain.base import Instant, Message, Record, later
from tracker.domain.snapshot import CommandPart
from tracker.domain.terms import (
    OPEN_STAGES,
    Action,
    Reason,
    RecordingState,
    Stage,
)


class Request(Message, frozen=True, tag="request"):
    """Somebody asks; it enters by the call's inbox.

    Attributes:
        not_after: Later than this it is refused as expired.
        deadline_s: From the moment of sending to the last look.
        agent: The leg to command; None = every leg that needs it.
        idempotency_key: Holds per subject and call; a repeat changes nothing.
        options: What the platform alone understands, passed through.
        elsewhere: Somebody else asked the platform, which accepted it: only its proof
            is wanted. It is not refused for what the call shows now.
    """

    id: str
    call: str
    action: Action
    requested_by: str
    not_after: Instant
    agent: str | None = None
    reason: Reason | None = None
    deadline_s: float = 15.0
    idempotency_key: str | None = None
    options: dict[str, str | int | bool] = field(default_factory=dict)
    elsewhere: bool = False


class Sent(Message, frozen=True, tag="sent"):
    """The executor is about to ask the provider; the first one wins."""

    call: str
    command: str
    source: str
    token: int
    attempt: str
    leg: str = ""


class Outcome(Message, frozen=True, tag="outcome"):
    """What became of the asking.

    Attributes:
        result: ``accepted`` (2xx); ``refused`` (the provider's no); ``lost`` (it may
            have been taken: we look); ``not_taken`` (429, first 401: queued again);
            ``late`` (waited too long in a rate budget, never asked).
    """

    call: str
    command: str
    source: str
    result: Literal["accepted", "refused", "lost", "not_taken", "late"]
    leg: str = ""
    attempt: str | None = None
    problem: str | None = None


class Execution(Record, frozen=True):
    """One leg's part of a command.

    Attributes:
        before: The leg's state when it was asked: seen again, it means *not yet*.
        attempt: Whose asking was let through; None before.
        target_seen_at: When the target was seen after `sent_at`.
        target_told: It was so by a notification.
        lost: The provider's answer never came; it may have been taken.
    """

    source: str
    leg_id: str
    before: RecordingState
    leg: str = ""
    stage: Stage = "requested"
    attempt: str | None = None
    sent_at: Instant | None = None
    accepted_at: Instant | None = None
    target_seen_at: Instant | None = None
    target_told: bool = False
    lost: bool = False
    problem: str | None = None

    @property
    def open(self) -> bool:
        """Still waiting for something."""
        return self.stage in OPEN_STAGES


class Overruled(NamedTuple):
    """What a command's proved executions came to, when the call shows another state."""

    stage: Stage
    problem: str


class Command(Record, frozen=True):
    """The call's newest command, with what is needed to settle it.

    Attributes:
        agent: Whose leg it names; None = the whole call.
        overruled: Every execution was proved, yet of the call it is not true.
        made_up: It failed, and the call came to its target all the same.
    """

    id: str
    action: Action
    target: RecordingState
    requested_by: str
    requested_at: Instant
    not_after: Instant
    deadline_s: float
    executions: tuple[Execution, ...]
    agent: str | None = None
    reason: Reason | None = None
    idempotency_key: str | None = None
    options: dict[str, str | int | bool] = field(default_factory=dict)
    elsewhere: bool = False
    overruled: Overruled | None = None
    made_up: bool = False
    settled_at: Instant | None = None

    @property
    def stage(self) -> Stage:
        """The weakest of its executions: what is true of the command as a whole."""
        if self.overruled is not None:
            return self.overruled.stage
        return min((e.stage for e in self.executions), key=_WEAKNESS.index)

    @property
    def open(self) -> bool:
        """At least one execution waits."""
        return any(e.open for e in self.executions)

    @property
    def sent_at(self) -> datetime | None:
        """When the provider was first asked."""
        return min((e.sent_at for e in self.executions if e.sent_at), default=None)

    @property
    def problem(self) -> str | None:
        """Why it is not confirmed; None when it is, or not yet."""
        if self.overruled is not None:
            return self.overruled.problem
        return next((e.problem for e in self.executions if e.problem), None)

    def part(self) -> CommandPart:
        """The public form."""
        sent_at = self.sent_at
        accepted = [e.accepted_at for e in self.executions]
        return CommandPart(
            id=self.id,
            action=self.action,
            target=self.target,
            stage=self.stage,
            agent=self.agent,
            reason=self.reason,
            elsewhere=self.elsewhere,
            requested_by=self.requested_by,
            source=self.executions[0].source if len(self.executions) == 1 else None,
            requested_at=self.requested_at,
            sent_at=sent_at,
            accepted_at=max((a for a in accepted if a), default=None)
            if all(accepted)
            else None,
            settled_at=self.settled_at,
            deadline_at=self.deadline_at,
            problem=self.problem,
        )

    @property
    def deadline_at(self) -> datetime | None:
        """When the last look is due; None before anything was sent."""
        sent = [e.sent_at for e in self.executions if e.sent_at and e.open]
        sent = sent or [e.sent_at for e in self.executions if e.sent_at]
        return later(max(sent), self.deadline_s) if sent else None


_WEAKNESS: tuple[Stage, ...] = (
    "requested",
    "sent",
    "accepted",
    "refused",
    "contradicted",
    "unconfirmed",
    "confirmed",
)
