"""`tracker check` and `tracker replay`, as processes: they look, and change nothing."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.integration.cli.test_commands import done, started
from tests.integration.servers import Server
from tests.integration.store.connected import connected
from tracker.store.registry import Registry


@pytest.fixture
def config(valkey_server: Server, tmp_path: Path) -> Path:
    """Of an empty store of somebody else's, and no account."""
    valkey_server.run("FLUSHALL")
    (tmp_path / "tracker.toml").write_text(f'store.url = "{valkey_server.url}"')
    return tmp_path


async def test_an_empty_store_stays_so(config: Path, valkey_server: Server) -> None:
    """How many partitions it gets is settled by the first start, and not here."""
    _, out, _ = await done("check", cwd=config)
    store = out.splitlines()[0]
    assert store.startswith("ok  store: ")
    assert "nothing there yet: `tracker run` makes it" in store
    status, _, err = await done("replay", cwd=config)
    assert (status, err.count("\n")) == (2, 1)
    assert "the store is empty" in err
    assert valkey_server.run("DBSIZE") == 0


async def test_a_store_with_other_partitions_is_told(
    config: Path, valkey_server: Server
) -> None:
    """As the first start would say it."""
    async with connected(valkey_server.url) as redis:
        epoch, _ = await Registry(redis).open(64)
    _, out, _ = await done("check", cwd=config)
    assert "bad store: store.partitions is 16 but this store was begun with 64" in out
    _, out, _ = await done("check", cwd=config, TRACKER_STORE__PARTITIONS="64")
    assert f"64 partitions, epoch {epoch}" in out


async def test_an_interrupted_check_is_not_well(config: Path) -> None:
    """What was not looked at may be bad."""
    asked = asyncio.Event()

    async def say_nothing(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    account = f'[[kazoo]]\naccount = "a"\nbase_url = "{url}"\napi_key = "k"\n'
    (config / "tracker.toml").write_text(account)
    async with server, started("check", cwd=config) as process:
        await asked.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert "ok  store: " in out.decode()
    assert (process.returncode, err) == (1, b"tracker: interrupted\n")
