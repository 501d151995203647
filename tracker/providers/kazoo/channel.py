"""A live channel as it is known, and the claim that it makes about its leg."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tracker.domain.reading import Observation
from tracker.domain.terms import CallState, RecordingState
from tracker.providers.agents import expected_of
from tracker.providers.kazoo.settings import KazooSettings, KazooUser
from tracker.providers.kazoo.wire import ChannelDetail
from tracker.providers.normalise import shown_number
from tracker.providers.wire import Garbled

KNOWN: Final = ("recording", "paused", "stopped")
"""What a recording can be shown to do."""

_RECORDING: Final[Mapping[str, RecordingState]] = {
    "RECORD_START": "recording",
    "RECORD_STOP": "stopped",
    "RECORD_PAUSE": "paused",
    "RECORD_MASK": "paused",
    "RECORD_RESUME": "recording",
    "RECORD_UNMASK": "recording",
}


@dataclass(slots=True, eq=False)
class Channel:
    """One live channel.

    Attributes:
        first_s: When it was first seen, on the loop's clock; so are all instants here.
        key: Its call's; None = not known yet.
        claim: What its recording does; ``unknown`` = it may do anything, None = nothing
            has been told since its creation.
        is_masked: It is paused by a mask.
        until_s: When the claim is no longer believed.
        limit_s: How long the next recording goes on, where a command said so.
        is_told: By an event, or by the first read.
        absent_s: Since when full reads have lacked it.
        told: What was last claimed of it.
    """

    uuid: str
    first_s: float
    key: str | None = None
    interaction_id: str | None = None
    direction: str | None = None
    owner_id: str | None = None
    caller: str | None = None
    called: str | None = None
    is_answered: bool = False
    is_held: bool = False
    claim: RecordingState | None = None
    is_masked: bool = False
    until_s: float = math.inf
    limit_s: float | None = None
    is_told: bool = False
    absent_s: float = math.inf
    told: Observation | None = None

    @property
    def state(self) -> CallState:
        """Who calls comes in at the switch, and hears it ring elsewhere."""
        if self.is_answered:
            return "held" if self.is_held else "active"
        return "dialing" if self.direction == "inbound" else "ringing"

    def recorded(self, event: str, now_s: float, time_limit_s: float) -> None:
        """Take in a RECORD event; a recording ends after *time_limit_s*, or as told."""
        self.claim = _RECORDING.get(event, "unknown")
        self.is_masked = event == "RECORD_MASK"
        if self.claim not in ("recording", "paused"):
            self.until_s = math.inf
        elif event == "RECORD_START" or math.isinf(self.until_s):
            self.until_s = now_s + (self.limit_s or time_limit_s)
            self.limit_s = None


@dataclass(slots=True)
class FullRead:
    """A list of all live channels, and their details where the list lacked something.

    Attributes:
        began_s: When the list was asked for.
        details: By uuid; None = it had ended by then.
        garbled: Channels that could not be read: any of those that are missing.
    """

    began_s: float
    listed: Sequence[ChannelDetail]
    details: dict[str, ChannelDetail | None] = field(default_factory=dict)
    garbled: Sequence[Garbled] = ()


def observation(
    channel: Channel, settings: KazooSettings, user: KazooUser | None
) -> Observation:
    """What a channel whose call is known claims, as if it had been looked at just now.

    Args:
        channel: Which.
        settings: Of the account.
        user: Its owner, if their team or expectation is known.
    """
    calls = channel.direction == "inbound"
    return Observation(
        call=channel.key or "",
        exact=False,
        leg=channel.uuid,
        leg_id=channel.uuid,
        state=channel.state,
        recording=channel.claim,
        no_proof=channel.claim not in KNOWN,
        agent=channel.owner_id,
        team=user.team if user else None,
        role="agent" if channel.owner_id else "other",
        expected=expected_of(user, settings.expected, settings.teams),
        ani=shown_number(channel.caller, settings.numbers) if calls else None,
        dnis=shown_number(channel.called, settings.numbers) if calls else None,
        interaction_id=channel.interaction_id,
    )
