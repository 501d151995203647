"""A simulated contact centre that can be started, told what to do, and made to fail."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from tracker.simulators.faults import FaultBoard
from tracker.simulators.vonage_cc.control import control_routes
from tracker.simulators.vonage_cc.journal import Request
from tracker.simulators.vonage_cc.model import Call, Change
from tracker.simulators.vonage_cc.options import VonageCcOptions
from tracker.simulators.vonage_cc.server import VccServer
from tracker.simulators.vonage_cc.site import Site
from tracker.simulators.vonage_cc.traffic import RandomTraffic, drive

_SHUTDOWN_S = 1.0


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
        self._news = asyncio.Event()
        switch.listener = self._news.set
        self._server = VccServer(self.site, self._news.set)
        rng = random.Random(self.options.seed)  # noqa: S311 repeatable, guards nothing
        self._traffic = RandomTraffic(switch, rng)
        self._driving: asyncio.Task[None] | None = None

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
        app = web.Application()
        app.add_routes(control_routes(self))
        app.add_routes([web.route("*", "/{rest:.*}", self._server.receive)])
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_SHUTDOWN_S, handle_signals=False
        )
        await runner.setup()
        listener = web.TCPSite(runner, host, port)
        try:
            await listener.start()
            self.site.wire.base_url = f"http://{host}:{runner.addresses[0][1]}"
            yield self.site.wire.base_url
        finally:
            await self.stop_traffic()
            await listener.stop()
            self.faults.clear()
            self._server.cut()
            await runner.cleanup()

    def expire_tokens(self) -> None:
        """End every token that was given."""
        self.site.tokens.expire()

    def peak_per_s(self) -> int:
        """The most requests that arrived in any one second."""
        return self.site.journal.peak_per_s()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something: it is asked again at every request and every change."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def start_traffic(self, transitions_per_s: float) -> None:
        """Begin random traffic, or change its rate.

        Args:
            transitions_per_s: How many times a call begins, is paused, resumed,
                transferred or ended.
        """
        if self._driving:
            self._driving.cancel()
        driving = drive(self._traffic, transitions_per_s, time.monotonic)
        self._driving = asyncio.get_running_loop().create_task(driving)
        self._driving.add_done_callback(_report)

    async def stop_traffic(self) -> None:
        """End the traffic; the calls stay as they are."""
        driving, self._driving = self._driving, None
        if driving:
            driving.cancel()
            await asyncio.wait([driving])


def _report(task: asyncio.Task[None]) -> None:
    """Say at once that the traffic broke, not only when somebody stops it."""
    if not task.cancelled() and (error := task.exception()):
        context = {"message": "random traffic broke", "exception": error}
        task.get_loop().call_exception_handler(context)
