"""The public form of a call, and what changed between two of them."""

from datetime import datetime
from operator import attrgetter

from tracker.domain.call import Call, Leg
from tracker.domain.changes import Change
from tracker.domain.key import split_key
from tracker.domain.snapshot import (
    CallPart,
    CallSnapshot,
    Interval,
    Party,
    PartyRecording,
    RecordingPart,
)
from tracker.domain.summary import totals_at
from tracker.domain.terms import Action, RecordingState, allowed_actions

_VERBS: dict[tuple[RecordingState | None, RecordingState], str] = {
    (None, "recording"): "started",
    (None, "paused"): "paused",
    ("stopped", "recording"): "started",
    ("paused", "recording"): "resumed",
    ("recording", "paused"): "paused",
    ("stopped", "paused"): "paused",
    ("recording", "stopped"): "stopped",
    ("paused", "stopped"): "stopped",
}


def snapshot(call: Call, now: datetime) -> CallSnapshot:
    """The call as it is published, its totals counted up to *now*."""
    provider, account, call_id = split_key(call.key)
    legs = [_party(leg) for leg in call.legs]
    others = [Party(role=o.role, number=o.number) for o in call.others]
    recording = call.recording
    return CallSnapshot(
        key=call.key,
        provider=provider,
        account=account,
        call_id=call_id,
        version=call.version,
        call=CallPart(
            state=call.state,
            type=call.type,
            ani=call.ani,
            dnis=call.dnis,
            answered_at=call.answered_at,
            ended_at=call.ended_at,
            end_reason=call.end_reason,
            parent=call.parent,
            interaction_id=call.interaction_id,
            provider_ids=call.provider_ids,
            attributes=call.attributes,
            parties=(*legs, *others),
        ),
        recording=RecordingPart(
            state=recording.state,
            unknown_reason=recording.unknown_reason,
            last_known=recording.last_known,
            since=recording.since,
            since_exact=recording.exact,
            started_at=recording.started_at,
            seen_at=recording.seen_at,
            observed_by=recording.observed_by,
            cause=recording.cause,
            expected=call.expected,
        ),
        command=call.command.part() if call.command else None,
        allowed_actions=_call_actions(call),
        totals=totals_at(call, now),
        issues=call.issues,
        media=call.media,
    )


def _party(leg: Leg) -> Party:
    return Party(
        agent=leg.agent,
        team=leg.team,
        role=leg.role,
        number=leg.number_shown,
        device=leg.device,
        state=leg.state,
        joined_at=leg.joined_at,
        left_at=leg.left_at,
        recording=PartyRecording(state=leg.recording, seen_at=leg.claimed_at)
        if leg.live
        else None,
        allowed_actions=allowed_actions(leg.recording, leg.actions) if leg.live else (),
    )


def _call_actions(call: Call) -> tuple[Action, ...]:
    platform = dict.fromkeys(a for leg in call.counted_legs for a in leg.actions)
    return allowed_actions(call.recording.state, tuple(platform))


def recording_changes(before: Call | None, after: Call) -> list[Change]:
    """The one event of a changed recording state, or none."""
    new = after.recording
    old = before.recording if before else None
    if old is not None and old.state == new.state:
        return []
    detail: dict[str, object] = {
        "from": old.state if old else None,
        "to": new.state,
        "last_known": old.last_known if old else None,
        "cause": new.cause.model_dump(exclude_none=True),
    }
    if old is None:
        detail["first_sight"] = True
    if new.state == "unknown":
        verb = "unknown" if old is not None else None
        detail["unknown_reason"] = new.unknown_reason
    elif old is not None and old.state == "unknown" and old.last_known == new.state:
        verb = None if after.ended_at and new.state == "stopped" else "seen"
    else:
        verb = _VERBS.get((old.last_known if old else None, new.state))
    return [Change(f"recording.{verb}", new.since, detail)] if verb else []


def command_changes(before: Call | None, after: Call) -> list[Change]:
    """A command's new stage; a stage that waits for others stays silent."""
    old = before.command if before else None
    new = after.command
    if new is None or (old and old.id == new.id and old.stage == new.stage):
        return []
    if new.stage == "sent":
        return []
    part = new.part()
    times = {
        "requested": part.requested_at,
        "accepted": part.accepted_at,
    }
    at = times.get(new.stage) or part.settled_at or part.requested_at
    detail: dict[str, object] = {
        "command": new.id,
        "action": new.action,
        "from": old.stage if old and old.id == new.id else None,
        "to": new.stage,
        "problem": part.problem,
    }
    return [Change(f"command.{new.stage}", at, detail)]


def call_changes(
    before: Call | None, after: Call, now: datetime, timeline: tuple[Interval, ...]
) -> list[Change]:
    """Started, ended or reopened: the ends of a call's life.

    Args:
        before: None at the first sight.
        after: The call now.
        now: The input's time.
        timeline: All closed intervals of the call, for its end.
    """
    if before is None:
        detail: dict[str, object] = {"from": None, "to": after.state}
        if after.version > 1:
            return [Change("call.reopened", now, detail)]
        return [Change("call.started", after.legs[0].joined_at, detail)]
    if before.ended_at is not None and after.ended_at is None:
        return [Change("call.reopened", now, {"from": "ended", "to": after.state})]
    if before.ended_at is None and after.ended_at is not None:
        detail = {
            "from": before.state,
            "to": "ended",
            "reason": after.end_reason,
            "timeline": [i.model_dump(mode="json", by_alias=True) for i in timeline],
        }
        return [Change("call.ended", after.ended_at, detail)]
    return []


def other_change(
    before: Call, after: Call, now: datetime, *, alone: bool
) -> list[Change]:
    """``call.changed``, when the call part differs, or anything else, *alone*."""
    differs = _call_part(before) != _call_part(after)
    if differs or (alone and _rest(before) != _rest(after)):
        return [Change("call.changed", now, {"from": before.state, "to": after.state})]
    return []


_of_call = attrgetter(
    "state",
    "type",
    "ani",
    "dnis",
    "parent",
    "interaction_id",
    "provider_ids",
    "attributes",
    "others",
    "answered_at",
    "ended_at",
    "end_reason",
)
_of_leg = attrgetter(
    "agent", "team", "role", "number_shown", "device", "state", "joined_at", "left_at"
)
_of_claim = attrgetter("recording", "claimed_at", "actions", "expected")


def _call_part(call: Call) -> tuple[object, list[object]]:
    """What is public of the call, without what its parties' recording does."""
    return _of_call(call), [_of_leg(leg) for leg in call.legs]


def _rest(call: Call) -> tuple[object, ...]:
    claims = [_of_claim(leg) for leg in call.legs]
    recording = call.recording.model_copy(update={"known_cause": None})
    return claims, recording, call.command, call.issues, call.media
