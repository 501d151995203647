"""`tracker check` and `tracker replay`, as processes: they look, and change nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.cli.test_commands import done, line_with, started
from tests.integration.servers import Server
from tests.integration.store.connected import connected
from tracker.store.registry import Registry

INFO = "redis_version:7.2.4\r\nredis_mode:standalone\r\nrole:master\r\n"


@pytest.fixture
def config(valkey_server: Server, tmp_path: Path) -> Path:
    """Of an empty store of somebody else's, and no account."""
    valkey_server.run("FLUSHALL")
    (tmp_path / "tracker.toml").write_text(f'store.url = "{valkey_server.url}"')
    return tmp_path


@pytest.fixture
def limited(config: Path, valkey_server: Server) -> Iterator[Path]:
    """Whose user may not run everything."""
    rights = ("on", ">secret", "~*", "+@all", "-hmget", "-hsetnx")
    valkey_server.run("ACL", "SETUSER", "limited", *rights)
    url = f"redis://limited:secret@{valkey_server.address}"
    (config / "tracker.toml").write_text(f'store.url = "{url}"\nserver.port = 0')
    yield config
    valkey_server.run("ACL", "DELUSER", "limited")


@pytest.fixture
async def loading(tmp_path: Path) -> AsyncIterator[Path]:
    """Its store says what it is, and no more: it reads its files."""
    info = f"${len(INFO)}\r\n{INFO}\r\n".encode()

    async def answer(client: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while said := await client.read(1 << 16):
            known = info if b"INFO" in said else b"-LOADING it reads its files\r\n"
            to.write(known)
        to.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        url = f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        (tmp_path / "tracker.toml").write_text(f'store.url = "{url}"\nserver.port = 0')
        yield tmp_path


async def test_a_store_that_refuses_a_command_is_told(limited: Path) -> None:
    """In a sentence, also when it is to be run on."""
    _, out, err = await done("check", cwd=limited)
    store = out.splitlines()[0]
    assert store.startswith("bad store: store redis://127.0.0.1:")
    assert "no permissions to run the 'hmget' command; see store.url" in store
    assert "Traceback" not in err
    status, _, err = await done("run", cwd=limited)
    last = err.splitlines()[-1]
    assert (status, last.split(": ")[0]) == (2, "tracker")
    assert "no permissions to run the 'hsetnx' command; see store.url" in last


async def test_a_store_that_reads_its_files_is_told(loading: Path) -> None:
    """Who looks is told so; who runs on it waits."""
    _, out, _ = await done("check", cwd=loading)
    assert out.splitlines()[0].endswith(": it reads its files: try again")
    status, _, err = await done("replay", cwd=loading)
    assert (status, err.count("\n")) == (2, 1)
    async with started("run", cwd=loading) as process:
        for _ in range(2):
            await line_with("it reads its files", process.stderr)
        assert process.returncode is None


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
