"""What a contact centre knows: calls, and what became of their recordings."""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from tracker.simulators.vonage_cc.options import Delay

STARTED, PAUSED = "Started", "Paused"
"""The values of `recordingStatus` that can be asked for."""


class Result(NamedTuple):
    """How a call ended."""

    code: str = "Success"
    party: str = "Originator"
    reason: str = "Hangup"


class Change(NamedTuple):
    """A moment at which the recording of a live call really changed.

    What a call began with, and that it ended, is no change.

    Attributes:
        at_s: The simulator's clock.
        before: The `recordingStatus` until then; None = null.
        after: The one from then on.
    """

    at_s: float
    guid: str
    before: str | None
    after: str | None


@dataclass(slots=True, eq=False)
class Call:
    """A call of an agent with somebody outside.

    Attributes:
        agent_id: Who is, or at the end was, on it; None: the agent has left it.
        recording: Its `recordingStatus` while it lives; None: it is not recorded.
        status: While it lives.
        result: How it ended; None: it lives.
        pending: What the accepted changes lead to, the oldest first.
        due_s: When the newest of them takes effect.
        delays: How long the next accepted changes take, instead of any time.
        outcomes: What the next accepted changes lead to, instead of what was asked.
    """

    guid: str
    agent_id: str | None
    caller: str
    number: str
    recording: str | None
    began_at_s: float
    status: str = "Connected"
    ended_at_s: float | None = None
    result: Result | None = None
    disposition: str | None = None
    pending: deque[str | None] = field(default_factory=deque)
    due_s: float = 0.0
    delays: deque[Delay] = field(default_factory=deque)
    outcomes: deque[str | None] = field(default_factory=deque)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.result is not None

    @property
    def has_agent(self) -> bool:
        """Whether it is currently with an agent."""
        return self.agent_id is not None and not self.is_over
