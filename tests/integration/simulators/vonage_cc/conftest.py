"""A running contact centre, and a client with a token."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.simulators.vonage_cc.caller import GUID, Caller, calling
from tracker.simulators.vonage_cc import Call, VonageCcOptions, VonageCcSimulator


@pytest.fixture
def options() -> VonageCcOptions:
    """To be overridden by tests that need another kind of contact centre."""
    return VonageCcOptions(agents=4, delay_s=0.01)


@pytest.fixture
def simulator(options: VonageCcOptions) -> VonageCcSimulator:
    return VonageCcSimulator(options)


@pytest.fixture
async def caller(simulator: VonageCcSimulator) -> AsyncIterator[Caller]:
    async with calling(simulator) as caller:
        yield caller


@pytest.fixture
def call(simulator: VonageCcSimulator) -> Call:
    """A live and recorded call of agent 10."""
    return simulator.begin_call("10", "01555000000", guid=GUID)
