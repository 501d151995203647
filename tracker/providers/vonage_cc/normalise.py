"""A Vonage Contact Center call, in tracker's words."""

from collections.abc import Mapping
from typing import Final

from tracker.domain.key import make_key
from tracker.domain.reading import Observation
from tracker.domain.terms import Action, CallState, RecordingState
from tracker.providers.agents import expected_of
from tracker.providers.normalise import shown_number
from tracker.providers.vonage_cc.settings import FollowedAgent, VonageCcSettings
from tracker.providers.vonage_cc.wire import CallDetail

PROVIDER: Final = "vonage_cc"

ACTIONS: Final[tuple[Action, ...]] = ("pause", "resume")

_RECORDING: Final[Mapping[str | None, RecordingState]] = {
    "Started": "recording",
    "Paused": "paused",
}
_STATES: Final[Mapping[str, CallState]] = {
    "ring": "ringing",
    "alert": "ringing",
    "dial": "dialing",
    "hold": "held",
    "held": "held",
}


def call_key(settings: VonageCcSettings, guid: str) -> str:
    """The key of the call with this GUID."""
    return make_key(PROVIDER, settings.account, guid)


def observation(
    guid: str,
    call: CallDetail | None,
    settings: VonageCcSettings,
    agents: Mapping[str, FollowedAgent],
    *,
    led_by: str | None,
) -> Observation:
    """The claim that a read of *guid* makes; its age is added when it is told.

    Which of the two numbers is the account's own is not told: both are treated alike.

    Args:
        guid: The call's.
        call: What the platform showed; None = it knows of no such call.
        settings: Of the account.
        agents: Those who are followed, by id.
        led_by: The id of the agent through whom the call was found.
    """
    shown = call or CallDetail()
    agent = shown.from_agent or led_by
    followed = agents.get(agent or "")
    state = _state_of(call)
    silent: RecordingState | None = None if state == "ended" else "unknown"
    return Observation(
        call=call_key(settings, guid),
        exact=False,
        leg_id=guid,
        state=state,
        recording=_RECORDING.get(shown.recording_status, silent),
        agent=agent,
        team=followed.team if followed else None,
        expected=expected_of(followed, settings.expected, settings.teams),
        actions=ACTIONS,
        ani=shown_number(shown.from_number, settings.numbers),
        dnis=shown_number(shown.to_number, settings.numbers),
    )


def _state_of(call: CallDetail | None) -> CallState:
    if call is None or call.is_over:
        return "ended"
    status = (call.status or "").lower()
    return next((s for word, s in _STATES.items() if word in status), "active")
