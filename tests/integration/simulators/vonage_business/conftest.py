"""A running account, and a client with a token."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.simulators.vonage_business.caller import Caller
from tracker.simulators.vonage_business import (
    VonageBusinessOptions,
    VonageBusinessSimulator,
)


@pytest.fixture
def options() -> VonageBusinessOptions:
    """To be overridden by tests that need another kind of account."""
    return VonageBusinessOptions(users=("7",), job_file_s=0)


@pytest.fixture
def simulator(options: VonageBusinessOptions) -> VonageBusinessSimulator:
    return VonageBusinessSimulator(options)


@pytest.fixture
async def caller(simulator: VonageBusinessSimulator) -> AsyncIterator[Caller]:
    async with simulator.serve() as url, aiohttp.ClientSession(url) as http:
        caller = Caller(http, url)
        await caller.log_in()
        yield caller
