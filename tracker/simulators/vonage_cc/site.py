"""Everything that a simulated contact centre consists of, but its sockets."""

import asyncio
from collections.abc import Callable

from tracker.simulators.faults import FaultBoard
from tracker.simulators.journal import Journal, Limit
from tracker.simulators.method_faults import MethodFaultBoard
from tracker.simulators.vonage_cc.options import VonageCcOptions
from tracker.simulators.vonage_cc.rest import Rest
from tracker.simulators.vonage_cc.switch import Switch
from tracker.simulators.vonage_cc.tokens import Tokens
from tracker.simulators.vonage_cc.wire import Wire


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
