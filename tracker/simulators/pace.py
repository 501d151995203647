"""Random traffic at a rate, until it is stopped."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

_TICK_S = 0.005
_MOST_BEHIND_S = 1.0


class Traffic(Protocol):
    """What people do, one thing at a time."""

    def move(self) -> None:
        """Do the next thing."""


class Pace:
    """Moves a traffic on, at a rate that may change."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._driving: asyncio.Task[None] | None = None

    def start(self, moves_per_s: float) -> None:
        """Begin, or change the rate."""
        if self._driving:
            self._driving.cancel()
        driving = drive(self._traffic, moves_per_s, time.monotonic)
        self._driving = asyncio.get_running_loop().create_task(driving)
        self._driving.add_done_callback(_report)

    async def stop(self) -> None:
        """End it; what was done stays."""
        driving, self._driving = self._driving, None
        if driving:
            driving.cancel()
            await asyncio.wait([driving])


async def drive(
    traffic: Traffic, moves_per_s: float, clock: Callable[[], float]
) -> None:
    """Move on for ever, at a rate of moves per second.

    Who falls behind catches up with at most one second's worth.
    """
    due, at_s = 0.0, clock()
    while True:
        await asyncio.sleep(_TICK_S)
        now_s = clock()
        due += (now_s - at_s) * moves_per_s
        due, at_s = min(due, max(1.0, moves_per_s * _MOST_BEHIND_S)), now_s
        for _ in range(int(due)):
            traffic.move()
        due -= int(due)


def _report(task: asyncio.Task[None]) -> None:
    """Say at once that the traffic broke, not only when somebody stops it."""
    if not task.cancelled() and (error := task.exception()):
        context = {"message": "random traffic broke", "exception": error}
        task.get_loop().call_exception_handler(context)
