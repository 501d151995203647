"""A rig over an empty store, and a receiver."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.servers import Server
from tests.integration.webhooks.receiver import Receiver, receiving
from tests.integration.webhooks.rig import Rig, rigged


@pytest.fixture
async def rig(valkey_server: Server) -> AsyncIterator[Rig]:
    """Nothing delivers yet."""
    valkey_server.run("FLUSHALL")
    async with rigged(valkey_server.url) as rig:
        yield rig


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """It takes everything."""
    async with receiving() as receiver:
        yield receiver
