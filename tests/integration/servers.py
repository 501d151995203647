"""Real Redis and Valkey servers on 127.0.0.1.

Starting and ending are plain functions, so that fixtures of any scope may use them.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tracker.store.embedded import find_binary

_POLL_S = 0.02
_START_S = 20.0
_SETTLE_S = 30.0
_QUICK = ("--save", "", "--repl-diskless-sync-delay", "0")


def wait_until(what: Callable[[], bool], within_s: float = _SETTLE_S) -> None:
    """Ask again and again, for what announces itself in no other way."""
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_POLL_S)


async def until(what: Callable[[], bool], within_s: float = _SETTLE_S) -> None:
    """As `wait_until`, with the event loop running."""
    for _ in range(int(within_s / _POLL_S)):
        if what():
            return
        await asyncio.sleep(_POLL_S)
    raise TimeoutError


def _own_ports() -> Iterator[int]:
    """Over and over: below what systems give away, and no other worker's."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = range(20_000 + worker % 16, 32_000, 16)
    yield from islice(cycle(own), os.getpid() % len(own), None)


_PORTS = _own_ports()


def free_port() -> int:
    """A port that nobody has, and nobody will be given by the system."""
    for port in _PORTS:
        with suppress(OSError), socket.create_server(("", port)):
            return port
    raise AssertionError("they never end")


class Server:
    """A server that can be ended and started again, on the same port and files."""

    def __init__(self, directory: Path, binary: str, *options: str) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"redis://{self.address}"
        self._directory = directory
        self._command = (binary, *options, "--port", str(self.port))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it serves."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- no stranger's command
                self._command, cwd=self._directory, stdout=log, stderr=log
            )
        try:
            wait_until(self._answers, _START_S)
        except BaseException:
            self.kill()
            raise

    def _answers(self) -> bool:
        assert self.is_running, (self._directory / "server.log").read_text()
        with suppress(RedisError):
            return bool(self.run("PING"))
        return False

    def run(self, *command: str | int) -> Any:
        """The answer to one command, on a connection of its own."""
        retry = Retry(NoBackoff(), 0)
        with Redis(
            port=self.port, socket_timeout=5, retry=retry, decode_responses=True
        ) as client:
            return client.execute_command(*command)

    def info(self, section: str) -> dict[str, Any]:
        return dict(self.run("INFO", section))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It keeps its connections, takes new ones and says nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def valkey(directory: Path, *options: str) -> Server:
    """The Valkey that tracker carries, without persistence."""
    return Server(directory, find_binary(), *_QUICK, *options)


def redis7(directory: Path, *options: str) -> Server:
    """The distribution's Redis, without persistence."""
    binary = shutil.which("redis-server")
    assert binary, "this needs redis-server on PATH"
    return Server(directory, binary, *_QUICK, *options)


def sentinel(directory: Path, master: str, port: int) -> Server:
    """One Sentinel that alone decides, watching *master* on *port*."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor {master} 127.0.0.1 {port} 1\n"
        f"sentinel down-after-milliseconds {master} 1000\n"
        f"sentinel failover-timeout {master} 5000\n"
    )
    return Server(directory, find_binary(), str(configuration), "--sentinel")
