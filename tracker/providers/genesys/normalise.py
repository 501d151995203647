"""A Genesys leg, in tracker's words."""

from collections.abc import Mapping
from typing import Final

from tracker.domain.key import make_key
from tracker.domain.reading import Observation, OtherParty
from tracker.domain.terms import (
    ALL_ACTIONS,
    CallState,
    CallType,
    RecordingState,
)
from tracker.providers.agents import expected_of
from tracker.providers.genesys.settings import AgentSettings, GenesysSettings
from tracker.providers.genesys.wire import CallResource
from tracker.providers.normalise import shown_number
from tracker.providers.settings import NumberDisplay

PROVIDER: Final = "genesys"

_STATES: Final[Mapping[str, CallState]] = {
    "Ringing": "ringing",
    "Dialing": "dialing",
    "Established": "active",
    "Held": "held",
    "Released": "ended",
    "Completed": "ended",
}
_RECORDING: Final[Mapping[str, RecordingState]] = {
    "Recording": "recording",
    "Paused": "paused",
    "Stopped": "stopped",
}
_OFFERED: Final[Mapping[str, RecordingState]] = {
    "PauseCallRecording": "recording",
    "ResumeCallRecording": "paused",
    "StartCallRecording": "stopped",
}
_TYPES: Final[Mapping[str, CallType]] = {
    "Inbound": "inbound",
    "Outbound": "outbound",
    "Internal": "internal",
    "Consult": "consult",
}
_INSIDE: Final = ("internal", "consult")


def call_key(settings: GenesysSettings, call: CallResource) -> str:
    """The call's key, the same for all its legs."""
    return make_key(PROVIDER, settings.account, call.call_id)


def observation(
    call: CallResource,
    agent: AgentSettings,
    settings: GenesysSettings,
    *,
    phone_number: str | None,
    age_s: float | None = None,
) -> Observation:
    """The claim that *call* makes about *agent*'s leg.

    Args:
        call: As a notification or a read shows it.
        agent: Whose session saw it.
        settings: Of the account.
        phone_number: The agent's own, as the message has it.
        age_s: Of a read: how long ago it began; None = a notification.
    """
    kind = _TYPES.get(call.call_type or "", "unknown")
    return Observation(
        call=call_key(settings, call),
        age_s=age_s or 0.0,
        exact=age_s is None,
        leg_id=call.leg_id,
        state=_STATES.get(call.state, "active"),
        recording=recording_of(call),
        answered_age_s=call.duration,
        agent=agent.id,
        team=agent.team,
        role="supervisor" if call.monitoring else "agent",
        number=phone_number,
        device=call.device_id,
        expected=expected_of(agent, settings.expected, settings.teams),
        actions=ALL_ACTIONS,
        type=kind,
        ani=_shown(call.ani, settings.numbers, own=kind in (*_INSIDE, "outbound")),
        dnis=_shown(call.dnis, settings.numbers, own=kind in (*_INSIDE, "inbound")),
        parent=call.parent_call_id
        and make_key(PROVIDER, settings.account, call.parent_call_id),
        provider_ids={"connId": call.conn_id} if call.conn_id else {},
        attributes=_attributes(call.user_data, settings.attributes),
        others=tuple(
            OtherParty(number=shown_number(number, settings.numbers))
            for number in call.participants
        ),
    )


def recording_of(call: CallResource) -> RecordingState | None:
    """What the platform reports; None = this message says nothing.

    ``recordingState`` first, else what could be done next. GSIP_RECORD is attached
    data that travels with a transfer: never a source of truth.
    """
    if call.recording_state is not None:
        return _RECORDING.get(call.recording_state, "unknown")
    for capability, state in _OFFERED.items():
        if capability in call.capabilities:
            return state
    return None


def _shown(number: str | None, display: NumberDisplay, *, own: bool) -> str | None:
    return shown_number(number, "full" if own else display)


def _attributes(data: Mapping[str, object], allowed: tuple[str, ...]) -> dict[str, str]:
    found = ((name, data.get(name)) for name in allowed)
    return {name: str(v) for name, v in found if isinstance(v, str | int | float)}
