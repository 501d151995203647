"""A simulated account that can be started, told what to do, and made to fail."""

import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from tracker.simulators.faults import FaultBoard
from tracker.simulators.journal import Request
from tracker.simulators.pace import Pace
from tracker.simulators.reception import News, on_port
from tracker.simulators.vonage_business.control import control_routes
from tracker.simulators.vonage_business.options import VonageBusinessOptions
from tracker.simulators.vonage_business.server import VbcServer
from tracker.simulators.vonage_business.site import Site
from tracker.simulators.vonage_business.traffic import RandomTraffic


class VonageBusinessSimulator:
    """A simulated account.

    Its recordings, jobs and tokens outlive its server: when `serve` ends and is
    entered again, clients find them as they are by then.

    What happens without being asked for is told by the methods of its parts that this
    class has as its own: of the `Archive` `add_recording`, `fill`, `show_audio`,
    `delete_recording`; of the `Jobs` `advance_job`, `complete_job`, `fail_job`,
    `expire_job`, `forget_job`; of the `Tokens` `give_refresh_token`, `give_code`,
    `lose_next_refresh`.

    Attributes:
        options: What kind of account it is.
        faults: What goes wrong; a fault's path may begin with a method, and its agent
            is the user of whom a path tells, as it is written there.
        site: All parts, for what this class has no word for.

    Args:
        options: What kind of account it is.
        clock: Seconds since 1970: all dates, the tokens, the jobs, the limit, and all
            times that are written down.
    """

    def __init__(
        self,
        options: VonageBusinessOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options = options or VonageBusinessOptions()
        self.site = site = Site(self.options, clock)
        self.faults: FaultBoard = site.faults
        self.add_recording, self.fill = site.archive.add_recording, site.archive.fill
        self.show_audio = site.archive.show_audio
        self.delete_recording = site.archive.delete_recording
        self.advance_job = site.jobs.advance_job
        self.complete_job = site.jobs.complete_job
        self.fail_job, self.expire_job = site.jobs.fail_job, site.jobs.expire_job
        self.forget_job = site.jobs.forget_job
        self.give_refresh_token = site.tokens.give_refresh_token
        self.give_code = site.tokens.give_code
        self.lose_next_refresh = site.tokens.lose_next_refresh
        self._news = News()
        site.archive.listener = site.jobs.listener = self._news.tell
        self._server = VbcServer(site, self._news.tell)
        rng = random.Random(self.options.seed)  # noqa: S311 repeatable, guards nothing
        self._pace = Pace(RandomTraffic(site.archive, rng))

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
        """End every access token that was given."""
        self.site.tokens.expire()

    def expire_refresh_tokens(self) -> None:
        """End every refresh token that was given."""
        self.site.tokens.expire_refresh()

    def peak_per_s(self) -> int:
        """The most requests that arrived in any one second."""
        return self.site.journal.peak_per_s()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something: it is asked again at every request and every change.

        What jobs do by the clock is no change until somebody looks.
        """
        await self._news.until(condition)

    def start_traffic(self, recordings_per_s: float) -> None:
        """Begin random traffic, or change its rate.

        Args:
            recordings_per_s: How many times a recording appears or is deleted.
        """
        self._pace.start(recordings_per_s)

    async def stop_traffic(self) -> None:
        """End the traffic; the recordings stay as they are."""
        await self._pace.stop()
