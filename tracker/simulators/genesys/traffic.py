"""Random traffic: what people on a busy day do, one move at a time."""

import asyncio
import random
from collections.abc import Callable, Sequence
from functools import partial

from tracker.simulators.genesys.model import Agent, Call, CallState, Leg
from tracker.simulators.genesys.model import RecordingOperation as Operation
from tracker.simulators.genesys.switch import Switch

_TICK_S = 0.005
_MOST_BEHIND_S = 1.0
_MOVES_PER_TICK = 200
_TRIES = 8
_LIKELY = {
    Operation.START: 0.5,
    Operation.PAUSE: 3.0,
    Operation.RESUME: 5.0,
    Operation.STOP: 0.5,
}

Move = tuple[float, Callable[[], object]]
"""A weight, and what is done."""


class RandomTraffic:
    """Moves of many people; the same seed and the same past give the same move.

    Args:
        switch: Where they happen.
        agents: Who makes them.
        rng: What they choose by.
        busy: The share of the agents that is on a call, about.
    """

    def __init__(
        self,
        switch: Switch,
        agents: Sequence[Agent],
        rng: random.Random,
        *,
        busy: float = 0.6,
    ) -> None:
        self._switch = switch
        self._agents = agents
        self._rng = rng
        self._wanted = max(1, int(len(agents) * busy / 2))
        self._calls: list[Call] = []

    def move(self) -> None:
        """Begin a call or take one a step further."""
        index = self._rng.randrange(self._wanted)
        if index >= len(self._calls):
            self._begin()
        elif self._calls[index].is_over:
            self._calls[index] = self._calls[-1]
            self._calls.pop()
        else:
            weights, moves = zip(*self._moves(self._calls[index]), strict=True)
            self._rng.choices(moves, weights)[0]()

    def _begin(self) -> None:
        agent, other = self._free(), self._free()
        if agent is None or other is None or agent == other:
            return
        outside = f"1555{self._rng.randrange(10**7):07}"
        begin: tuple[Callable[[], Call], ...] = (
            lambda: self._switch.dial_in(outside, agent),
            lambda: self._switch.dial(agent, other),
            lambda: self._switch.dial(agent, outside),
        )
        self._calls.append(self._rng.choices(begin, (2, 2, 1))[0]())

    def _free(self) -> str | None:
        """Some agent without a call, or None when a few tries found none."""
        for _ in range(_TRIES):
            agent = self._rng.choice(self._agents).id
            if not self._switch.legs_of(agent):
                return agent
        return None

    def _moves(self, call: Call) -> list[Move]:
        """What may happen next on a call; never nothing."""
        consultation = call.consultation
        if consultation and not consultation.is_over:
            return self._moves(consultation)
        hang_up: Move = (1.0, partial(self._switch.hang_up, call))
        if any(not leg.is_talking for leg in call.legs):
            return [(9.0, partial(self._switch.answer, call)), hang_up]
        if call.parent:
            return [(2.0, partial(self._switch.complete_transfer, call)), hang_up]
        leg = self._rng.choice([leg for leg in call.legs if not leg.monitoring])
        agent = leg.agent.id
        moves = [*self._recording_moves(leg), hang_up]
        if leg.state is CallState.HELD:
            return [*moves, (8.0, partial(self._switch.retrieve, call, agent))]
        return moves + self._talking_moves(leg)

    def _recording_moves(self, leg: Leg) -> list[Move]:
        offered = leg.offered()
        late = leg.agent.expected == "always" and not leg.was_recorded
        return [
            (
                50.0 if late else _LIKELY[operation],
                partial(self._switch.record, leg.call, leg.agent.id, operation),
            )
            for operation in offered
        ]

    def _talking_moves(self, leg: Leg) -> list[Move]:
        call, agent, switch = leg.call, leg.agent.id, self._switch
        note = {"Topic": self._rng.choice(("invoice", "order", "complaint"))}
        moves: list[Move] = [
            (1.5, partial(switch.hold, call, agent)),
            (0.5, partial(switch.attach, call, note)),
        ]
        third = self._free()
        if any(other.monitoring for other in call.legs):
            moves.append((1.0, partial(switch.end_monitoring, call)))
        elif third:
            moves += [
                (0.6, partial(switch.consult, call, agent, third)),
                (0.3, partial(switch.conference, call, third)),
                (0.3, partial(switch.monitor, call, agent, third)),
            ]
        return moves


async def drive(
    traffic: RandomTraffic,
    switch: Switch,
    transitions_per_s: float,
    clock: Callable[[], float],
) -> None:
    """Move on for ever, at a rate of notifications per second.

    What people do by other means counts too; who falls behind catches up with at
    most one second's worth.
    """
    due, at_s = float(switch.told), clock()
    while True:
        await asyncio.sleep(_TICK_S)
        now_s = clock()
        due += (now_s - at_s) * transitions_per_s
        due = min(due, switch.told + transitions_per_s * _MOST_BEHIND_S)
        at_s = now_s
        for _ in range(_MOVES_PER_TICK):
            if switch.told >= due:
                break
            traffic.move()
