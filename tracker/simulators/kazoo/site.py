"""Everything that a simulated Kazoo server consists of, but its HTTP."""

import asyncio
from collections.abc import Callable

from tracker.simulators.faults import FaultBoard
from tracker.simulators.journal import Journal
from tracker.simulators.kazoo.blackhole import Session
from tracker.simulators.kazoo.bucket import Buckets
from tracker.simulators.kazoo.events import EventWriter
from tracker.simulators.kazoo.options import KazooOptions
from tracker.simulators.kazoo.recorder import Recorder
from tracker.simulators.kazoo.rest import Rest
from tracker.simulators.kazoo.sockets import SocketServer
from tracker.simulators.kazoo.store import RecordingStore
from tracker.simulators.kazoo.switch import Switch
from tracker.simulators.kazoo.tokens import Tokens
from tracker.simulators.kazoo.wire import Wire
from tracker.simulators.method_faults import MethodFaultBoard


class Site:
    """The parts, wired: what happens is told to the sockets.

    Args:
        options: What kind of server it is.
        clock: Unix seconds.
        news: Is called after everything that happened.
    """

    def __init__(
        self,
        options: KazooOptions,
        clock: Callable[[], float],
        news: Callable[[], None],
    ) -> None:
        self.options = options
        self.faults: FaultBoard = MethodFaultBoard()
        self.journal = Journal(clock)
        self.buckets = Buckets(options.bucket, options.refill_per_s, clock)
        self.tokens = Tokens(options, clock)
        self.store = RecordingStore(options, clock)
        self.recorder = Recorder(options, clock, _later, self.store)
        self.switch = Switch(options, clock, _later, self.recorder)
        self.wire = Wire(options, clock)
        self.rest = Rest(options, clock, self.store, self.switch, self.wire)
        self._clock = clock
        self.sockets = SocketServer(
            options, self.faults, self._make_session, _later, news
        )
        self._writer = EventWriter(options, clock)
        self._connect(news)

    def save_other(self, kind: str) -> None:
        """A document of another kind than recordings' is saved now."""
        self.sockets.publish(self._writer.other_doc_created(kind))

    def _connect(self, news: Callable[[], None]) -> None:
        publish, writer = self.sockets.publish, self._writer
        self.store.news = self.switch.news = news
        self.switch.listener = lambda *told: publish(writer.call(*told))
        self.recorder.listener = lambda *told: publish(writer.record(*told))
        self.store.listener = lambda document: publish(writer.doc_created(document))

    def _make_session(self) -> Session:
        return Session(self.options, self._clock, self.tokens.admits, self.faults)


def _later(delay_s: float, action: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_later(delay_s, action)
