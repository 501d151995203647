"""Tracker in this process, watching a simulated site, watched by a desk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.e2e.site import Site, watched
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions


@pytest.fixture
def simulator() -> GenesysSimulator:
    """To be overridden by who wants another one, or calls in it already."""
    return GenesysSimulator(SimulatorOptions(agents=4))


@pytest.fixture
async def site(simulator: GenesysSimulator, tmp_path: Path) -> AsyncIterator[Site]:
    async with watched(simulator, tmp_path) as running:
        yield running
