"""Random traffic: what agents on a busy day do, one change at a time."""

import random
from collections import deque

from tracker.simulators.busy import BusyDay, Move
from tracker.simulators.vonage_cc.model import PAUSED, Call
from tracker.simulators.vonage_cc.switch import Switch

_REMEMBERED = 1_000


class RandomTraffic(BusyDay[Call]):
    """Changes on the calls of many agents.

    Args:
        switch: Where they happen.
        rng: What is chosen by.
        busy: The share of the agents that is on a call, about.
    """

    def __init__(
        self, switch: Switch, rng: random.Random, *, busy: float = 0.6
    ) -> None:
        super().__init__(switch.agents, rng, busy=busy)
        self._switch = switch
        self._ended: deque[Call] = deque()

    def _begin(self, person: str) -> Call | None:
        if self._switch.is_busy(person):
            return None
        caller = f"0155{self._rng.randrange(10**7):07}"
        return self._switch.begin_call(person, caller)

    def _moves(self, call: Call) -> list[Move[Call]]:
        hang_up: Move[Call] = (1.0, self._hang_up)
        if not call.has_agent:
            return [hang_up]
        if call.recording == PAUSED:
            return [hang_up, (6.0, self._switch.resume)]
        leave: Move[Call] = (0.3, self._switch.transfer_out)
        return [hang_up, leave, (3.0, self._switch.pause)]

    def _hang_up(self, call: Call) -> None:
        """End a call; of those that ended long ago, forget the oldest."""
        self._switch.end(call)
        self._ended.append(call)
        if len(self._ended) > _REMEMBERED:
            self._switch.forget(self._ended.popleft())
