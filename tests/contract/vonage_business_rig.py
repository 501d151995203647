"""Vonage Business for the contract suite: a stored recording comes, and goes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tracker.domain.key import make_key
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_business import (
    Recording,
    VonageBusinessSimulator,
)


class VonageBusinessRig:
    """The poller of an account: a recording that is there, is gone, and comes back."""

    states = ("ready", "gone", "ready")
    reads_states = True

    def __init__(
        self, simulator: VonageBusinessSimulator, settings: VonageBusinessSettings
    ) -> None:
        self.settings = settings
        self._simulator = simulator
        self._recording: Recording | None = None

    @property
    def source(self) -> str:
        return make_key("vonage_business", self.settings.account, "recordings")

    @property
    def secrets(self) -> list[str]:
        options = self._simulator.options
        return [options.client_secret, options.password, "Bearer ", "access_token"]

    @property
    def requests(self) -> int:
        return len(self._simulator.requests)

    async def until_asked(self, requests: int) -> None:
        await self._simulator.until(lambda: self.requests >= requests)

    async def until_quiet(self) -> None:
        await self.until_asked(self.requests + 1)

    @property
    def recording(self) -> Recording:
        assert self._recording
        return self._recording

    @property
    def key(self) -> str:
        name = f"company:{self.recording.id}"
        return make_key("vonage_business", self.settings.account, name)

    def begin(self) -> None:
        self._recording = self._simulator.add_recording()

    def change(self) -> None:
        self._simulator.delete_recording(self.recording.id)

    def change_again(self) -> None:
        self._simulator.add_recording(id=self.recording.id)

    def say_again(self) -> None:
        """Every poll does."""

    def say_nonsense(self) -> None:
        raise AssertionError("a stored recording has no such state")

    def lose_next(self) -> None:
        self._arm(Fault(kind=FaultKind.STATUS, status=503, count=1))

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

    def _arm(self, fault: Fault) -> None:
        self._simulator.faults.add(fault)


@asynccontextmanager
async def vonage_business(
    _directory: Path, _monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[VonageBusinessRig]:
    """With a client that polls often and waits briefly."""
    simulator = VonageBusinessSimulator()
    options = simulator.options
    async with simulator.serve() as url:
        settings = VonageBusinessSettings.model_validate(
            {
                "account": options.account,
                "base_url": url,
                "client_id": options.client_id,
                "client_secret": options.client_secret,
                "username": options.username,
                "password": options.password,
                "recordings_interval_s": 0.05,
                "request_timeout_s": 0.5,
            }
        )
        yield VonageBusinessRig(simulator, settings)
