"""A running contact centre, and a client with a token."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.simulators.vonage_cc.caller import Caller
from tracker.simulators.vonage_cc import VonageCcOptions, VonageCcSimulator


@pytest.fixture
def options() -> VonageCcOptions:
    """To be overridden by tests that need another kind of contact centre."""
    return VonageCcOptions(agents=4, delay_s=0.01)


@pytest.fixture
def simulator(options: VonageCcOptions) -> VonageCcSimulator:
    return VonageCcSimulator(options)


@pytest.fixture
async def caller(simulator: VonageCcSimulator) -> AsyncIterator[Caller]:
    async with simulator.serve() as url, aiohttp.ClientSession(url) as http:
        caller = Caller(http, url)
        await caller.log_in()
        yield caller
