"""The public form of a call."""

from datetime import datetime

from msgspec.json import Encoder

from tracker.domain.base import Model
from tracker.domain.call import Call, Leg
from tracker.domain.key import split_key
from tracker.domain.snapshot import CallSnapshot, Party
from tracker.domain.summary import totals_at
from tracker.domain.terms import Action, allowed_actions

Json = dict[str, object]

_to_json = Encoder(enc_hook=Model.model_dump).encode


def snapshot(call: Call, now: datetime) -> CallSnapshot:
    """The call as it is published, its totals counted up to *now*."""
    return CallSnapshot.model_validate_json(snapshot_json(call, now))


def snapshot_json(call: Call, now: datetime) -> bytes:
    """The same as JSON: made for every change of every call."""
    return _to_json(_published(call, now))


def _published(call: Call, now: datetime) -> Json:
    provider, account, call_id = split_key(call.key)
    recording = call.recording
    return {
        "key": call.key,
        "provider": provider,
        "account": account,
        "call_id": call_id,
        "version": call.version,
        "call": {
            "state": call.state,
            "type": call.type,
            "ani": call.ani,
            "dnis": call.dnis,
            "answered_at": call.answered_at,
            "ended_at": call.ended_at,
            "end_reason": call.end_reason,
            "parent": call.parent,
            "interaction_id": call.interaction_id,
            "provider_ids": call.provider_ids,
            "attributes": call.attributes,
            "parties": (
                *(party(leg) for leg in call.legs),
                *(_NOBODY | {"role": o.role, "number": o.number} for o in call.others),
            ),
        },
        "recording": {
            "state": recording.state,
            "unknown_reason": recording.unknown_reason,
            "last_known": recording.last_known,
            "since": recording.since,
            "since_exact": recording.exact,
            "started_at": recording.started_at,
            "seen_at": recording.seen_at,
            "observed_by": recording.observed_by,
            "cause": recording.cause,
            "expected": call.expected,
        },
        "command": call.command and call.command.part(),
        "allowed_actions": call_actions(call),
        "totals": totals_at(call, now),
        "issues": call.issues,
        "media": call.media,
    }


def party(leg: Leg) -> Json:
    """Who is on the leg; once it has ended, without its recording."""
    recording: Json | None = None
    if leg.live:
        recording = {"state": leg.recording, "seen_at": leg.claimed_at}
    return {
        "agent": leg.agent,
        "team": leg.team,
        "role": leg.role,
        "number": leg.number_shown,
        "device": leg.device,
        "state": leg.state,
        "joined_at": leg.joined_at,
        "left_at": leg.left_at,
        "recording": recording,
        "allowed_actions": allowed_actions(leg.recording, leg.actions)
        if leg.live
        else (),
    }


_NOBODY: Json = dict.fromkeys(Party.model_fields) | {"allowed_actions": ()}
"""A party whom no source speaks for."""


def call_actions(call: Call) -> tuple[Action, ...]:
    """What can be asked of the call as a whole."""
    platform = dict.fromkeys([a for leg in call.counted_legs for a in leg.actions])
    return allowed_actions(call.recording.state, tuple(platform))
