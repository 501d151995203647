"""What holds after every decision, whatever was decided."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from msgspec import to_builtins

from tracker.domain.call import Call, Interval
from tracker.domain.changes import Changes
from tracker.domain.describe import snapshot, snapshot_json
from tracker.domain.snapshot import Totals
from tracker.domain.summary import totals_at
from tracker.store.codec import dump, parse_call

FIELDS = ("recording_s", "paused_s", "stopped_s", "unknown_s")


def public(call: Call, now: datetime) -> dict[str, Any]:
    """What everybody sees of it, but for the clocks that run by themselves."""
    published = snapshot(call, now)
    assert snapshot_json(call, now) == published.model_dump_json().encode()
    return published.model_dump(exclude={"version", "totals"})


def check(
    before: Call | None,
    changes: Changes[Call],
    now: datetime,
    timeline: tuple[Interval, ...],
    first_version: int = 1,
) -> None:
    """Hold a decision against the rules.

    Args:
        before: The call as it was.
        changes: What was decided.
        now: The input's time.
        timeline: All closed intervals, those of *changes* included.
        first_version: Of a call that is not known: one above its tombstone's.
    """
    after = changes.entity
    if after is None:
        assert before is None
        assert not changes.changes
        assert not changes.intervals
        return
    assert parse_call(dump(after)) == after
    _versions_rise_with_events(before, changes, after, now, first_version)
    _recording_events_chain(before, changes, after)
    _issue_events_match(before, changes, after)
    _timeline_is_whole(after, timeline)
    _totals_add_up(after, now, timeline)
    _totals_add_up(after, now + timedelta(seconds=12.345), timeline)
    _nothing_is_believed(after)
    if any(change.type == "call.ended" for change in changes.changes):
        told = changes.changes[-1].detail["timeline"]
        assert told == to_builtins(list(timeline))


def _versions_rise_with_events(
    before: Call | None,
    changes: Changes[Call],
    after: Call,
    now: datetime,
    first_version: int,
) -> None:
    if before is None:
        assert after.version == first_version
        assert changes.changes
    elif changes.changes:
        assert after.version == before.version + 1
        assert public(before, now) != public(after, now)
    else:
        assert after.version == before.version
        assert public(before, now) == public(after, now)
        assert changes.intervals == ()
    if not changes.kept:
        assert after == before


def _recording_events_chain(
    before: Call | None, changes: Changes[Call], after: Call
) -> None:
    told = [c for c in changes.changes if c.type.startswith("recording.")]
    assert len(told) <= 1
    for change in told:
        assert change.detail["from"] == (before.recording.state if before else None)
        assert change.detail["to"] == after.recording.state
        assert change.detail["from"] != change.detail["to"]
        assert change.detail.get("first_sight", False) == (before is None)


def _issue_events_match(
    before: Call | None, changes: Changes[Call], after: Call
) -> None:
    old = {issue.type for issue in before.issues} if before else set()
    new = {issue.type for issue in after.issues}
    opened = [c.detail["issue"] for c in changes.changes if c.type == "issue.opened"]
    closed = [c.detail["issue"] for c in changes.changes if c.type == "issue.closed"]
    assert sorted(opened, key=str) == sorted(new - old)
    assert sorted(closed, key=str) == sorted(old - new)


def _timeline_is_whole(call: Call, timeline: tuple[Interval, ...]) -> None:
    for interval in timeline:
        assert interval.from_ < interval.to
    for earlier, later in itertools.pairwise(timeline):
        assert earlier.to == later.from_
    if timeline:
        assert timeline[-1].to == (call.ended_at or call.recording.since)


def _totals_add_up(call: Call, now: datetime, timeline: tuple[Interval, ...]) -> None:
    totals = totals_at(call, now)
    answered_at = call.answered_at
    since_answer = (totals.as_of - answered_at).total_seconds() if answered_at else 0.0
    assert total(totals) == round(max(0.0, since_answer), 3)
    assert call.past.as_of <= totals.as_of
    assert recounted(call, timeline) == {f: getattr(call.past, f) for f in FIELDS}


def recounted(call: Call, timeline: tuple[Interval, ...]) -> dict[str, float]:
    """The totals of the closed intervals, counted anew."""
    totals = dict.fromkeys(FIELDS, 0.0)
    for interval in timeline if call.answered_at else ():
        begin = max(interval.from_, call.answered_at or interval.from_)
        seconds = max(0.0, (interval.to - begin).total_seconds())
        totals[f"{interval.state}_s"] += seconds
    return {field: round(seconds, 3) for field, seconds in totals.items()}


def _nothing_is_believed(call: Call) -> None:
    """Recording is shown only while a source that sees says so."""
    says = [leg for leg in call.legs if leg.live and leg.claim == "recording"]
    seen = any(leg.blind_at is None for leg in says)
    assert call.recording.state != "recording" or seen
    assert (call.recording.unknown_reason is None) != (
        call.recording.state == "unknown"
    )


def total(totals: Totals) -> float:
    """All seconds of *totals*."""
    seconds: list[float] = [getattr(totals, field) for field in FIELDS]
    return round(sum(seconds), 3)
