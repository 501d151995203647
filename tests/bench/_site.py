"""A simulated Genesys site in a process of its own, and tracker in another."""

import asyncio
import csv
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import psutil

from tests.bench.figures import show

AGENTS_FILE = "agents.csv"
_POLL_S = 0.05


class Agent(NamedTuple):
    """A line of the agents file."""

    id: str
    username: str
    password: str
    team: str
    expected: str

    @property
    def login(self) -> dict[str, str]:
        """As a request's headers."""
        basic = aiohttp.encode_basic_auth(self.username, self.password)
        return {"Authorization": basic}


class Simulator:
    """A running `python -m tracker.simulators.genesys`, by its control.

    Attributes:
        url: Without a slash at the end.
        pid: Of its process.
        agents: Everybody who can log in.
    """

    def __init__(self, url: str, pid: int, agents: Sequence[Agent]) -> None:
        self.url = url
        self.pid = pid
        self.agents = agents
        self._http = aiohttp.ClientSession(url)

    async def tell(self, name: str, **body: object) -> dict[str, Any]:
        """Post *body* to a control."""
        async with self._http.post(f"/_sim/{name}", json=body) as answer:
            answer.raise_for_status()
            told: dict[str, Any] = await answer.json()
            return told

    async def switch(self, operation: str, **arguments: object) -> str:
        """Have something done by the switch; the call's id, if it makes one."""
        done = await self.tell("switch", operation=operation, **arguments)
        return str(done.get("call", ""))

    async def state(self) -> dict[str, Any]:
        """What there is, and who asked how often."""
        async with self._http.get("/_sim/state") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def until_subscribed(self, sessions: int, within_s: float = 300) -> None:
        """Wait until so many sessions are subscribed and wait for news."""
        async with asyncio.timeout(within_s):
            state = await self.state()
            while min(state["subscribed"], state["held"]) < sessions:
                await asyncio.sleep(_POLL_S)
                state = await self.state()

    async def close(self) -> None:
        """Let go of it."""
        await self._http.close()


@asynccontextmanager
async def simulated(
    directory: Path, agents: int, port: int = 0
) -> AsyncIterator[Simulator]:
    """A site whose agents are in `AGENTS_FILE` of *directory*; nobody calls yet."""
    file = directory / AGENTS_FILE
    options = ["--agents", str(agents), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tracker.simulators.genesys", "--agents-file", str(file), *options),
        stdout=PIPE,
    )
    assert process.stdout
    try:
        url = json.loads(await process.stdout.readline())["url"]
        simulator = Simulator(url, process.pid, list(read_agents(file)))
        try:
            yield simulator
        finally:
            await simulator.close()
    finally:
        process.kill()
        await process.wait()


def read_agents(file: Path) -> Iterator[Agent]:
    """Everybody in an agents file."""
    with file.open(newline="") as opened:
        yield from map(Agent._make, list(csv.reader(opened))[1:])


def rss_bytes(pid: int) -> int:
    """Memory of the process, without its children."""
    return int(psutil.Process(pid).memory_info().rss)


class CpuMeter:
    """What processes use of a core, without their children.

    Args:
        pids: By what they are called.
    """

    def __init__(self, **pids: int) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}

    def begin(self) -> None:
        """Count from now on."""
        psutil.cpu_percent()
        for process in self._processes.values():
            process.cpu_percent()

    def show(self, per_s: float = 0) -> None:
        """Print what was used since, and how busy the machine was with all it has.

        Args:
            per_s: So many were handled a second: what one of them cost is shown too.
        """
        for name, process in self._processes.items():
            share = process.cpu_percent()
            note = f"{share / 100 / per_s * 1e6:.0f} us each" if per_s else ""
            show(f"CPU of the {name}", share, "% of a core", note)
        cores = psutil.cpu_count() or 1
        show("CPU of the machine", psutil.cpu_percent(), "%", f"of {cores} cores")
