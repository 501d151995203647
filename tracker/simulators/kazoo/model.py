"""What a Kazoo server knows: calls, their channels, and what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from tracker.simulators.reply import Json

Delay = float | Literal["never"]
"""Seconds until something happens, or that it never does."""

GREGORIAN_S = 62_167_219_200
"""From year 0 to 1970: Kazoo's instants are seconds since year 0."""


def to_gregorian(unix_s: float) -> int:
    """An instant as Kazoo writes it."""
    return int(unix_s) + GREGORIAN_S


class State(StrEnum):
    """What a live recording does; no document of Kazoo has it."""

    WAITING = "waiting"
    """For the channel to be answered or bridged."""
    RECORDING = "recording"
    MASKED = "masked"
    PAUSED = "paused"
    STOPPED = "stopped"


class Change(NamedTuple):
    """A moment at which the recording of a channel really changed.

    Attributes:
        at_s: The simulator's clock.
        call_id: The channel's id.
    """

    at_s: float
    call_id: str
    before: State
    after: State


@dataclass(slots=True, eq=False)
class LiveRecording:
    """A recording of a channel, as long as it lasts.

    Attributes:
        id: Of the document that it may become: the month and 32 hexadecimal digits.
        parameters: What it was started with.
        origin: How it was started.
        recorded_s: What it has of audio up to `since_s`, pauses left out.
    """

    id: str
    parameters: Mapping[str, Any]
    origin: str
    state: State = State.WAITING
    started_at_s: float = 0.0
    since_s: float = 0.0
    recorded_s: float = 0.0

    def turn(self, state: State, now_s: float) -> None:
        """Go on as *state* from now on."""
        if self.state in (State.RECORDING, State.MASKED):
            self.recorded_s += now_s - self.since_s
        if self.state is State.WAITING:
            self.started_at_s = now_s
        self.state, self.since_s = state, now_s


@dataclass(slots=True, eq=False)
class Channel:
    """One leg of a call.

    Attributes:
        direction: As the switch sees it: inbound arrives there, outbound leaves.
        owner_id: The user whose device it is; None: somebody outside.
        other_leg: The id of the channel it is or will be bridged to.
        has_metaflows: It does what metaflows ask for.
        media_recordings: The ids of the recordings that were made of it.
        hangup_cause: Why it ended; None: it lives.
    """

    id: str
    interaction_id: str
    direction: Literal["inbound", "outbound"]
    from_number: str
    to_number: str
    owner_id: str | None
    began_at_s: float
    has_metaflows: bool
    other_leg: str | None = None
    answered_at_s: float | None = None
    bridged_at_s: float | None = None
    is_on_hold: bool = False
    recording: LiveRecording | None = None
    media_recordings: list[str] = field(default_factory=list)
    hangup_cause: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.hangup_cause is not None

    @property
    def state(self) -> State:
        """What its recording does."""
        return self.recording.state if self.recording else State.STOPPED


@dataclass(slots=True, eq=False)
class Call:
    """What belongs to one interaction.

    Attributes:
        channels: The caller's first, then in the order in which they came.
    """

    interaction_id: str
    channels: list[Channel] = field(default_factory=list)

    @property
    def live(self) -> list[Channel]:
        """The channels that have not ended."""
        return [channel for channel in self.channels if not channel.is_over]

    @property
    def is_over(self) -> bool:
        """Whether all of its channels have ended."""
        return not self.live


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded: all that a document is made of, but when it was saved.

    Attributes:
        id: The document's; None: any of the right month.
        start_at_s: Unix seconds; None: as long before now as it is long.
        audio_after_s: From the document to its audio; None: as the options say.
        size_bytes: Of the audio; None: what its length makes.
        url: Where the audio went; then it is not with the document.
        name: Of the file; None: made from the id.
    """

    id: str | None = None
    call_id: str = "0a1b2c3d@127.0.0.1"
    interaction_id: str = "63877483400-abcd"
    direction: Literal["inbound", "outbound"] = "inbound"
    from_number: str = "1000"
    to_number: str = "2000"
    owner_id: str | None = None
    start_at_s: float | None = None
    duration_ms: int = 12_034
    audio_after_s: Delay | None = None
    size_bytes: int | None = None
    format: Literal["mp3", "wav"] = "mp3"
    url: str | None = None
    origin: str = "no origin"
    name: str | None = None


@dataclass(slots=True, eq=False)
class Document:
    """A stored recording.

    Attributes:
        saved_at_s: Unix seconds; listings are keyed on it.
        audio_at_s: When the audio is there; infinite: never.
        size_bytes: Of the audio.
        user_metadata: What somebody added (release 5).
    """

    id: str
    of: Recorded
    name: str
    start_at_s: float
    saved_at_s: float
    audio_at_s: float
    size_bytes: int
    user_metadata: Json | None = None

    @property
    def month(self) -> str:
        """`YYYYMM`: which of the account's databases it lies in."""
        return self.id[:6]
