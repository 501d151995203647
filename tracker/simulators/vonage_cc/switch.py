"""What people do and what becomes of it: calls and their recordings."""

import random
import uuid
from collections.abc import Callable
from functools import partial

from tracker.simulators.vonage_cc.model import PAUSED, STARTED, Call, Change, Result
from tracker.simulators.vonage_cc.options import Delay, VonageCcOptions

FIRST_AGENT = 10

_MOST_CHANGES = 100_000
_NORMAL = Result()

Later = Callable[[float, Callable[[], None]], object]
"""Does something after so many seconds."""


class Switch:
    """Calls, whose they are, and how they are recorded.

    Attributes:
        agents: Everybody's id.
        calls: By GUID, also those that ended, until they are forgotten.
        latest: By agent, the GUID of the current or previous call.
        changes: The newest 50,000 at least, in order.
        listener: Called after everything that happened here.

    Args:
        options: What kind of contact centre it is.
        clock: Seconds that only rise.
        later: How accepted changes wait for their time.
    """

    def __init__(
        self, options: VonageCcOptions, clock: Callable[[], float], later: Later
    ) -> None:
        count = options.agents
        self.agents = tuple(str(FIRST_AGENT + number) for number in range(count))
        self.calls: dict[str, Call] = {}
        self.latest: dict[str, str] = {}
        self.changes: list[Change] = []
        self.listener: Callable[[], None] = lambda: None
        self._options = options
        self._clock = clock
        self._later = later
        self._guids = random.Random(options.seed)  # noqa: S311 guards nothing
        self._delays = random.Random(options.seed)  # noqa: S311 guards nothing

    def begin_call(
        self,
        agent_id: str,
        caller: str,
        *,
        guid: str | None = None,
        recorded: bool = True,
    ) -> Call:
        """An agent talks to a caller from now on.

        Args:
            agent_id: Whose current call it becomes.
            caller: The number of the other.
            guid: What it is called; None: anything.
            recorded: Whether it is, from its first moment on.

        Raises:
            ValueError: There is no such agent.
        """
        if agent_id not in self.agents:
            message = f"there is no agent {agent_id}"
            raise ValueError(message)
        recording, number = STARTED if recorded else None, self._options.number
        guid = (guid or self._make_guid()).lower()
        call = Call(guid, agent_id, caller, number, recording, self._clock())
        self.calls[guid] = call
        self.latest[agent_id] = guid
        self.listener()
        return call

    def pause(self, call: Call) -> None:
        """The agent pauses the recording, without asking the API."""
        self._require_agent(call)
        self._change(call, PAUSED)

    def resume(self, call: Call) -> None:
        """The agent resumes the recording, without asking the API."""
        self._require_agent(call)
        self._change(call, STARTED)

    def show(self, call: Call, status_value: str | None) -> None:
        """Let a live call's `recordingStatus` be anything; None: null."""
        _require_live(call)
        self._change(call, status_value)

    def show_status(self, call: Call, status: str) -> None:
        """Let a live call's `status` be anything."""
        _require_live(call)
        call.status = status
        self.listener()

    def transfer_out(self, call: Call) -> None:
        """The agent leaves the call, which goes on, recorded as it was."""
        self._require_agent(call)
        call.agent_id = None
        self.listener()

    def end(
        self, call: Call, result: Result = _NORMAL, disposition: str | None = None
    ) -> None:
        """Everybody hangs up; accepted changes that wait come to nothing."""
        _require_live(call)
        call.result, call.disposition = result, disposition
        call.ended_at_s = self._clock()
        self.listener()

    def forget(self, call: Call) -> None:
        """Know nothing of a call any more, as 24 h after its end.

        It stays its agent's previous call.
        """
        self.calls.pop(call.guid, None)
        self.listener()

    def next_delay(self, call: Call, delay: Delay) -> None:
        """Say how long a call's next accepted change takes; more queue up."""
        call.delays.append(delay)

    def contradict_next(self, call: Call, to: str | None) -> None:
        """Say what a call's next accepted change leads to instead; more queue up."""
        call.outcomes.append(to)

    def accept(self, call: Call, status_value: str, *, never: bool = False) -> None:
        """Let a change that was asked for take effect, when its time has come.

        Args:
            call: Whose recording is to change.
            status_value: Into which.
            never: Nothing comes of it.
        """
        outcome = call.outcomes.popleft() if call.outcomes else status_value
        delay = call.delays.popleft() if call.delays else self._draw()
        if never or delay == "never":
            return
        now_s = self._clock()
        call.due_s = max(call.due_s, now_s + delay)
        call.pending.append(outcome)
        self._later(call.due_s - now_s, partial(self._take_effect, call))

    def is_busy(self, agent_id: str) -> bool:
        """Whether the agent's latest call is live and still with the agent."""
        call = self.calls.get(self.latest.get(agent_id, ""))
        return call is not None and call.has_agent and call.agent_id == agent_id

    def _take_effect(self, call: Call) -> None:
        status_value = call.pending.popleft()
        if not call.is_over and call.recording is not None:
            self._change(call, status_value)

    def _change(self, call: Call, status_value: str | None) -> None:
        if status_value == call.recording:
            return
        change = Change(self._clock(), call.guid, call.recording, status_value)
        if len(self.changes) >= _MOST_CHANGES:
            del self.changes[: _MOST_CHANGES // 2]
        self.changes.append(change)
        call.recording = status_value
        self.listener()

    def _draw(self) -> Delay:
        median_s = self._options.delay_s
        if median_s == "never":
            return "never"
        return median_s * self._delays.lognormvariate(0, self._options.delay_sigma)

    def _make_guid(self) -> str:
        return str(uuid.UUID(int=self._guids.getrandbits(128), version=4))

    def _require_agent(self, call: Call) -> None:
        if not call.has_agent:
            raise ValueError("the call is not with an agent")


def _require_live(call: Call) -> None:
    if call.is_over:
        raise ValueError("the call has ended")
