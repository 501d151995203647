"""Random traffic: what agents on a busy day do, one change at a time."""

import random
from collections import deque
from collections.abc import Callable

from tracker.simulators.vonage_cc.model import PAUSED, Call
from tracker.simulators.vonage_cc.switch import Switch

_REMEMBERED = 1_000
_TRIES = 8

Move = tuple[float, Callable[[Call], None]]
"""A weight, and what is done."""


class RandomTraffic:
    """Changes on the calls of many agents; the same seed and past give the same.

    Args:
        switch: Where they happen.
        rng: What is chosen by.
        busy: The share of the agents that is on a call, about.
    """

    def __init__(
        self, switch: Switch, rng: random.Random, *, busy: float = 0.6
    ) -> None:
        self._switch = switch
        self._rng = rng
        self._wanted = max(1, int(len(switch.agents) * busy))
        self._calls: list[Call] = []
        self._ended: deque[Call] = deque()

    def move(self) -> None:
        """Begin a call or take one a step further."""
        index = self._rng.randrange(self._wanted)
        while index < len(self._calls) and self._calls[index].is_over:
            self._calls[index] = self._calls[-1]
            self._calls.pop()
        if index >= len(self._calls):
            self._begin()
        else:
            call = self._calls[index]
            weights, moves = zip(*self._moves(call), strict=True)
            self._rng.choices(moves, weights)[0](call)

    def _begin(self) -> None:
        """Begin a call, unless a few tries find only agents who are on one."""
        for _ in range(_TRIES):
            agent = self._rng.choice(self._switch.agents)
            if not self._switch.is_busy(agent):
                caller = f"0155{self._rng.randrange(10**7):07}"
                self._calls.append(self._switch.begin_call(agent, caller))
                return

    def _moves(self, call: Call) -> list[Move]:
        """What may happen next on a live call; never nothing."""
        hang_up: Move = (1.0, self._hang_up)
        if not call.has_agent:
            return [hang_up]
        if call.recording == PAUSED:
            return [hang_up, (6.0, self._switch.resume)]
        leave: Move = (0.3, self._switch.transfer_out)
        return [hang_up, leave, (3.0, self._switch.pause)]

    def _hang_up(self, call: Call) -> None:
        """End a call; of those that ended long ago, forget the oldest."""
        self._switch.end(call)
        self._ended.append(call)
        if len(self._ended) > _REMEMBERED:
            self._switch.forget(self._ended.popleft())
