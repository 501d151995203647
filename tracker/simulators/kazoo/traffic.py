"""Random traffic: what users on a busy day do, one thing at a time."""

import random
from collections.abc import Callable

from tracker.simulators.kazoo.model import Call, State
from tracker.simulators.kazoo.switch import Switch

_TRIES = 8

Move = tuple[float, Callable[[Call], None]]
"""A weight, and what is done."""


class RandomTraffic:
    """Calls of many users; the same seed and past give the same.

    Args:
        switch: Where they happen.
        rng: What is chosen by.
        busy: The share of the users that is on a call, about.
    """

    def __init__(
        self, switch: Switch, rng: random.Random, *, busy: float = 0.6
    ) -> None:
        self._switch = switch
        self._rng = rng
        self._wanted = max(1, int(len(switch.users) * busy))
        self._calls: list[Call] = []

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
        """Begin a call, unless a few tries find only users who are on one."""
        for _ in range(_TRIES):
            user = self._rng.choice(self._switch.users)
            if not self._switch.is_busy(user):
                other = f"1555{self._rng.randrange(10**7):07}"
                call = self._switch.begin_call(user, other)
                self._calls.append(call)
                return

    def _moves(self, call: Call) -> list[Move]:
        """What may happen next on a live call; never nothing."""
        caller = call.live[0]
        if caller.answered_at_s is None:
            return [(8.0, self._switch.answer), (1.0, self._switch.end)]
        moves: list[Move] = [(1.0, self._switch.end)]
        if caller.state is State.STOPPED:
            moves.append((4.0, lambda _call: self._switch.record(caller)))
        elif caller.state is State.MASKED:
            moves.append((6.0, lambda _call: self._switch.unmask(caller)))
        else:
            moves.append((2.0, lambda _call: self._switch.mask(caller)))
            moves.append((0.5, lambda _call: self._switch.stop(caller)))
        return moves
