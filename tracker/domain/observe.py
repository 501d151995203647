"""What sources claim, applied to a call's legs: seen, released, blind."""

from datetime import datetime

from tracker.domain.base import earlier
from tracker.domain.call import Call, Leg, Recording
from tracker.domain.reading import Observation, Stamp
from tracker.domain.snapshot import Cause, Interval, Totals
from tracker.domain.summary import UNCAUSED, call_state, close
from tracker.domain.terms import EndReason

PLATFORM = Cause(by="platform")
RELEASED = Cause(by="released")


def is_old(call: Call, seen: Observation, stamp: Stamp) -> bool:
    """A repeat, or overtaken by a later claim of the same leg."""
    leg = call.leg_of(stamp.source, seen.leg)
    return leg is not None and stamp[1:] <= (leg.token, leg.number)


def first_sight(seen: Observation, stamp: Stamp, now: datetime, version: int) -> Call:
    """The call as *seen* shows it, before it is known any other way."""
    at = earlier(now, seen.age_s)
    leg = _leg(None, seen, stamp, at)
    answered_at = _answered_at(seen, at)
    exact = seen.exact and seen.state in ("ringing", "dialing")
    state = leg.recording
    recording = Recording(
        state=state,
        unknown_reason=leg.unknown_reason,
        last_known=None if state == "unknown" else state,
        since=at,
        exact=exact and state != "unknown",
        seen_at=None if state == "unknown" else at,
        observed_by=leg.source,
        cause=UNCAUSED if state == "unknown" else PLATFORM,
    )
    call = Call(
        key=seen.call,
        version=version,
        state=leg.state,
        answered_at=answered_at,
        legs=(leg,),
        recording=recording,
        past=Totals(as_of=at),
    )
    return _described(call, seen)


def unseen_before(call: Call) -> tuple[Call, tuple[Interval, ...]]:
    """Count the time from the answer to the first sight as unknown."""
    since, answered_at = call.recording.since, call.answered_at
    if answered_at is None or answered_at >= since:
        return call, ()
    blank = Recording(
        state="unknown",
        unknown_reason="source_blind",
        since=answered_at,
        cause=UNCAUSED,
    )
    past, intervals = close(call.model_copy(update={"recording": blank}), since)
    return call.model_copy(update={"past": past}), intervals


def apply(call: Call, seen: Observation, stamp: Stamp, now: datetime) -> Call:
    """The call with the claim on its leg; the summary is not yet brought up."""
    at = earlier(now, seen.age_s)
    old = call.leg_of(stamp.source, seen.leg)
    old = old if old is not None and old.live else None
    call = _described(call.with_leg(_leg(old, seen, stamp, at)), seen)
    if call.answered_at is None and call.state in ("active", "held"):
        call = call.model_copy(update={"answered_at": _answered_at(seen, at) or at})
    return call


def end(
    call: Call, at: datetime, reason: EndReason
) -> tuple[Call, tuple[Interval, ...]]:
    """Close the call's clock; its recording state has been brought up before."""
    at = max(at, call.recording.since)
    past, intervals = close(call, at)
    legs = tuple(leg if not leg.live else released(leg, at) for leg in call.legs)
    return call.model_copy(
        update={
            "state": "ended",
            "ended_at": at,
            "end_reason": reason,
            "past": past,
            "legs": legs,
        }
    ), intervals


def reopen(call: Call, at: datetime) -> tuple[Call, tuple[Interval, ...]]:
    """The same id is seen again: the time between is unknown."""
    ended_at = call.ended_at or at
    gap = call.recording.model_copy(
        update={
            "state": "unknown",
            "unknown_reason": "not_reported",
            "since": ended_at,
            "cause": UNCAUSED,
            "observed_by": None,
        }
    )
    blank = call.model_copy(update={"recording": gap})
    past, intervals = close(blank, at)
    opened = gap.model_copy(update={"since": max(at, ended_at)})
    return blank.model_copy(
        update={
            "past": past,
            "recording": opened,
            "ended_at": None,
            "end_reason": None,
        }
    ), intervals


def released(leg: Leg, at: datetime) -> Leg:
    """The leg, ended."""
    update = {"state": "ended", "left_at": max(at, leg.joined_at), "blind_at": None}
    return leg.model_copy(update=update)


def release(call: Call, source: str, at: datetime) -> Call:
    """End the legs of *source* that were last seen before *at*."""
    legs = tuple(
        released(leg, at)
        if leg.source == source and leg.live and leg.last_seen_at < at
        else leg
        for leg in call.legs
    )
    return _with_legs(call, legs)


def blind(call: Call, source: str, at: datetime) -> Call:
    """Turn the live legs of *source* unknown, back-dated to *at*."""
    legs = tuple(
        leg.model_copy(update={"blind_at": max(at, leg.joined_at)})
        if leg.source == source and leg.live and leg.blind_at is None
        else leg
        for leg in call.legs
    )
    return _with_legs(call, legs)


def _with_legs(call: Call, legs: tuple[Leg, ...]) -> Call:
    if all(new is old for new, old in zip(legs, call.legs, strict=True)):
        return call
    call = call.model_copy(update={"legs": legs})
    return call.model_copy(update={"state": call_state(call)})


def _answered_at(seen: Observation, at: datetime) -> datetime | None:
    if seen.answered_age_s is not None:
        return earlier(at, max(0.0, seen.answered_age_s - seen.age_s))
    return at if seen.state in ("active", "held") else None


def _leg(old: Leg | None, seen: Observation, stamp: Stamp, at: datetime) -> Leg:
    reported = seen.recording is not None
    claim = seen.recording if reported else (old.claim if old else None)
    repeated = old is not None and claim == old.claim and old.blind_at is None
    ended = seen.state == "ended"
    return Leg(
        source=stamp.source,
        leg=seen.leg,
        token=stamp.token,
        number=stamp.number,
        leg_id=seen.leg_id,
        state=seen.state,
        claim=claim,
        no_proof=seen.no_proof,
        claimed_at=old.claimed_at if repeated and old else at,
        exact=old.exact if repeated and old else seen.exact,
        last_seen_at=at,
        joined_at=old.joined_at if old else at,
        left_at=at if ended else None,
        agent=seen.agent,
        team=seen.team,
        role=seen.role,
        number_shown=seen.number,
        device=seen.device,
        expected=seen.expected,
        actions=seen.actions,
    )


def _described(call: Call, seen: Observation) -> Call:
    """The call's own fields, as the newest claim has them; None says nothing."""
    told = {
        "ani": seen.ani,
        "dnis": seen.dnis,
        "parent": seen.parent,
        "interaction_id": seen.interaction_id,
        "type": None if seen.type == "unknown" else seen.type,
        "others": seen.others or None,
        "provider_ids": seen.provider_ids or None,
        "attributes": seen.attributes or None,
    }
    update = {name: value for name, value in told.items() if value is not None}
    return call.model_copy(update=update | {"state": call_state(call)})
