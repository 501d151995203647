"""A simulated GWS that can be started, told what to do, and made to fail."""

import asyncio
import csv
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tracker.simulators.faults import FaultBoard
from tracker.simulators.genesys.control import control_routes
from tracker.simulators.genesys.counters import RequestCounters
from tracker.simulators.genesys.model import Agent
from tracker.simulators.genesys.options import SimulatorOptions
from tracker.simulators.genesys.server import PREFIX, GwsServer
from tracker.simulators.genesys.site import Site
from tracker.simulators.genesys.switch import Switch
from tracker.simulators.genesys.traffic import RandomTraffic, drive

_SWEEP_S = 0.5
_SHUTDOWN_S = 1.0


class GenesysSimulator:
    """A simulated GWS.

    Its calls outlive its server: when `serve` ends and is entered again, clients
    find the calls as they are by then and nobody's session.

    Attributes:
        agents: Everybody who can log in.
        switch: What people and routing do: `dial`, `answer`, `hold`, `record`, …
        faults: What goes wrong.
        counters: Who asked how often.
        site: All parts, for what this class has no word for.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.site = Site(options or SimulatorOptions())
        self.agents: Sequence[Agent] = self.site.agents
        self.switch: Switch = self.site.switch
        self.faults: FaultBoard = self.site.faults
        self.counters: RequestCounters = self.site.counters
        self._news = asyncio.Event()
        self._server = GwsServer(self.site, self._news.set)
        self._traffic = RandomTraffic(self.switch, self.agents, self.site.rng)
        self._driving: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Answer requests; yields the base URL, without a slash at the end.

        On leaving, connections are reset and everybody's sessions forgotten.
        """
        self.site.open()
        app = web.Application()
        app.add_subapp(PREFIX, self._server.application())
        app.add_routes(control_routes(self))
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_SHUTDOWN_S, handle_signals=False
        )
        await runner.setup()
        listener = web.TCPSite(runner, host, port, backlog=4096)
        sweeping = asyncio.get_running_loop().create_task(self._sweep())
        try:
            await listener.start()
            self.site.wire.base_url = f"http://{host}:{runner.addresses[0][1]}"
            yield self.site.wire.base_url
        finally:
            sweeping.cancel()
            await self.stop_traffic()
            await listener.stop()
            self.faults.clear()
            self._server.cut()
            self._server.release()
            await runner.cleanup()

    def write_agents_file(self, path: Path) -> None:
        """The agents as tracker's `agents_file`: id,username,password,team,expected."""
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("id", "username", "password", "team", "expected"))
            for agent in self.agents:
                name, word = agent.username, agent.password
                rows.writerow((agent.id, name, word, agent.team, agent.expected))

    def start_traffic(self, transitions_per_s: float) -> None:
        """Begin random traffic, or change its rate, in notifications per second."""
        if self._driving:
            self._driving.cancel()
        driving = drive(self._traffic, self.switch, transitions_per_s, time.monotonic)
        self._driving = asyncio.get_running_loop().create_task(driving)
        self._driving.add_done_callback(_report)

    async def stop_traffic(self) -> None:
        """End the traffic; the calls stay as they are."""
        driving, self._driving = self._driving, None
        if driving:
            driving.cancel()
            await asyncio.wait([driving])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something about clients: it is asked again whenever one acts."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def until_held(self, connects: int) -> None:
        """Wait until so many long polls wait for messages."""
        await self.until(lambda: self.site.bayeux.held >= connects)

    async def until_subscribed(self, sessions: int) -> None:
        """Wait until so many CometD sessions have subscribed."""
        await self.until(lambda: self.site.bayeux.subscribed >= sessions)

    def cut_connections(self, agent: str | None = None) -> None:
        """Reset the waiting long polls' connections, of one agent or of all."""
        self._server.cut(agent)

    def expire_sessions(self, agent: str | None = None) -> None:
        """Forget CometD sessions: 402, advice handshake."""
        self.site.bayeux.expire(agent)

    def expire_logins(self, agent: str | None = None) -> None:
        """Forget HTTP sessions: 403 to whoever sends no credentials."""
        self.site.logins.expire(agent)

    def rotate_csrf(self) -> None:
        """Make every CSRF token that was given out invalid."""
        self.site.logins.rotate_csrf()

    def advise(
        self, *, timeout_ms: int | None = None, interval_ms: int | None = None
    ) -> None:
        """Change the advice that connects are answered with from now on."""
        bayeux = self.site.bayeux
        bayeux.timeout_ms = bayeux.timeout_ms if timeout_ms is None else timeout_ms
        bayeux.interval_ms = bayeux.interval_ms if interval_ms is None else interval_ms

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            self.site.bayeux.sweep(time.monotonic())
            self._news.set()


def _report(task: asyncio.Task[None]) -> None:
    """Say at once that the traffic broke, not only when somebody stops it."""
    if not task.cancelled() and (error := task.exception()):
        context = {"message": "random traffic broke", "exception": error}
        task.get_loop().call_exception_handler(context)
