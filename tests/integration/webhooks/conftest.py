"""A rig over an empty store, a site with one who manages it, and a receiver."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.http.kept_site import KeptSite, keeping
from tests.integration.http.site import JWT
from tests.integration.servers import Server
from tests.integration.webhooks.calling import Caller, calling
from tests.integration.webhooks.receiver import Receiver, receiving
from tests.integration.webhooks.rig import Rig, rig_of, rigged


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


@pytest.fixture
async def site(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """Served, kept, and delivered from."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        rig = rig_of(site.kept)
        rig.clock.run(speed=20)
        async with rig.dispatching():
            yield site


@pytest.fixture
async def caller(site: KeptSite) -> AsyncIterator[Caller]:
    async with calling(site) as caller:
        yield caller
