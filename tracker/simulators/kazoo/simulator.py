"""A simulated Kazoo server that can be started, told what to do, and made to fail."""

import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from tracker.simulators.faults import FaultBoard
from tracker.simulators.journal import Request
from tracker.simulators.kazoo.control import control_routes
from tracker.simulators.kazoo.model import Call, Change, Channel, Document
from tracker.simulators.kazoo.options import KazooOptions
from tracker.simulators.kazoo.server import KazooServer
from tracker.simulators.kazoo.site import Site
from tracker.simulators.kazoo.traffic import RandomTraffic
from tracker.simulators.pace import Pace
from tracker.simulators.reception import News, Reception, on_port
from tracker.simulators.reply import Json


class Urls(NamedTuple):
    """Where a simulator answers, without slashes at the end."""

    base_url: str
    websocket_url: str


class KazooSimulator:
    """A simulated Kazoo server with one account.

    Its calls, recordings and tokens outlive its server: when `serve` ends and is
    entered again, clients find everything as it is by then.

    What people do, by the methods of `Switch` that this class has as its own:
    `begin_call`, `answer`, `hold`, `unhold`, `transfer`, `end`, and on one channel
    `record`, `stop`, `mask`, `unmask`, `pause`, `resume`; and what becomes of an
    accepted metaflow: `next_delay`. Of the store: `add_recording`, `attach_audio`,
    `delete_recording`. Of the sockets: `drop_bindings`, `cut_sockets`.

    Attributes:
        options: What kind of server it is.
        faults: What goes wrong; a fault's path may begin with a method, `PUT /v2/*`,
            or be an event's routing key, `reply/<action>`, `pong` or the binding that
            is refused; its agent is the user's id.
        site: All parts, for what this class has no word for.

    Args:
        options: What kind of server it is.
        clock: Unix seconds: tokens, the bucket, and all times that are said or
            written down.
    """

    def __init__(
        self,
        options: KazooOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options = options or KazooOptions()
        self._news = News()
        self.site = Site(self.options, clock, self._news.tell)
        self.faults: FaultBoard = self.site.faults
        switch, store = self.site.switch, self.site.store
        self.begin_call, self.answer = switch.begin_call, switch.answer
        self.hold, self.unhold = switch.hold, switch.unhold
        self.transfer, self.end = switch.transfer, switch.end
        self.record, self.stop = switch.record, switch.stop
        self.mask, self.unmask = switch.mask, switch.unmask
        self.pause, self.resume = switch.pause, switch.resume
        self.next_delay = switch.next_delay
        self.add_recording = store.add
        self.attach_audio = store.attach_audio
        self.delete_recording = store.delete
        self.save_other_document = self.site.save_other
        self.drop_bindings = self.site.sockets.drop_bindings
        self.cut_sockets = self.site.sockets.cut
        rng = random.Random(self.options.seed)  # noqa: S311 repeatable, guards nothing
        self._pace = Pace(RandomTraffic(switch, rng))

    @property
    def users(self) -> Sequence[str]:
        """Everybody's id."""
        return self.site.switch.users

    @property
    def calls(self) -> Mapping[str, Call]:
        """By interaction id; of those that ended, the newest 1,000."""
        return self.site.switch.calls

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The live ones by id."""
        return self.site.switch.channels

    @property
    def recordings(self) -> Mapping[str, Document]:
        """The stored ones by id."""
        return self.site.store.archive.by_id

    @property
    def changes(self) -> Sequence[Change]:
        """The moments at which a recording really changed, in order."""
        return self.site.recorder.changes

    @property
    def requests(self) -> Sequence[Request]:
        """Every request in the order of arrival, refused ones and struck ones too.

        Handshakes of sockets are among them, as `GET /`.
        """
        return self.site.journal.requests

    @property
    def frames(self) -> Sequence[Json]:
        """What clients sent on sockets, in order, the newest 10,000."""
        return self.site.sockets.frames

    @property
    def bindings(self) -> list[str]:
        """What there are of bindings on all open sockets."""
        sockets = self.site.sockets.sockets
        return [binding for socket in sockets for binding in socket.session.bindings]

    @property
    def open_sockets(self) -> int:
        """How many there are."""
        return len(self.site.sockets.sockets)

    @property
    def token_requests(self) -> int:
        """How often a token was asked for, with whatever success."""
        return self.site.tokens.requests

    @asynccontextmanager
    async def serve(
        self, host: str = "127.0.0.1", port: int = 0, websocket_port: int = 0
    ) -> AsyncIterator[Urls]:
        """Answer requests and sockets; yields where.

        On leaving, traffic and faults end and connections are reset.
        """
        receptions = [
            Reception(self.site.journal, self.faults, answer, self._news.tell)
            for answer in (KazooServer(self.site).answer, self.site.sockets.answer)
        ]
        control = control_routes(self)
        async with (
            on_port(receptions[0], control, host, port) as url,
            on_port(receptions[1], [], host, websocket_port) as socket_url,
        ):
            try:
                yield Urls(url, socket_url.replace("http", "ws", 1))
            finally:
                await self.stop_traffic()

    def expire_tokens(self) -> None:
        """End every token that was given; sockets that showed one go on."""
        self.site.tokens.expire()

    def peak_per_s(self) -> int:
        """The most requests that arrived in any one second."""
        return self.site.journal.peak_per_s()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something: it is asked again whenever something happened."""
        await self._news.until(condition)

    def start_traffic(self, transitions_per_s: float) -> None:
        """Begin random traffic, or change its rate.

        Args:
            transitions_per_s: How many times a call begins, is answered, recorded,
                masked, unmasked, no longer recorded, or ended.
        """
        self._pace.start(transitions_per_s)

    async def stop_traffic(self) -> None:
        """End the traffic; the calls stay as they are."""
        await self._pace.stop()
