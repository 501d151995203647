"""A running simulator, and its first agent's desktop."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.integration.simulators.desktop import Desktop, desktop
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator and where it answers."""

    simulator: GenesysSimulator
    url: str


@pytest.fixture
def options() -> SimulatorOptions:
    """To be overridden by tests that need another kind of server."""
    return SimulatorOptions(agents=4)


@pytest.fixture
async def running(options: SimulatorOptions) -> AsyncIterator[Running]:
    simulator = GenesysSimulator(options)
    async with simulator.serve() as url:
        yield Running(simulator, url)


@pytest.fixture
def simulator(running: Running) -> GenesysSimulator:
    return running.simulator


@pytest.fixture
async def alice(running: Running) -> AsyncIterator[Desktop]:
    """The desktop of agent-0001."""
    async with desktop(running.url, running.simulator.agents[0]) as opened:
        yield opened
