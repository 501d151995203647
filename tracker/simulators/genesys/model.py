"""What a switch knows: agents, calls, and an agent's leg of a call."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class CallState(StrEnum):
    """`call.state`, as one agent's device is in it."""

    DIALING = "Dialing"
    RINGING = "Ringing"
    ESTABLISHED = "Established"
    HELD = "Held"
    RELEASED = "Released"


class RecordingState(StrEnum):
    """`recordingState`."""

    RECORDING = "Recording"
    PAUSED = "Paused"
    STOPPED = "Stopped"


class RecordingOperation(StrEnum):
    """`operationName` of the four recording operations."""

    START = "StartCallRecording"
    STOP = "StopCallRecording"
    PAUSE = "PauseCallRecording"
    RESUME = "ResumeCallRecording"


RECORDING_CHANGES = {
    (RecordingState.STOPPED, RecordingOperation.START): RecordingState.RECORDING,
    (RecordingState.RECORDING, RecordingOperation.PAUSE): RecordingState.PAUSED,
    (RecordingState.RECORDING, RecordingOperation.STOP): RecordingState.STOPPED,
    (RecordingState.PAUSED, RecordingOperation.RESUME): RecordingState.RECORDING,
    (RecordingState.PAUSED, RecordingOperation.STOP): RecordingState.STOPPED,
}
"""Which operation a state offers, as capabilities, and where it leads."""

GSIP_RECORD = {
    RecordingState.RECORDING: "ON",
    RecordingState.PAUSED: "PAUSED",
    RecordingState.STOPPED: "OFF",
}

CallType = Literal["Internal", "Inbound", "Outbound", "Consult"]
Expected = Literal["always", "on_demand", "never"]


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody with a login and a phone; `id` is what tracker calls them."""

    id: str
    username: str
    password: str
    team: str
    phone_number: str
    expected: Expected
    user_id: str
    device_id: str


@dataclass(slots=True, eq=False)
class Call:
    """A call; its attached data belongs to all its legs and travels with it.

    Attributes:
        id: What its resource is called: its callUuid or its connId.
        outside: The number of the party that is no agent, if there is one.
        parent: The call from which it is a consultation.
        consultation: The newest consultation from it.
    """

    id: str
    uuid: str
    conn_id: str
    type: CallType
    ani: str
    dnis: str
    created_at: datetime
    outside: str | None = None
    parent: "Call | None" = None
    consultation: "Call | None" = None
    legs: list["Leg"] = field(default_factory=list)
    user_data: dict[str, Any] = field(default_factory=dict)

    @property
    def parties(self) -> int:
        """How many talk; a supervisor who listens does not."""
        return sum(not leg.monitoring for leg in self.legs) + (self.outside is not None)

    @property
    def is_over(self) -> bool:
        """Whether everybody has left."""
        return not self.legs

    def leg_of(self, agent_id: str) -> "Leg":
        """An agent's leg.

        Raises:
            KeyError: The agent isn't on the call.
        """
        for leg in self.legs:
            if leg.agent.id == agent_id:
                return leg
        raise KeyError(agent_id)


@dataclass(slots=True, eq=False)
class Leg:
    """One agent's part in a call, with a recording of its own.

    Attributes:
        can_record: Whether its recording can be asked for at all.
        recording: None where it is not reported: then no message has it.
        was_recorded: Whether there was one.
        monitoring: The agent is a supervisor who listens in.
        supervised: A supervisor listens in on this leg.
    """

    agent: Agent
    call: Call
    state: CallState
    can_record: bool
    recording: RecordingState | None
    was_recorded: bool = False
    monitoring: bool = False
    supervised: bool = False

    @property
    def is_talking(self) -> bool:
        """Answered, held or not."""
        return self.state in (CallState.ESTABLISHED, CallState.HELD)

    def offered(self) -> list[RecordingOperation]:
        """The recording operations that make sense now."""
        if not self.is_talking or not self.can_record:
            return []
        now = self.recording or RecordingState.STOPPED
        return [operation for state, operation in RECORDING_CHANGES if state is now]

    def other_numbers(self) -> list[str]:
        """The numbers of everybody else who talks."""
        others = [
            leg.agent.phone_number
            for leg in self.call.legs
            if leg is not self and not leg.monitoring
        ]
        return [*others, self.call.outside] if self.call.outside else others


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_EXPECTED: Sequence[Expected] = ("always", "always", "on_demand", "never")


def make_agents(
    count: int, teams: Sequence[str], rng: random.Random
) -> tuple[Agent, ...]:
    """Agents `agent-0001`, …, in turn in every team, mostly to be recorded."""
    return tuple(
        Agent(
            id=f"agent-{n:04}",
            username=f"login-{n:04}",
            password=f"password-{rng.getrandbits(32):08x}",
            team=teams[n % len(teams)],
            phone_number=str(10_000 + n),
            expected=_EXPECTED[n // len(teams) % len(_EXPECTED)],
            user_id=make_uuid(rng),
            device_id=make_uuid(rng),
        )
        for n in range(1, count + 1)
    )


def make_uuid(rng: random.Random) -> str:
    """A random UUID that follows from a seed."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


class CallNumbers:
    """Gives out callUuids and connIds: the site's own part, then a counter."""

    def __init__(self, rng: random.Random) -> None:
        self._site = "".join(rng.choices(_DIGITS, k=24))
        self._site_number = rng.getrandbits(28)
        self._count = 0

    def next(self) -> tuple[str, str]:
        """A callUuid of 32 digits to the base 32, and a connId of 16 to the base 16."""
        self._count += 1
        rest, tail = self._count, ""
        for _ in range(8):
            rest, digit = divmod(rest, len(_DIGITS))
            tail = _DIGITS[digit] + tail
        return self._site + tail, f"00{self._site_number:07x}{self._count:07x}"
