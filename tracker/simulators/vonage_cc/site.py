"""Everything that a simulated contact centre consists of, but its sockets."""

import asyncio
from collections.abc import Callable

from tracker.simulators.faults import ArmedFault, FaultBoard, FaultKind
from tracker.simulators.vonage_cc.journal import Journal, Limit
from tracker.simulators.vonage_cc.options import VonageCcOptions
from tracker.simulators.vonage_cc.rest import Rest
from tracker.simulators.vonage_cc.switch import Switch
from tracker.simulators.vonage_cc.tokens import Tokens
from tracker.simulators.vonage_cc.wire import Wire


class MethodFaultBoard(FaultBoard):
    """A board that is asked with the method before the path, `POST /v0/…`.

    Patterns may begin with a method, for calls are read and controlled at one path;
    those that don't strike every method.
    """

    def take(
        self,
        kinds: frozenset[FaultKind],
        path: str,
        agent: str | None,
        *,
        after: bool = False,
    ) -> ArmedFault | None:
        """The first armed fault that strikes here; those with a method go first."""
        _, _, bare = path.partition(" ")
        struck = super().take(kinds, path, agent, after=after)
        return struck or super().take(kinds, bare or path, agent, after=after)


class Site:
    """The parts, wired.

    Args:
        options: What kind of contact centre it is.
        clock: Seconds that only rise.
    """

    def __init__(self, options: VonageCcOptions, clock: Callable[[], float]) -> None:
        self.options = options
        self.faults: FaultBoard = MethodFaultBoard()
        self.journal = Journal(clock)
        self.limit = Limit(options.limit_per_s, clock)
        self.tokens = Tokens(options, clock)
        self.switch = Switch(options, clock, _later)
        self.wire = Wire(options.account)
        self.rest = Rest(self.switch, self.wire, options.accepted_status)


def _later(delay_s: float, action: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(delay_s, action)
