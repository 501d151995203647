"""What sources claim, applied to a call's legs: seen, released, blind."""

from datetime import datetime
from operator import is_

from tracker.domain.base import earlier
from tracker.domain.call import Call, Interval, Leg, Recording, Tomb
from tracker.domain.parties import others_of
from tracker.domain.reading import Blind, Observation, Release, Stamp
from tracker.domain.snapshot import Cause, Totals
from tracker.domain.summary import UNCAUSED, call_state, close, evidence_of
from tracker.domain.terms import EndReason

PLATFORM = Cause(by="platform")
RELEASED = Cause(by="released")


def is_news(call: Call, seen: Observation, stamp: Stamp, at: datetime) -> bool:
    """Not a repeat, not overtaken by a later claim of its leg, not of a past life."""
    leg = call.leg_of(stamp.source, seen.leg)
    if leg is not None and (stamp.token, stamp.number) <= (leg.token, leg.number):
        return False
    if leg is not None and leg.live:
        return True
    past = [call.ended_at, leg.left_at if leg is not None else None]
    later = seen.exact or all(end is None or at > end for end in past)
    return seen.state != "ended" and later


def first_sight(seen: Observation, stamp: Stamp, at: datetime, tomb: Tomb) -> Call:
    """The call as *seen* shows it, before it is known any other way."""
    leg = _leg(None, seen, stamp, at)
    known = leg.recording != "unknown"
    recording = Recording(
        state=leg.recording,
        unknown_reason=leg.unknown_reason,
        last_known=leg.recording if known else None,
        since=at,
        exact=known and seen.exact and seen.state in ("ringing", "dialing"),
        evidence=evidence_of(leg),
        seen_at=at if known else None,
        observed_by=leg.source,
        cause=PLATFORM if known else UNCAUSED,
    )
    call = Call(
        key=seen.call,
        version=tomb.version + 1,
        state=leg.state,
        answered_at=_answered_at(seen, at),
        recording=recording,
        past=Totals(as_of=at),
        media=tomb.media,
        forgotten=tomb.intervals,
    )
    return with_legs(call, (leg,), **_described(seen))


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
    past, intervals = close(call.but(recording=blank), since)
    return call.but(past=past), intervals


def apply(call: Call, seen: Observation, stamp: Stamp, at: datetime) -> Call:
    """The call with the claim on its leg; the summary is not yet brought up."""
    old = call.leg_of(stamp.source, seen.leg)
    leg = _leg(old if old is not None and old.live else None, seen, stamp, at)
    call = with_legs(call, call.legs_with(leg), **_described(seen))
    if seen.hands_over and not call.live_legs:
        call = call.but(handed_over_at=at)
    elif leg.live and call.handed_over_at is not None:
        call = call.but(handed_over_at=None)
    if call.answered_at is None and call.state in ("active", "held"):
        call = call.but(answered_at=max(at, call.past.as_of))
    return call


def end(
    call: Call, at: datetime, reason: EndReason
) -> tuple[Call, tuple[Interval, ...]]:
    """Close the call's clock; its recording state has been brought up before."""
    at = max(at, call.recording.since)
    past, intervals = close(call, at)
    legs = tuple(released(leg, at) if leg.live else leg for leg in call.legs)
    ended = call.but(
        state="ended", ended_at=at, end_reason=reason, past=past, legs=legs
    )
    return ended, intervals


def reopen(call: Call, at: datetime) -> tuple[Call, tuple[Interval, ...]]:
    """The same id is seen again: the time between is unknown."""
    ended_at = call.ended_at or at
    gap = call.recording.but(
        state="unknown",
        unknown_reason="source_blind",
        since=ended_at,
        exact=False,
        evidence="none",
        cause=UNCAUSED,
        known_cause=None,
        observed_by=None,
    )
    call = call.but(recording=gap, ended_at=None, end_reason=None)
    past, intervals = close(call, at)
    return call.but(past=past, recording=gap.but(since=max(at, ended_at))), intervals


def released(leg: Leg, at: datetime) -> Leg:
    """The leg, ended."""
    return leg.but(state="ended", left_at=max(at, leg.last_seen_at), blind_at=None)


def release(call: Call, told: Release) -> Call:
    """End the legs that are meant, and were last seen before the read."""
    legs = tuple(
        released(leg, told.at)
        if _is_meant(leg, told) and leg.last_seen_at < told.at
        else leg
        for leg in call.legs
    )
    return with_legs(call, legs)


def last_seen_at(call: Call, told: Blind) -> datetime | None:
    """When any of the legs that are meant was last seen; None = there are none."""
    seen = (leg.last_seen_at for leg in call.legs if _is_meant(leg, told))
    return max(seen, default=None)


def blind(call: Call, told: Blind, at: datetime) -> Call:
    """Turn the legs that are meant unknown, back-dated to *at*."""
    legs = tuple(
        leg.but(blind_at=at) if _is_meant(leg, told) and leg.blind_at is None else leg
        for leg in call.legs
    )
    return with_legs(call, legs)


def _is_meant(leg: Leg, told: Blind | Release) -> bool:
    is_old = told.below is None or leg.token < told.below
    return leg.live and leg.source == told.source and is_old


def with_legs(call: Call, legs: tuple[Leg, ...], **more: object) -> Call:
    """The call with *legs*, and what follows from them but the recording state."""
    if len(legs) == len(call.legs) and all(map(is_, legs, call.legs)):
        return call
    live = [leg for leg in legs if leg.live]
    others = others_of(live) if live else call.others
    return call.but(legs=legs, state=call_state(legs), others=others, **more)


def _answered_at(seen: Observation, at: datetime) -> datetime | None:
    if seen.state not in ("active", "held"):
        return None
    return earlier(at, max(0.0, (seen.answered_age_s or 0.0) - seen.age_s))


def _leg(old: Leg | None, seen: Observation, stamp: Stamp, at: datetime) -> Leg:
    """The leg as *seen*; what *seen* does not tell stays, but not over blindness."""
    says_the_same = old is not None and seen.recording in (None, old.claim)
    keeps = old is not None and old.blind_at is None and (says_the_same or seen.unseen)
    claim = old if keeps else None
    return Leg(
        source=stamp.source,
        token=stamp.token,
        number=stamp.number,
        leg_id=seen.leg_id,
        state=seen.state,
        last_seen_at=max(at, old.last_seen_at) if old else at,
        joined_at=old.joined_at if old else at,
        leg=seen.leg,
        claim=claim.claim if claim else seen.recording,
        no_proof=seen.no_proof,
        claimed_at=claim.claimed_at if claim else at if seen.recording else None,
        exact=claim.exact if claim else seen.exact,
        blind_at=at if seen.unseen else None,
        left_at=at if seen.state == "ended" else None,
        agent=seen.agent,
        team=seen.team,
        role=seen.role,
        number_shown=seen.number,
        device=seen.device,
        expected=seen.expected,
        actions=seen.actions,
        others=seen.others or (old.others if old else ()),
    )


def _described(seen: Observation) -> dict[str, object]:
    """The call's own fields, as the newest claim has them; None says nothing."""
    told = {
        "ani": seen.ani,
        "dnis": seen.dnis,
        "parent": seen.parent,
        "interaction_id": seen.interaction_id,
        "type": None if seen.type == "unknown" else seen.type,
        "provider_ids": seen.provider_ids or None,
        "attributes": seen.attributes or None,
    }
    return {name: value for name, value in told.items() if value is not None}
