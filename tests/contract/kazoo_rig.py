"""Kazoo for the contract suite: one user's calls, told by the blackhole."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tracker.domain.key import make_key
from tracker.providers.kazoo.settings import KazooSettings
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.kazoo import Call, Channel, KazooOptions, KazooSimulator
from tracker.simulators.reply import Json

VERIFIED_S = 0.1


class KazooRig:
    """An account's channels, on a server that tells of recordings.

    What is not told cannot be found by looking: while a client is known to listen,
    every change waits until one does.
    """

    states = ("unknown", "paused", "recording")
    reads_states = False

    def __init__(self, simulator: KazooSimulator, settings: KazooSettings) -> None:
        self.settings = settings
        self._simulator = simulator
        self._call: Call | None = None
        self._script: deque[Callable[[], None]] = deque()
        self._is_watched = False
        self._cut = 0

    @property
    def source(self) -> str:
        return make_key("kazoo", self.settings.account, "live")

    @property
    def secrets(self) -> list[str]:
        return [self._simulator.options.api_key, "auth_token", "X-Auth-Token"]

    @property
    def requests(self) -> int:
        return len(self._simulator.requests)

    async def until_asked(self, requests: int) -> None:
        await self._simulator.until(lambda: self.requests >= requests)

    async def until_quiet(self) -> None:
        self._is_watched = True
        await self._simulator.until(self._is_told)

    @property
    def channel(self) -> Channel:
        assert self._call
        return self._call.live[1]

    @property
    def key(self) -> str:
        assert self._call
        return make_key("kazoo", self.settings.account, self._call.interaction_id)

    def begin(self) -> None:
        self._call = self._simulator.begin_call(self._simulator.users[0])
        self._simulator.answer(self._call)
        self._simulator.record(self.channel)

    def change(self) -> None:
        self._change(lambda: self._simulator.pause(self.channel))

    def change_again(self) -> None:
        self._change(lambda: self._simulator.resume(self.channel))

    def say_again(self) -> None:
        self._simulator.site.switch.listener(self.channel, "CHANNEL_ANSWER")

    def say_nonsense(self) -> None:
        """Once its state is known."""
        self.change()
        self._change(lambda: self._send({"name": "RECORD_IMAGINED"}))

    def lose_next(self) -> None:
        self._arm(Fault(kind=FaultKind.DROP, path="call.*.RECORD_PAUSE.*", count=1))

    def cut(self) -> None:
        self._cut = len(self._connections())
        self._simulator.cut_sockets()

    def hang(self) -> None:
        self._arm(Fault(kind=FaultKind.HANG, path="GET /v2/*", count=1))

    def throttle(self) -> None:
        self._arm(Fault(kind=FaultKind.STATUS, status=429, path="GET /v2/*", count=1))

    def garble(self) -> None:
        self._arm(Fault(kind=FaultKind.GARBAGE, path="GET /v2/*", count=1))

    def refuse(self) -> None:
        self._arm(Fault(kind=FaultKind.STATUS, status=401, path="* /v2/*"))

    async def play(self) -> None:
        """Let the changes that wait happen, each when somebody is told."""
        while True:
            await self._simulator.until(lambda: bool(self._script) and self._is_told())
            self._script.popleft()()

    def _change(self, change: Callable[[], None]) -> None:
        if self._is_watched:
            self._script.append(change)
            self._simulator.site.switch.news()
        else:
            change()

    def _is_told(self) -> bool:
        """A client listens, and has read the channels since it does."""
        if "object.doc_created.*" not in self._simulator.bindings:
            return False
        opened = self._connections()
        if len(opened) == self._cut:
            return False
        since = self._simulator.requests[opened[-1] :]
        return any(it.path.endswith("/channels") for it in since)

    def _connections(self) -> list[int]:
        """Which requests were handshakes."""
        asked = enumerate(self._simulator.requests)
        return [number for number, it in asked if it.path == "/"]

    def _send(self, told: Json) -> None:
        data = {"call_id": self.channel.id, "event_category": "call_event"}
        for socket in self._simulator.site.sockets.sockets:
            socket.send({"action": "event", **told, "data": data}, "nonsense")

    def _arm(self, fault: Fault) -> None:
        self._simulator.faults.add(fault)


@asynccontextmanager
async def kazoo(
    _directory: Path, _monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KazooRig]:
    """With a client that verifies often and waits briefly."""
    options = KazooOptions(users=1, bucket=None, release=5, record_events=True)
    simulator = KazooSimulator(options)
    async with simulator.serve() as urls:
        settings = KazooSettings.model_validate(
            {
                "account": options.account,
                "base_url": urls.base_url,
                "websocket_url": urls.websocket_url,
                "api_key": options.api_key,
                "verify_interval_s": VERIFIED_S,
                "request_timeout_s": 0.5,
            }
        )
        rig = KazooRig(simulator, settings)
        playing = asyncio.create_task(rig.play())
        try:
            yield rig
        finally:
            playing.cancel()
            await asyncio.wait([playing])
