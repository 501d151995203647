"""One account with one source, and a store that is kept."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.ingest.ingesting import Ingesting
from tests.integration.ingest.scripted import (
    ScriptedAccount,
    ScriptedSource,
    source_key,
)
from tests.integration.servers import Server
from tests.integration.store.kept import Kept, Listener, listening, opened, running
from tracker.ingest import pulse as beating
from tracker.ingest import retirement as retiring
from tracker.ingest import supervisor as owning

PARTITIONS = 4


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owning, "EVERY_S", 0.1)
    monkeypatch.setattr(beating, "EVERY_S", 0.2)
    monkeypatch.setattr(retiring, "EVERY_S", 0.2)


@pytest.fixture
async def kept(valkey_server: Server) -> AsyncIterator[Kept]:
    valkey_server.run("FLUSHALL")
    async with opened(valkey_server.url, PARTITIONS) as kept:
        yield kept


@pytest.fixture
async def listener(kept: Kept) -> AsyncIterator[Listener]:
    async with listening(kept) as listener:
        yield listener


@pytest.fixture
def source() -> ScriptedSource:
    return ScriptedSource(source_key("jdoe"))


@pytest.fixture
def account(source: ScriptedSource) -> ScriptedAccount:
    return ScriptedAccount("genesys/acme", source)


@pytest.fixture
async def ingesting(kept: Kept, account: ScriptedAccount) -> AsyncIterator[Ingesting]:
    """With all partitions kept."""
    ingesting = Ingesting(kept, "p1", account)
    async with running(kept.role("p1").run(), ingesting.run()):
        yield ingesting
