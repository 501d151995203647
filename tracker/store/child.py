"""A process that ends when its parent does, however that ends."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGKILL

_STOP_WAIT_S = 5.0

_HAS_PARENT_DEATH_SIGNAL = sys.platform == "linux"
# Becomes the server, which gets SIGTERM when the thread that started it ends. In an
# interpreter of its own: between a fork and an exec no Python is safe. The server's
# environment is empty, for ours may hold secrets.
_LAUNCH = """
import ctypes, os, signal, sys
parent, *command = sys.argv[1:]
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
os.umask(0o077)
if os.getppid() == int(parent):
    os.execve(command[0], command, {})
"""
# Where there is no such signal; its standard input ends when the parent does.
_GUARD = 'read -r server; read -r end; kill -TERM "$server"'


@asynccontextmanager
async def running(
    command: tuple[str, ...], cwd: Path, log: int, lock: int
) -> AsyncIterator[tuple[int, asyncio.Task[int]]]:
    """The pid and the end of *command*, which writes to *log* and inherits *lock*."""
    async with _guard() as tell_guard:
        process = await _spawn(command, cwd, log, lock)
        exit_ = asyncio.create_task(process.wait())
        try:
            tell_guard(process.pid)
            yield process.pid, exit_
        finally:
            await _stop(process, exit_)


async def _spawn(command: tuple[str, ...], cwd: Path, log: int, lock: int) -> Process:
    """In a session of its own: what the terminal sends does not reach it."""
    if _HAS_PARENT_DEATH_SIGNAL:
        launch = (sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()))
        command = (*launch, *command)
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdin=DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(lock,),
        start_new_session=True,
    )


@asynccontextmanager
async def _guard() -> AsyncIterator[Callable[[int], object]]:
    """What takes the server's pid, so that it ends when we do."""
    if _HAS_PARENT_DEATH_SIGNAL:
        yield lambda _: None
        return
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", _GUARD, stdin=reading, start_new_session=True
    )
    os.close(reading)
    try:
        yield lambda pid: os.write(writing, f"{pid}\n".encode())
    finally:
        process.kill()
        await process.wait()
        os.close(writing)


async def _stop(process: Process, exit_: asyncio.Task[int]) -> None:
    """End the server, politely first, and whatever it started."""
    with suppress(ProcessLookupError):
        process.terminate()
    await asyncio.wait({exit_}, timeout=_STOP_WAIT_S)
    with suppress(ProcessLookupError, PermissionError):  # nobody is left, or zombies
        os.killpg(process.pid, SIGKILL)
    await exit_
