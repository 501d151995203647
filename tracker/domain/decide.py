"""The rules: what a call becomes by an input. Pure, and the only place that decides.

``decide(call, input, now)`` works in the same few steps whatever came: put the input
into the legs or the command, bring the summary up, settle, attend to issues, and
describe what of it is public.
"""

from datetime import datetime
from typing import NamedTuple

from tracker.domain import attention, commanding, observe, settling
from tracker.domain.base import later
from tracker.domain.call import Call, Interval, Tomb
from tracker.domain.changes import Answer, Changes, Policy
from tracker.domain.command import Outcome, Request, Sent
from tracker.domain.reading import Blind, Media, Observation, Release, Stamp, Tick, Told
from tracker.domain.snapshot import Cause
from tracker.domain.summary import UNCAUSED, summarise
from tracker.domain.telling import describe_changes
from tracker.domain.terms import EndReason

CallInput = Told | Blind | Release | Media | Request | Sent | Outcome | Tick

DEFAULT = Policy()
NO_TOMB = Tomb()


class _Step(NamedTuple):
    """An input, put into the call; *at* is when the recording changed, if it did."""

    call: Call | None
    at: datetime
    cause: Cause = UNCAUSED
    exact: bool = False
    intervals: tuple[Interval, ...] = ()
    answers: tuple[Answer, ...] = ()
    end_reason: EndReason = "released"


def decide(
    call: Call | None,
    told: CallInput,
    now: datetime,
    policy: Policy = DEFAULT,
    *,
    tomb: Tomb = NO_TOMB,
    timeline: tuple[Interval, ...] = (),
) -> Changes[Call]:
    """What *told* makes of *call*.

    Args:
        call: As it stands; None = not known (any more).
        told: The input.
        now: The input's inbox time.
        policy: Thresholds.
        tomb: What is left of it, of a call that is not known.
        timeline: The call's closed intervals so far, published with its end.

    Returns:
        The call with a version one higher when anything public changed.
    """
    step = _put(call, told, now, tomb)
    after = step.call
    if after is None or after is call:
        return Changes(call, answers=step.answers, kept=False)
    after, changed = summarise(after, step.at, step.cause, exact=step.exact)
    after, ended = _end(after, step, now, policy)
    intervals = step.intervals + changed + ended
    after = settling.settle(after, now, policy)
    after, issues = attention.attend(after, now, policy)
    changes = describe_changes(call, after, now, issues, timeline + intervals)
    if call is not None and not changes:
        kept = not isinstance(told, Tick)
        return Changes(after, (), intervals, step.answers, kept=kept)
    if call is not None:
        after = after.but(version=call.version + 1)
    return Changes(after, changes, intervals, step.answers)


def next_due(call: Call, policy: Policy = DEFAULT) -> datetime | None:
    """When time alone changes the call, or when it may be forgotten; None = never."""
    if call.ended_at is not None:
        return later(call.ended_at, policy.ended_for_s)
    missing = call.missing_since
    due = [attention.next_due(call, policy), settling.next_due(call, policy)]
    if missing is not None:
        due.append(later(missing, policy.lost_after_s))
    if call.handed_over_at is not None:
        due.append(later(call.handed_over_at, policy.handover_s))
    return min([at for at in due if at is not None], default=None)


def _put(call: Call | None, told: CallInput, now: datetime, tomb: Tomb) -> _Step:
    match told:
        case Told(reading=Observation() as seen, stamp=stamp):
            step = _observed(call, seen, stamp, now, tomb)
        case Blind(at=at):
            at = max(at, (call and observe.last_seen_at(call, told)) or at)
            step = _Step(call and observe.blind(call, told, at), at)
        case Release(at=at):
            call = call and observe.release(call, told)
            step = _Step(call, at, observe.RELEASED, end_reason="absent")
        case Media(media=media, gone=gone):
            step = _Step(call and _with_media(call, media, gone=gone), now)
        case Request():
            call, answer = commanding.request(call, told, now)
            step = _Step(call, now, answers=(answer,) if answer else ())
        case Sent():
            call, reply = commanding.sent(call, told, now)
            step = _Step(call, now, answers=(reply,))
        case Outcome():
            step = _Step(commanding.outcome(call, told, now), now)
        case _:
            step = _Step(_ticked(call), now)
    return step


def _observed(
    call: Call | None, seen: Observation, stamp: Stamp, now: datetime, tomb: Tomb
) -> _Step:
    at = seen.at(now)
    if call is None:
        if seen.state == "ended":
            return _Step(None, at)
        first = observe.first_sight(seen, stamp, at, tomb)
        first, unseen = observe.unseen_before(first)
        return _Step(first, at, intervals=unseen)
    if not observe.is_news(call, seen, stamp, at):
        return _Step(call, at)
    gap: tuple[Interval, ...] = ()
    if call.ended_at is not None:
        call, gap = observe.reopen(call, at)
    otherwise = observe.RELEASED if seen.state == "ended" else observe.PLATFORM
    cause = commanding.cause_of(call, seen, stamp, at, otherwise)
    after = observe.apply(call, seen, stamp, at)
    after = commanding.observed(after, seen, stamp, at)
    return _Step(after, at, cause, seen.exact, gap)


def _with_media(call: Call, media: str, *, gone: bool) -> Call:
    if gone == (media not in call.media):
        return call
    kept = tuple(key for key in call.media if key != media)
    return call.but(media=kept if gone else (*kept, media))


def _ticked(call: Call | None) -> Call | None:
    """A copy, so that the steps after it run; equal when nothing was due."""
    return call.but() if call is not None and call.ended_at is None else call


def _end(
    call: Call, step: _Step, now: datetime, policy: Policy
) -> tuple[Call, tuple[Interval, ...]]:
    if call.ended_at is not None:
        return call, ()
    if not call.live_legs:
        if call.handed_over_at and now < later(call.handed_over_at, policy.handover_s):
            return call.but(state="active"), ()
        return observe.end(call, call.last_left_at or step.at, step.end_reason)
    missing = call.missing_since
    if missing and now >= later(missing, policy.lost_after_s):
        return observe.end(call, now, "lost")
    return call, ()
