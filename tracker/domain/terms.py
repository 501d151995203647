"""The words of the field, as closed sets."""

from functools import cache
from typing import Literal, NamedTuple, get_args

RecordingState = Literal["recording", "paused", "stopped", "unknown"]
"""SIPREC's on, paused, off; and a real unknown."""

UnknownReason = Literal["not_reported", "source_blind", "no_proof"]
"""The platform says nothing; we cannot see; accepted, but unprovable."""

CallState = Literal["ringing", "dialing", "active", "held", "ended"]

CallType = Literal["inbound", "outbound", "internal", "consult", "unknown"]

Action = Literal["start", "stop", "pause", "resume"]

Expected = Literal["always", "on_demand", "never", "unset"]

Role = Literal["agent", "supervisor", "other"]

EndReason = Literal["released", "absent", "lost"]
"""The platform said so; a complete read no longer showed it; unseen too long."""

CauseBy = Literal["command", "platform", "released", "unknown"]

Evidence = Literal["notification", "read", "none"]
"""How a state is known: told, found by looking, or not."""

Reason = Literal["payment", "personal_data", "consent_withdrawn", "other"]
"""Why somebody asked for a command."""

Stage = Literal[
    "requested",
    "sent",
    "accepted",
    "confirmed",
    "unconfirmed",
    "contradicted",
    "refused",
]

OPEN_STAGES: frozenset[Stage] = frozenset({"requested", "sent", "accepted"})

IssueType = Literal[
    "not_recording",
    "paused_long",
    "recorded_forbidden",
    "command_failed",
    "unseen",
]

SourceState = Literal["up", "down", "locked"]

Kind = Literal["call", "media", "export", "source", "account", "endpoint"]

ALL_KINDS: frozenset[Kind] = frozenset(get_args(Kind))

Scope = Literal[
    "calls:read",
    "calls:control",
    "sources:read",
    "recordings:read",
    "recordings:delete",
    "webhooks:manage",
]
"""What an access token may allow."""

ALL_SCOPES: frozenset[Scope] = frozenset(get_args(Scope))

ALL_ACTIONS: tuple[Action, ...] = ("start", "stop", "pause", "resume")

TARGETS: dict[Action, RecordingState] = {
    "start": "recording",
    "stop": "stopped",
    "pause": "paused",
    "resume": "recording",
}
"""The state that proves an action."""


class Platform(NamedTuple):
    """What a kind of platform can do.

    Attributes:
        actions: To a live recording.
        lists_calls: It tells of every live call; else it must be asked for each one,
            and a call that nobody has seen yet can be watched.
    """

    actions: tuple[Action, ...]
    lists_calls: bool = True


PLATFORMS: dict[str, Platform] = {
    "genesys": Platform(ALL_ACTIONS),
    "vonage_cc": Platform(("pause", "resume"), lists_calls=False),
    "vonage_business": Platform(()),
    "kazoo": Platform(ALL_ACTIONS),
}
"""By provider."""

_FITTING: dict[RecordingState, tuple[Action, ...]] = {
    "recording": ("pause", "stop"),
    "paused": ("resume", "stop"),
    "stopped": ("start",),
    "unknown": ALL_ACTIONS,
}


@cache
def allowed_actions(
    state: RecordingState, platform_actions: tuple[Action, ...]
) -> tuple[Action, ...]:
    """The actions that make sense in *state* and exist on the platform."""
    return tuple(a for a in _FITTING[state] if a in platform_actions)
