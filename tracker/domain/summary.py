"""A call's one recording state, from its legs; and the clock that runs with it."""

from collections.abc import Iterable
from datetime import datetime

from tracker.domain.base import seconds_between
from tracker.domain.call import (
    PRECEDENCE,
    REASONS,
    STRENGTH,
    Call,
    Interval,
    Leg,
    Recording,
)
from tracker.domain.snapshot import Cause, Totals
from tracker.domain.terms import CallState, Evidence, RecordingState, UnknownReason

UNCAUSED = Cause(by="unknown")


def call_state(legs: Iterable[Leg]) -> CallState:
    """The state of the strongest leg."""
    return min([leg.state for leg in legs], key=STRENGTH.index, default="ended")


def deciding_leg(call: Call) -> Leg | None:
    """The leg whose claim is the call's state; None when no leg is live."""
    counted = call.counted_legs
    if len(counted) <= 1:
        return counted[0] if counted else None
    state = min([leg.recording for leg in counted], key=PRECEDENCE.index)
    matching = [leg for leg in counted if leg.recording == state]
    if state == "unknown":
        return min(matching, key=_reason_rank)
    return max(matching, key=lambda leg: leg.claimed_at or leg.joined_at)


def evidence_of(leg: Leg) -> Evidence:
    """How the leg's state is known."""
    if leg.recording == "unknown":
        return "none"
    return "notification" if leg.exact else "read"


def summarise(
    call: Call, at: datetime, cause: Cause, *, exact: bool
) -> tuple[Call, tuple[Interval, ...]]:
    """Bring the call's recording state up to its legs.

    Args:
        call: With its legs already changed, its recording still as before.
        at: When the change happened, as far as known.
        cause: Of a change to a state that is not unknown.
        exact: Whether *at* was reported, not found by looking.

    Returns:
        The call, and the interval that the change closed.
    """
    leg = deciding_leg(call)
    old = call.recording
    state, reason = _state(call, leg)
    if (state, reason) == (old.state, old.unknown_reason):
        return call, ()
    new: dict[str, object]
    if state == "unknown":
        at = max(at, old.since)
        new = {
            "exact": False,
            "evidence": "none",
            "cause": UNCAUSED,
            "known_cause": old.known_cause or old.cause,
        }
    else:
        began_at = leg.claimed_at if leg else call.last_left_at
        at = max(at, old.since, began_at or at)
        cause = _cause(old, state, cause)
        new = {
            "last_known": state,
            "exact": exact and old.unknown_reason != "source_blind",
            "evidence": _evidence(leg, exact=exact),
            "started_at": _started_at(old, state, at, exact=exact),
            "seen_at": leg.claimed_at if leg else old.seen_at,
            "cause": cause,
            "known_cause": cause,
        }
    recording = old.but(
        **new,
        state=state,
        unknown_reason=reason,
        since=at,
        observed_by=leg.source if leg else old.observed_by,
    )
    past, intervals = close(call, at)
    return call.but(recording=recording, past=past), intervals


def close(call: Call, at: datetime) -> tuple[Totals, tuple[Interval, ...]]:
    """The totals with the open interval added, and that interval, ended at *at*."""
    recording = call.recording
    if at <= recording.since:
        return call.past, ()
    interval = Interval(
        state=recording.state,
        from_=recording.since,
        to=at,
        unknown_reason=recording.unknown_reason,
        evidence=recording.evidence,
        observed_by=recording.observed_by,
        cause=recording.cause,
    )
    return totals_at(call, at), (interval,)


def totals_at(call: Call, at: datetime) -> Totals:
    """The totals up to *at*, with what the open interval has after the answer."""
    past, since, answered_at = call.past, call.recording.since, call.answered_at
    if call.ended_at is not None or at <= since:
        return past
    if answered_at is None:
        return past.plus(call.recording.state, 0.0, at)
    seconds = seconds_between(max(since, answered_at), at)
    return past.plus(call.recording.state, seconds, at)


def _state(call: Call, leg: Leg | None) -> tuple[RecordingState, UnknownReason | None]:
    if leg is not None:
        return leg.recording, leg.unknown_reason
    if call.end_reason == "lost":
        return "unknown", call.recording.unknown_reason
    return "stopped", None


def _reason_rank(leg: Leg) -> int:
    return REASONS.index(leg.unknown_reason or "not_reported")


def _evidence(leg: Leg | None, *, exact: bool) -> Evidence:
    if leg is not None:
        return evidence_of(leg)
    return "notification" if exact else "read"


def _started_at(
    old: Recording, state: RecordingState, at: datetime, *, exact: bool
) -> datetime | None:
    """When it was seen to start; None = in the dark, or before anybody looked."""
    if state != "recording" or old.last_known in ("recording", "paused"):
        return old.started_at
    seen = old.state != "unknown" or (exact and old.unknown_reason == "not_reported")
    return at if seen else None


def _cause(old: Recording, state: RecordingState, cause: Cause) -> Cause:
    """Of *state*; what happened in the dark has none, unless a command asked for it."""
    if old.state != "unknown" or old.last_known is None:
        return cause
    if state == old.last_known:
        return old.known_cause or UNCAUSED
    return UNCAUSED if cause.by == "platform" else cause
