"""The embedded server: one per directory, as durable as it says, never an orphan."""

import asyncio
import os
import shutil
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.servers import until
from tracker.errors import ConfigError, StoreUnavailableError
from tracker.store import embedded
from tracker.store.embedded import embedded_server, private_socket
from tracker.store.redis import Keyspace, connect

_PARENT = """
import asyncio, signal, sys
from pathlib import Path
from tracker.store import child, embedded
from tracker.store.redis import connect

async def main(data_dir, way):
    child._HAS_PARENT_DEATH_SIGNAL = way == "signal"
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    async with embedded.embedded_server(Path(data_dir)) as server:
        store = await connect(server.url)
        print(server.pid, await store.call("k", "SET", "k", "kept"), flush=True)
        await interrupted.wait()
        print(await store.call("k", "GET", "k"), flush=True)
        await store.aclose()

if sys.argv[3] == "uvloop":
    import uvloop
    uvloop.run(main(*sys.argv[1:3]))
else:
    asyncio.run(main(*sys.argv[1:3]))
"""


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[Keyspace]:
    store = await connect(url)
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def _parent(
    data_dir: Path, way: str = "signal", loop: str = "asyncio"
) -> AsyncIterator[tuple[Process, int]]:
    """A process of its own with a server on *data_dir*, and that server's pid."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PARENT, str(data_dir), way, loop),
        stdout=PIPE,
        start_new_session=True,
    )
    assert process.stdout
    pid, _ = (await process.stdout.readline()).split()
    try:
        yield process, int(pid)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """So stopped that only SIGKILL ends it; and ended, at last."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)


def _is_gone(pid: int) -> bool:
    """A zombie is gone, too: in a container nobody may reap it."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


async def _read(data_dir: Path, key: str) -> bytes | None:
    async with embedded_server(data_dir) as server, _store(server.url) as store:
        value: bytes | None = await store.call(key, "GET", key)
        return value


async def test_it_is_reached_by_a_private_socket_only(tmp_path: Path) -> None:
    """There is no TCP port, and no other user may reach socket or data."""
    data_dir = tmp_path / "new" / "data"
    async with embedded_server(data_dir) as server, _store(server.url) as store:
        socket = Path(server.url.removeprefix("unix://"))
        port = await store.call("", "CONFIG", "GET", "port")
        assert port == [b"port", b"0"]
        assert len(os.fsencode(socket)) < 100
        for private in (socket.parent, data_dir):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert not socket.parent.exists()


async def test_it_gets_none_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret in our environment is not in the server's."""
    monkeypatch.setenv("VCC_SECRET", "hunter2")
    async with embedded_server(tmp_path) as server:
        assert "VCC_SECRET" not in psutil.Process(server.pid).environ()


@pytest.mark.parametrize("fsync", ["everysec", "always"])
async def test_writes_reach_the_disk_as_chosen(
    tmp_path: Path, fsync: embedded.Fsync
) -> None:
    """Every write goes to the append-only file, nothing is evicted."""
    wanted = {b"appendonly": b"yes", b"appendfsync": fsync.encode()}
    wanted |= {b"save": b"", b"maxmemory": b"0"}
    async with (
        embedded_server(tmp_path, fsync=fsync) as server,
        _store(server.url) as store,
    ):
        flat = await store.call("", "CONFIG", "GET", *wanted)
        assert dict(zip(flat[::2], flat[1::2], strict=True)) == wanted


async def test_a_killed_server_is_noticed_and_loses_nothing(tmp_path: Path) -> None:
    """After kill -9 its end is told; the next one has all acknowledged writes."""
    with private_socket() as socket:
        async with embedded_server(tmp_path, socket=socket) as server:
            store = await connect(server.url)
            for number in range(1000):
                await store.call("n", "SET", "n", number)
            os.kill(server.pid, signal.SIGKILL)
            assert await server.exited() == -signal.SIGKILL
        with pytest.raises(StoreUnavailableError):
            await store.call("n", "GET", "n")
        async with embedded_server(tmp_path, socket=socket):
            assert await store.call("n", "GET", "n") == b"999"
            await store.aclose()


async def test_it_ends_with_its_context(tmp_path: Path) -> None:
    """After the context no process is left, and the directory serves the next."""
    async with embedded_server(tmp_path) as server, _store(server.url) as store:
        await store.call("k", "SET", "k", "v")
    assert await server.exited() == 0
    assert _is_gone(server.pid)
    assert await _read(tmp_path, "k") == b"v"


async def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    """A second start, in whatever process, names the directory and who holds it."""
    async with _parent(tmp_path) as (process, server):
        with pytest.raises(ConfigError) as refused:
            await _read(tmp_path, "k")
    assert str(refused.value) == (
        f"store.data_dir {tmp_path} is in use by process {process.pid} and its server, "
        f"{server}: end that, or choose another directory"
    )


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("way", ["signal", "pipe"])
async def test_a_killed_parent_leaves_no_orphan(
    tmp_path: Path, way: str, loop: str
) -> None:
    """After kill -9 of its parent the server ends, and the next one has its data."""
    async with _parent(tmp_path, way, loop) as (process, server):
        process.kill()
        await process.wait()
        await until(lambda: _is_gone(server))
        assert await _read(tmp_path, "k") == b"kept"


async def test_an_orphan_that_cannot_end_keeps_others_out(tmp_path: Path) -> None:
    """The lock is the server's as well: a directory is never written by two."""
    async with _parent(tmp_path) as (process, server):
        with _stopped(server):
            process.kill()
            await process.wait()
            with pytest.raises(ConfigError, match=f"in use by process .*, {server}:"):
                await _read(tmp_path, "k")
    await until(lambda: _is_gone(server))
    assert await _read(tmp_path, "k") == b"kept"


async def test_a_keyboard_interrupt_does_not_reach_it(tmp_path: Path) -> None:
    """SIGINT to the parent's process group leaves the server serving."""
    async with _parent(tmp_path) as (process, _):
        assert process.stdout
        os.killpg(process.pid, signal.SIGINT)
        assert await process.stdout.readline() == b"b'kept'\n"
        assert await process.wait() == 0


async def test_without_the_package_a_server_on_path_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no wheel, Redis on PATH does; no other kind reads its file."""
    redis_server = shutil.which("redis-server")
    assert redis_server
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(redis_server)
    data_dir = tmp_path / "data"
    with monkeypatch.context() as no_wheel:
        no_wheel.setattr(embedded, "find_spec", lambda _: None)
        no_wheel.setenv("PATH", str(tmp_path / "bin"))
        async with embedded_server(data_dir) as server:
            assert server.kind == "redis"
    with pytest.raises(ConfigError) as refused:
        await _read(data_dir, "k")
    written = f"store.data_dir {data_dir} was written by redis {server.version}, which"
    assert str(refused.value).startswith(written)


async def test_what_a_newer_server_wrote_is_refused(tmp_path: Path) -> None:
    """Going back a major version is refused before any file is touched."""
    (tmp_path / "server").write_text("valkey 99.1.0")
    with pytest.raises(ConfigError, match=r"was written by valkey 99\.1\.0, which"):
        await _read(tmp_path, "k")


async def test_without_any_server_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine with no server gets the cures."""
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="needs a server: install valkey-server or"):
        await _read(tmp_path, "k")


async def test_a_torn_last_write_is_tolerated(tmp_path: Path) -> None:
    """What a crash cut off was never acknowledged; what lies before it counts."""
    async with embedded_server(tmp_path) as server, _store(server.url) as store:
        await store.call("k", "SET", "k", "first")
        await store.call("k", "SET", "k", "second")
    with _append_only(tmp_path).open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - 3)
    assert await _read(tmp_path, "k") == b"first"


async def test_a_broken_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    """The server's own reason, and where to read more."""
    await _read(tmp_path, "k")
    with _append_only(tmp_path).open("r+b") as file:
        file.write(b"nonsense")
    with pytest.raises(ConfigError) as refused:
        await _read(tmp_path, "k")
    assert "the embedded server cannot start: Bad file format" in str(refused.value)
    assert str(tmp_path / "server.log") in str(refused.value)


async def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    """A path that cannot be a directory is named."""
    (tmp_path / "file").touch()
    with pytest.raises(
        ConfigError, match=r"store\.data_dir .*/file/data cannot be used"
    ):
        await _read(tmp_path / "file" / "data", "k")


async def test_a_long_start_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a large file is read, percentages come; then the server serves."""
    async with embedded_server(tmp_path) as server, _store(server.url) as store:
        script = "for i = 1, 200000 do redis.call('SET', i, i) end"
        await store.call("", "EVAL", script, 0)
    monkeypatch.setattr(embedded, "_LOADING_NEWS_S", 0)
    monkeypatch.setattr(embedded, "_POLL_S", 0.001)
    told: list[float] = []
    async with (
        embedded_server(tmp_path, on_loading=told.append) as server,
        _store(server.url) as store,
    ):
        assert await store.call("", "DBSIZE") == 200000
    assert told
    assert all(0 <= percent <= 100 for percent in told)


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while the server starts: its process ends, and the directory is free."""
    lock = tmp_path / "lock"
    starting = asyncio.create_task(_read(tmp_path, "k"))
    await until(lambda: lock.exists() and "its server" in lock.read_text())
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert _is_gone(int(lock.read_text().split()[-1]))
    assert await _read(tmp_path, "k") is None


def _append_only(data_dir: Path) -> Path:
    [file] = (data_dir / "appendonlydir").glob("*.incr.aof")
    return file
