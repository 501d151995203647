"""A running Kazoo server, a client with a token, and one that listens."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.simulators.kazoo.caller import Caller, Listener, listener
from tracker.simulators.kazoo import KazooOptions, KazooSimulator


@pytest.fixture
def options() -> KazooOptions:
    """To be overridden by tests that need another kind of server."""
    return KazooOptions(users=4, control_delay_s=0.01, save_delay_s=0.01)


@pytest.fixture
def simulator(options: KazooOptions) -> KazooSimulator:
    return KazooSimulator(options)


@pytest.fixture
async def caller(simulator: KazooSimulator) -> AsyncIterator[Caller]:
    async with (
        simulator.serve() as urls,
        aiohttp.ClientSession(urls.base_url) as http,
    ):
        caller = Caller(http, urls)
        await caller.log_in()
        yield caller


@pytest.fixture
async def heard(caller: Caller) -> AsyncIterator[Listener]:
    async with listener(caller.urls, caller.token) as opened:
        yield opened
