"""A simulated contact centre that can be started, told what to do, and made to fail."""

import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from tracker.simulators.faults import FaultBoard
from tracker.simulators.journal import Request
from tracker.simulators.pace import Pace
from tracker.simulators.reception import News, on_port
from tracker.simulators.vonage_cc.control import control_routes
from tracker.simulators.vonage_cc.model import Call, Change
from tracker.simulators.vonage_cc.options import VonageCcOptions
from tracker.simulators.vonage_cc.server import VccServer
from tracker.simulators.vonage_cc.site import Site
from tracker.simulators.vonage_cc.traffic import RandomTraffic


class VonageCcSimulator:
    """A simulated contact centre.

    Its calls and tokens outlive its server: when `serve` ends and is entered again,
    clients find the calls as they are by then.

    What people do, by the methods of `Switch` that this class has as its own:
    `begin_call`, `pause`, `resume`, `show`, `show_status`, `transfer_out`, `end`,
    `forget`; and what becomes of the changes that are asked for: `next_delay`,
    `contradict_next`.

    Attributes:
        options: What kind of contact centre it is.
        faults: What goes wrong; a fault's path may begin with a method, `POST /v0/*`,
            and its agent is the one who is asked for, or is on the call.
        site: All parts, for what this class has no word for.

    Args:
        options: What kind of contact centre it is.
        clock: Seconds that only rise: tokens, the limit, and all times that are
            written down.
    """

    def __init__(
        self,
        options: VonageCcOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options or VonageCcOptions()
        self.site = Site(self.options, clock)
        self.faults: FaultBoard = self.site.faults
        switch = self.site.switch
        self.begin_call = switch.begin_call
        self.pause, self.resume = switch.pause, switch.resume
        self.show, self.show_status = switch.show, switch.show_status
        self.transfer_out = switch.transfer_out
        self.end, self.forget = switch.end, switch.forget
        self.next_delay = switch.next_delay
        self.contradict_next = switch.contradict_next
        self._news = News()
        switch.listener = self._news.tell
        self._server = VccServer(self.site, self._news.tell)
        rng = random.Random(self.options.seed)  # noqa: S311 repeatable, guards nothing
        self._traffic = RandomTraffic(switch, rng)
        self._pace = Pace(self._traffic)

    @property
    def agents(self) -> Sequence[str]:
        """Everybody's id."""
        return self.site.switch.agents

    @property
    def calls(self) -> Mapping[str, Call]:
        """By GUID, also those that ended, until they are forgotten."""
        return self.site.switch.calls

    @property
    def changes(self) -> Sequence[Change]:
        """The moments at which a recording really changed, in order."""
        return self.site.switch.changes

    @property
    def requests(self) -> Sequence[Request]:
        """Every request in the order of arrival, refused ones and struck ones too."""
        return self.site.journal.requests

    @property
    def token_requests(self) -> int:
        """How often a token was asked for, with whatever success."""
        return self.site.tokens.requests

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Answer requests; yields the base URL, without a slash at the end.

        On leaving, traffic and faults end and connections are reset.
        """
        control = control_routes(self)
        async with on_port(self._server.reception, control, host, port) as url:
            self.site.wire.base_url = url
            try:
                yield url
            finally:
                await self.stop_traffic()

    def expire_tokens(self) -> None:
        """End every token that was given."""
        self.site.tokens.expire()

    def peak_per_s(self) -> int:
        """The most requests that arrived in any one second."""
        return self.site.journal.peak_per_s()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something: it is asked again at every request and every change."""
        await self._news.until(condition)

    def start_traffic(self, transitions_per_s: float) -> None:
        """Begin random traffic, or change its rate.

        Args:
            transitions_per_s: How many times a call begins, is paused, resumed,
                transferred or ended.
        """
        self._pace.start(transitions_per_s)

    async def stop_traffic(self) -> None:
        """End the traffic; the calls stay as they are."""
        await self._pace.stop()
