"""A call's one recording state, from its legs; and the clock that runs with it."""

from datetime import datetime

from tracker.domain.base import seconds_between
from tracker.domain.call import PRECEDENCE, REASONS, STRENGTH, Call, Leg, Recording
from tracker.domain.snapshot import Cause, Interval, Totals
from tracker.domain.terms import CallState, Evidence, RecordingState

UNCAUSED = Cause(by="unknown")


def call_state(call: Call) -> CallState:
    """The state of the strongest leg."""
    return min((leg.state for leg in call.legs), key=STRENGTH.index, default="ended")


def deciding_leg(call: Call) -> Leg | None:
    """The leg whose claim is the call's state; None when no leg is live."""
    counted = call.counted_legs
    if not counted:
        return None
    state = min((leg.recording for leg in counted), key=PRECEDENCE.index)
    matching = [leg for leg in counted if leg.recording == state]
    if state == "unknown":
        return min(matching, key=_reason_rank)
    return max(matching, key=lambda leg: leg.claimed_at or leg.joined_at)


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
    if leg is None:
        state: RecordingState = "unknown" if call.end_reason == "lost" else "stopped"
        reason = old.unknown_reason if state == "unknown" else None
    else:
        state, reason = leg.recording, leg.unknown_reason
    if (state, reason) == (old.state, old.unknown_reason):
        return call, ()
    at = max(at, old.since)
    shown, known = _causes(old, state, cause)
    new = Recording(
        state=state,
        unknown_reason=reason,
        last_known=old.last_known if state == "unknown" else state,
        since=at,
        exact=exact and state != "unknown",
        started_at=_started_at(old, state, at),
        seen_at=leg.claimed_at if leg and state != "unknown" else old.seen_at,
        observed_by=leg.source if leg else old.observed_by,
        cause=shown,
        known_cause=known,
    )
    past, intervals = close(call, at)
    return call.model_copy(update={"recording": new, "past": past}), intervals


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
        evidence=_evidence(recording),
        observed_by=recording.observed_by,
        cause=recording.cause,
    )
    return add(call.past, call.answered_at, interval), (interval,)


def add(past: Totals, answered_at: datetime | None, interval: Interval) -> Totals:
    """*past* and the part of *interval* that lies after the answer."""
    if answered_at is None:
        return past.model_copy(update={"as_of": interval.to})
    begin = max(interval.from_, answered_at)
    field = f"{interval.state}_s"
    total = round(getattr(past, field) + seconds_between(begin, interval.to), 3)
    return past.model_copy(update={field: total, "as_of": interval.to})


def totals_at(call: Call, now: datetime) -> Totals:
    """The totals up to *now*, the open interval included."""
    if call.ended_at is not None:
        return call.past
    return close(call, now)[0] if now > call.recording.since else call.past


def _reason_rank(leg: Leg) -> int:
    return REASONS.index(leg.unknown_reason or "not_reported")


def _evidence(recording: Recording) -> Evidence:
    if recording.state == "unknown":
        return "none"
    return "notification" if recording.exact else "read"


def _started_at(old: Recording, state: RecordingState, at: datetime) -> datetime | None:
    if state != "recording" or old.last_known in ("recording", "paused"):
        return old.started_at
    return None if old.unknown_reason == "source_blind" else at


def _causes(
    old: Recording, state: RecordingState, cause: Cause
) -> tuple[Cause, Cause | None]:
    """The cause to show, and the one to come back to after an unknown time."""
    if state == "unknown":
        return UNCAUSED, old.known_cause or old.cause
    if old.state == "unknown" and old.last_known is not None:
        same = state == old.last_known
        cause = (old.known_cause or UNCAUSED) if same else _unseen(cause)
    return cause, cause


def _unseen(cause: Cause) -> Cause:
    return UNCAUSED if cause.by == "platform" else cause
