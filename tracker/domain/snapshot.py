"""The public forms of entities: a promise, versioned (DESIGN section 3).

Parts that calls are kept with as well are dataclasses: a `Model` and a `Record` can
both have them.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from tracker.domain.base import Instant, Model
from tracker.domain.terms import (
    Action,
    CallState,
    CallType,
    CauseBy,
    EndReason,
    Expected,
    IssueType,
    Reason,
    RecordingState,
    Role,
    SourceState,
    Stage,
    UnknownReason,
)


class PartyRecording(Model):
    """What one leg says of its recording, and since when it says so."""

    state: RecordingState
    seen_at: Instant | None = None


class Party(Model):
    """Somebody on the call; *recording* only where a source sees the leg."""

    agent: str | None = None
    team: str | None = None
    role: Role
    number: str | None = None
    device: str | None = None
    state: CallState | None = None
    joined_at: Instant | None = None
    left_at: Instant | None = None
    recording: PartyRecording | None = None
    allowed_actions: tuple[Action, ...] = ()


class CallPart(Model):
    """The call itself, whatever is recorded of it."""

    state: CallState
    type: CallType = "unknown"
    ani: str | None = None
    dnis: str | None = None
    answered_at: Instant | None = None
    ended_at: Instant | None = None
    end_reason: EndReason | None = None
    parent: str | None = None
    interaction_id: str | None = None
    provider_ids: dict[str, str] = Field(default_factory=dict)
    attributes: dict[str, str] = Field(default_factory=dict)
    parties: tuple[Party, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why the recording state changed, as far as known."""

    by: CauseBy
    command_id: str | None = None
    actor: str | None = None
    reason: Reason | None = None

    @property
    def told(self) -> dict[str, str]:
        """What is known of it."""
        told = {
            "by": self.by,
            "command_id": self.command_id,
            "actor": self.actor,
            "reason": self.reason,
        }
        return {name: value for name, value in told.items() if value is not None}


class RecordingPart(Model):
    """The call's recording state and how it is known.

    Attributes:
        last_known: The last state that was not unknown.
        since: When the state began; exact only when *since_exact*.
        started_at: When it was seen to start; None = never seen started.
        seen_at: The observation that set the state.
        observed_by: The source that made it.
    """

    state: RecordingState
    unknown_reason: UnknownReason | None = None
    last_known: RecordingState | None = None
    since: Instant
    since_exact: bool
    started_at: Instant | None = None
    seen_at: Instant | None = None
    observed_by: str | None = None
    cause: Cause
    expected: Expected = "unset"


class CommandPart(Model):
    """A command of a call, open or settled.

    Attributes:
        agent: Whose leg it names; None = every leg that needs it.
        elsewhere: Somebody else asked the platform and was told 202; its times of
            sending and acceptance are when tracker was told of it.
    """

    id: str
    action: Action
    target: RecordingState
    stage: Stage
    agent: str | None = None
    reason: Reason | None = None
    elsewhere: bool = False
    requested_by: str
    source: str | None = None
    requested_at: Instant
    sent_at: Instant | None = None
    accepted_at: Instant | None = None
    settled_at: Instant | None = None
    deadline_at: Instant | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Seconds in each state since the answer, up to *as_of*."""

    recording_s: float = 0.0
    paused_s: float = 0.0
    stopped_s: float = 0.0
    unknown_s: float = 0.0
    as_of: Instant

    def plus(self, state: RecordingState, seconds: float, at: datetime) -> "Totals":
        """With *seconds* more in *state*, up to *at*."""
        sums = {
            "recording_s": self.recording_s,
            "paused_s": self.paused_s,
            "stopped_s": self.stopped_s,
            "unknown_s": self.unknown_s,
        }
        sums[f"{state}_s"] = round(sums[f"{state}_s"] + seconds, 3)
        return Totals(**sums, as_of=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something that needs attention, since when."""

    type: IssueType
    opened_at: Instant


class CallSnapshot(Model):
    """One call, the same in REST, WebSocket and webhook."""

    key: str
    provider: str
    account: str
    call_id: str
    version: int
    call: CallPart
    recording: RecordingPart
    command: CommandPart | None = None
    allowed_actions: tuple[Action, ...] = ()
    totals: Totals
    issues: tuple[Issue, ...] = ()
    media: tuple[str, ...] = ()


class SourceSnapshot(Model):
    """The health of one feed: an agent's session, an account's poller.

    Attributes:
        alive_at: Of one that is up: since when; it has answered ever since. Of one
            that is not: its last answer, None = it never gave one.
    """

    key: str
    provider: str
    account: str
    state: SourceState
    since: Instant
    alive_at: Instant | None = None
    last_error: str | None = None
    version: int


class AccountSnapshot(Model):
    """The health of one tenant of a platform, from its sources.

    Attributes:
        alive_at: The latest of its sources', when it came up or went down.
    """

    key: str
    provider: str
    account: str
    state: SourceState
    since: Instant
    alive_at: Instant | None = None
    last_error: str | None = None
    version: int
