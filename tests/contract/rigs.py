"""Every provider against its simulator, in words that all providers share."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from tests.contract.kazoo_rig import kazoo
from tests.contract.vonage_business_rig import vonage_business
from tests.contract.vonage_cc_rig import vonage_cc
from tracker.domain.key import make_key
from tracker.providers.genesys import bayeux
from tracker.providers.genesys.settings import GenesysSettings
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.genesys import (
    Call,
    GenesysSimulator,
    RecordingState,
    SimulatorOptions,
)


class Rig(Protocol):
    """A simulated platform with one source that matters, and what befalls it."""

    @property
    def settings(self) -> Any:
        """A section for the provider's `open_account`."""

    @property
    def source(self) -> str:
        """The key of the source that the calls are seen through."""

    @property
    def secrets(self) -> list[str]:
        """What no log may hold."""

    @property
    def requests(self) -> int:
        """How many came so far."""

    async def until_asked(self, requests: int) -> None:
        """Wait until so many requests came."""

    async def until_quiet(self) -> None:
        """Wait until the client waits for news."""

    @property
    def key(self) -> str:
        """Of what has begun: a call, or a stored recording."""

    @property
    def states(self) -> tuple[str, str, str]:
        """Its states: at first, after `change` and after `change_again`."""

    @property
    def reads_states(self) -> bool:
        """A read shows the state that it is in; else only changes are told."""

    def begin(self) -> None:
        """A call that is recorded begins."""

    def change(self) -> None:
        """The recording of the call is paused."""

    def change_again(self) -> None:
        """It goes on."""

    def say_again(self) -> None:
        """The platform repeats what it said last."""

    def say_nonsense(self) -> None:
        """The call's recording is in a state that nobody has heard of."""

    def lose_next(self) -> None:
        """The next change is not told."""

    def cut(self) -> None:
        """Every connection is reset."""

    def hang(self) -> None:
        """The next request is never answered."""

    def throttle(self) -> None:
        """The next request is one too many."""

    def garble(self) -> None:
        """The next answer is a web page."""

    def refuse(self) -> None:
        """The credentials are good no more."""


class GenesysRig:
    """One agent's CometD session."""

    states = ("recording", "paused", "recording")
    reads_states = True

    def __init__(self, simulator: GenesysSimulator, settings: GenesysSettings) -> None:
        self.settings = settings
        self._simulator = simulator
        self._agent = simulator.agents[0]
        self._call: Call | None = None

    @property
    def source(self) -> str:
        return make_key("genesys", self.settings.account, self._agent.id)

    @property
    def secrets(self) -> list[str]:
        return [self._agent.password, "Basic ", "JSESSIONID="]

    @property
    def requests(self) -> int:
        return self._simulator.counters.total

    async def until_asked(self, requests: int) -> None:
        await self._simulator.until(lambda: self.requests >= requests)

    async def until_quiet(self) -> None:
        await self._simulator.until_held(1)

    @property
    def call(self) -> Call:
        assert self._call
        return self._call

    @property
    def key(self) -> str:
        return make_key("genesys", self.settings.account, self.call.uuid)

    def begin(self) -> None:
        switch = self._simulator.switch
        self._call = switch.dial_in("15551234567", self._agent.id)
        switch.answer(self._call)
        switch.start_recording(self._call, self._agent.id)

    def change(self) -> None:
        self._simulator.switch.pause_recording(self.call, self._agent.id)

    def change_again(self) -> None:
        self._simulator.switch.resume_recording(self.call, self._agent.id)

    def say_again(self) -> None:
        self._simulator.switch.attach(self.call, {})

    def say_nonsense(self) -> None:
        self.call.legs[0].recording = cast(RecordingState, "Imagined")
        self.say_again()

    def lose_next(self) -> None:
        self._arm(Fault(kind=FaultKind.DROP, path="/v2/me/calls", count=1))

    def cut(self) -> None:
        self._simulator.cut_connections()

    def hang(self) -> None:
        self._strike(Fault(kind=FaultKind.HANG, count=1))

    def throttle(self) -> None:
        self._strike(Fault(kind=FaultKind.STATUS, status=429, count=1))

    def garble(self) -> None:
        self._strike(Fault(kind=FaultKind.GARBAGE, count=1))

    def refuse(self) -> None:
        self._strike(Fault(kind=FaultKind.STATUS, status=401))

    def _strike(self, fault: Fault) -> None:
        """Arm it, and have the poll that is held make room for one that it strikes."""
        self._arm(fault)
        self._simulator.site.bayeux.expire()

    def _arm(self, fault: Fault) -> None:
        self._simulator.faults.add(fault)


@asynccontextmanager
async def genesys(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[GenesysRig]:
    """With a server that holds polls briefly, and a client that waits briefly."""
    monkeypatch.setattr(bayeux, "SHORTEST_LIMIT_S", 0.5)
    monkeypatch.setattr(bayeux, "GRACE_S", 0.2)
    simulator = GenesysSimulator(SimulatorOptions(agents=1, timeout_ms=300))
    file = directory / "agents.csv"
    simulator.write_agents_file(file)
    async with simulator.serve() as url:
        settings = GenesysSettings(account="acme", base_url=url, agents_file=file)
        yield GenesysRig(simulator, settings)


Opener = Callable[[Path, pytest.MonkeyPatch], AbstractAsyncContextManager[Rig]]

RIGS: Mapping[str, Opener] = {
    "genesys": genesys,
    "vonage_cc": vonage_cc,
    "vonage_business": vonage_business,
    "kazoo": kazoo,
}
"""One for every provider of the registry."""
