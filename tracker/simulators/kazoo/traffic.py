"""Random traffic: what users on a busy day do, one thing at a time."""

import random

from tracker.simulators.busy import BusyDay, Move
from tracker.simulators.kazoo.model import Call, State
from tracker.simulators.kazoo.switch import Switch


class RandomTraffic(BusyDay[Call]):
    """Calls of many users.

    Args:
        switch: Where they happen.
        rng: What is chosen by.
    """

    def __init__(self, switch: Switch, rng: random.Random) -> None:
        super().__init__(switch.users, rng)
        self._switch = switch

    def _begin(self, person: str) -> Call | None:
        if self._switch.is_busy(person):
            return None
        other = f"1555{self._rng.randrange(10**7):07}"
        return self._switch.begin_call(person, other)

    def _moves(self, call: Call) -> list[Move[Call]]:
        caller = call.live[0]
        if caller.answered_at_s is None:
            return [(8.0, self._switch.answer), (1.0, self._switch.end)]
        moves: list[Move[Call]] = [(1.0, self._switch.end)]
        if caller.state is State.STOPPED:
            moves.append((4.0, lambda _call: self._switch.record(caller)))
        elif caller.state is State.MASKED:
            moves.append((6.0, lambda _call: self._switch.unmask(caller)))
        else:
            moves.append((2.0, lambda _call: self._switch.mask(caller)))
            moves.append((0.5, lambda _call: self._switch.stop(caller)))
        return moves
