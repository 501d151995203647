"""The call as it is kept: one leg per source that sees it, and what they sum to."""

from datetime import datetime
from typing import NamedTuple

from msgspec import field

from tracker.domain.base import Instant, Record
from tracker.domain.command import Command
from tracker.domain.reading import OtherParty
from tracker.domain.snapshot import Cause, Issue, Totals
from tracker.domain.terms import (
    Action,
    CallState,
    CallType,
    EndReason,
    Evidence,
    Expected,
    RecordingState,
    Role,
    UnknownReason,
)

STRENGTH: tuple[CallState, ...] = ("active", "held", "dialing", "ringing", "ended")
"""The call's state is that of its strongest leg."""

PRECEDENCE: tuple[RecordingState, ...] = ("recording", "unknown", "paused", "stopped")
"""The call's recording state is the first of these that a counted leg has."""

REASONS: tuple[UnknownReason, ...] = ("source_blind", "no_proof", "not_reported")

MAX_ENDED_LEGS = 50
"""A call passed through more hands forgets the first ones; its totals do not."""

EXPECTATIONS: tuple[Expected, ...] = ("always", "never", "on_demand", "unset")


class Leg(Record, frozen=True):
    """A source's latest claim about its own leg.

    Attributes:
        token, number: The stamp of the claim; older ones change nothing.
        claim: The last recording state the platform reported; None = never any.
        claimed_at: When the claim was first made: repeats do not move it.
        exact: It was made by a notification, not by looking.
        last_seen_at: The newest observation of the leg, whatever it said.
        blind_at: Since when its source cannot see; None = it can.
        others: Whom its source sees beside it.
    """

    source: str
    token: int
    number: int
    leg_id: str
    state: CallState
    last_seen_at: Instant
    joined_at: Instant
    leg: str = ""
    claim: RecordingState | None = None
    no_proof: bool = False
    claimed_at: Instant | None = None
    exact: bool = False
    blind_at: Instant | None = None
    left_at: Instant | None = None
    agent: str | None = None
    team: str | None = None
    role: Role = "agent"
    number_shown: str | None = None
    device: str | None = None
    expected: Expected = "unset"
    actions: tuple[Action, ...] = ()
    others: tuple[OtherParty, ...] = ()

    def same_as(self, other: "Leg") -> bool:
        """It is the same leg, at whatever moment."""
        return self.source == other.source and self.leg == other.leg

    @property
    def live(self) -> bool:
        """It has not ended."""
        return self.state != "ended"

    @property
    def recording(self) -> RecordingState:
        """What can be said of it now: blind or never told is unknown."""
        if self.blind_at is not None or self.no_proof or self.claim is None:
            return "unknown"
        return self.claim

    @property
    def unknown_reason(self) -> UnknownReason | None:
        """Why it is unknown; None when it is not."""
        if self.recording != "unknown":
            return None
        if self.blind_at is not None:
            return "source_blind"
        return "no_proof" if self.no_proof else "not_reported"


class Recording(Record, frozen=True):
    """The call's summary, with its own clock."""

    state: RecordingState
    since: Instant
    cause: Cause
    unknown_reason: UnknownReason | None = None
    last_known: RecordingState | None = None
    exact: bool = False
    evidence: Evidence = "none"
    started_at: Instant | None = None
    seen_at: Instant | None = None
    observed_by: str | None = None
    known_cause: Cause | None = None


class Interval(
    Record, frozen=True, kw_only=True, omit_defaults=False, rename={"from_": "from"}
):
    """A closed stretch of one recording state; timelines are made of these."""

    state: RecordingState
    from_: Instant
    to: Instant
    unknown_reason: UnknownReason | None = None
    evidence: Evidence
    observed_by: str | None = None
    cause: Cause


class Tomb(NamedTuple):
    """What is left of a call that is not known, or not any more.

    Attributes:
        version: Its last; 0 = it was never seen.
        media: Keys of its stored recordings.
        intervals: How many are stored of it.
    """

    version: int = 0
    media: tuple[str, ...] = ()
    intervals: int = 0


class Call(Record, frozen=True):
    """Everything tracker keeps of one call; `decide` makes the next one of it.

    Attributes:
        legs: By the order of first sight.
        others: Whom no leg speaks for.
        answered_at: When the call was first active.
        handed_over_at: When its last leg passed it on; None = a leg is on it.
        past: Totals of the closed intervals, without the open one.
        forgotten: How many of its stored intervals are of lives that were forgotten.
        media: Keys of stored recordings.
        settled: Command ids by subject and idempotency key (or request id).
    """

    key: str
    version: int
    state: CallState
    recording: Recording
    past: Totals
    type: CallType = "unknown"
    ani: str | None = None
    dnis: str | None = None
    parent: str | None = None
    interaction_id: str | None = None
    provider_ids: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    others: tuple[OtherParty, ...] = ()
    answered_at: Instant | None = None
    handed_over_at: Instant | None = None
    ended_at: Instant | None = None
    end_reason: EndReason | None = None
    legs: tuple[Leg, ...] = ()
    command: Command | None = None
    settled: dict[str, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    media: tuple[str, ...] = ()
    forgotten: int = 0

    @property
    def live_legs(self) -> list[Leg]:
        """Legs that have not ended."""
        return [leg for leg in self.legs if leg.live]

    @property
    def counted_legs(self) -> list[Leg]:
        """The live legs that report a state, or all live legs when none does."""
        live = self.live_legs
        return [leg for leg in live if leg.claim is not None] or live

    @property
    def last_left_at(self) -> datetime | None:
        """When the last leg that has ended did."""
        return max((leg.left_at for leg in self.legs if leg.left_at), default=None)

    @property
    def expected(self) -> Expected:
        """The strongest expectation of its live legs."""
        legs = self.legs if self.ended_at else self.live_legs
        found = [leg.expected for leg in legs]
        return min(found, key=EXPECTATIONS.index, default="unset")

    @property
    def missing_since(self) -> datetime | None:
        """Since when no source has seen the call; None = one does, or it ended."""
        if self.ended_at is not None:
            return None
        for leg in self.legs:
            if leg.blind_at is None and leg.live:
                return None
        return max(filter(None, (leg.blind_at or leg.left_at for leg in self.legs)))

    def leg_of(self, source: str, leg: str = "") -> Leg | None:
        """The leg that *source* sees under the name *leg*."""
        for known in self.legs:
            if known.source == source and known.leg == leg:
                return known
        return None

    def legs_with(self, leg: Leg) -> tuple[Leg, ...]:
        """The legs, *leg* in place of its earlier self or after the others."""
        for place, old in enumerate(self.legs):
            if old.same_as(leg):
                return (*self.legs[:place], leg, *self.legs[place + 1 :])
        ended = [old for old in self.legs if not old.live]
        dropped = ended[0] if len(ended) >= MAX_ENDED_LEGS else None
        return (*(old for old in self.legs if old is not dropped), leg)
