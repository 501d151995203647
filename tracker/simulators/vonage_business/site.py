"""Everything that a simulated account consists of, but its sockets."""

from collections.abc import Callable

from tracker.simulators.faults import FaultBoard
from tracker.simulators.journal import Journal, Limit
from tracker.simulators.method_faults import MethodFaultBoard
from tracker.simulators.vonage_business.archive import Archive
from tracker.simulators.vonage_business.jobs import Jobs
from tracker.simulators.vonage_business.options import VonageBusinessOptions
from tracker.simulators.vonage_business.rest import Rest
from tracker.simulators.vonage_business.tokens import Tokens
from tracker.simulators.vonage_business.wire import Wire


class Site:
    """The parts, wired.

    Args:
        options: What kind of account it is.
        clock: Seconds since 1970.
    """

    def __init__(
        self, options: VonageBusinessOptions, clock: Callable[[], float]
    ) -> None:
        self.options = options
        self.faults: FaultBoard = MethodFaultBoard()
        self.journal = Journal(clock)
        self.limit = Limit(options.limit_per_s, clock)
        self.tokens = Tokens(options, clock)
        self.archive = Archive(options, clock)
        self.jobs = Jobs(options, clock)
        self.wire = Wire(options)
        self.rest = Rest(options, self.archive, self.jobs, self.wire)
