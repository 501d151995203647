"""Vonage Contact Center for the contract suite: one agent's calls, polled."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tracker.domain.key import make_key
from tracker.providers.vonage_cc import budget
from tracker.providers.vonage_cc.settings import FollowedAgent, VonageCcSettings
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_cc import Call, VonageCcOptions, VonageCcSimulator


class VonageCcRig:
    """An account's poller, which follows one agent.

    A poller sees only what lasts until it looks: while one is known to listen, every
    change waits until it has shown the one before.
    """

    states = ("recording", "paused", "recording")
    reads_states = True

    def __init__(
        self, simulator: VonageCcSimulator, settings: VonageCcSettings
    ) -> None:
        self.settings = settings
        self._simulator = simulator
        self._call: Call | None = None
        self._script: deque[Callable[[], None]] = deque()
        self._is_watched = False

    @property
    def source(self) -> str:
        return make_key("vonage_cc", self.settings.account, "poller")

    @property
    def secrets(self) -> list[str]:
        return [self._simulator.options.client_secret, "Bearer ", "access_token"]

    @property
    def requests(self) -> int:
        return len(self._simulator.requests)

    async def until_asked(self, requests: int) -> None:
        await self._simulator.until(lambda: self.requests >= requests)

    async def until_quiet(self) -> None:
        self._is_watched = True
        await self.until_asked(self.requests + 1)

    @property
    def call(self) -> Call:
        assert self._call
        return self._call

    @property
    def key(self) -> str:
        return make_key("vonage_cc", self.settings.account, self.call.guid)

    def begin(self) -> None:
        self._call = self._simulator.begin_call(
            self._simulator.agents[0], "15551234567"
        )

    def change(self) -> None:
        self._change(lambda: self._simulator.pause(self.call))

    def change_again(self) -> None:
        self._change(lambda: self._simulator.resume(self.call))

    def say_again(self) -> None:
        """Every poll does."""

    def say_nonsense(self) -> None:
        self._simulator.show(self.call, "Imagined")

    def lose_next(self) -> None:
        path = f"/v0/*/calls/{self.call.guid}"
        self._arm(Fault(kind=FaultKind.STATUS, status=503, path=path, count=1))

    def cut(self) -> None:
        self._arm(Fault(kind=FaultKind.CUT, count=1))

    def hang(self) -> None:
        self._arm(Fault(kind=FaultKind.HANG, count=1))

    def throttle(self) -> None:
        self._arm(Fault(kind=FaultKind.STATUS, status=429, count=1))

    def garble(self) -> None:
        self._arm(Fault(kind=FaultKind.GARBAGE, count=1))

    def refuse(self) -> None:
        self._arm(Fault(kind=FaultKind.STATUS, status=401))

    async def play(self) -> None:
        """Let the changes that wait happen, each when the last was shown."""
        while True:
            await self._simulator.until(lambda: bool(self._script) and self._is_shown())
            self._script.popleft()()

    def _change(self, change: Callable[[], None]) -> None:
        if self._is_watched and self._simulator.changes:
            self._script.append(change)
        else:
            change()

    def _is_shown(self) -> bool:
        """An answer has shown the last change."""
        changed_at_s = self._simulator.changes[-1].at_s
        path = f"/v0/{self.settings.account}/calls/{self.call.guid}"
        return any(
            (request.path, request.status) == (path, 200)
            and request.at_s > changed_at_s
            for request in self._simulator.requests
        )

    def _arm(self, fault: Fault) -> None:
        self._simulator.faults.add(fault)


@asynccontextmanager
async def vonage_cc(
    _directory: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[VonageCcRig]:
    """With a client that polls often and waits briefly."""
    monkeypatch.setattr(budget, "WINDOW_S", 0.1)
    simulator = VonageCcSimulator(VonageCcOptions(agents=1))
    async with simulator.serve() as url:
        settings = VonageCcSettings.model_validate(
            {
                "account": simulator.options.account,
                "base_url": url,
                "client_id": simulator.options.client_id,
                "client_secret": simulator.options.client_secret,
                "agents": (FollowedAgent(id=simulator.agents[0]),),
                "poll_interval_s": 0.05,
                "agents_interval_s": 0.05,
                "request_timeout_s": 0.5,
            }
        )
        rig = VonageCcRig(simulator, settings)
        playing = asyncio.create_task(rig.play())
        try:
            yield rig
        finally:
            playing.cancel()
            await asyncio.wait([playing])
