"""Agents' idle sessions in one tracker process: memory, CPU, and how soon all are back.

First in a process that only ingests, then in one that does everything and so knows each
source as its keeper and to its subscribers as well. The reference for memory is a bare
client: an aiohttp POST per agent that waits, with nothing around it.
"""

import asyncio
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import uvloop

from tests.bench import _crowd
from tests.bench._site import (
    AGENTS_FILE,
    Agent,
    CpuMeter,
    Simulator,
    rss_bytes,
    simulated,
)
from tests.bench.figures import show, title
from tests.integration.servers import valkey
from tests.integration.system import TrackerProcess, tracker_process, write_config

AGENTS = 2000
IDLE_S = 30
KIB = 1024
NOTIFICATIONS = "/api/v2/notifications"


async def bench(directory: Path, agents: int) -> None:
    """One agent first, then all, then a server that has forgotten them."""
    for name, started in (("ingest alone", ingesting), ("all roles", doing_all)):
        title(name)
        everybody, working = directory / name / "all", directory / name / "working"
        everybody.mkdir(parents=True)
        working.mkdir()
        async with AsyncExitStack() as stack:
            site = simulated(everybody, agents + 1)
            simulator = await stack.enter_async_context(site)
            account = working_account(everybody, working, simulator)
            async with started(working, account) as tracker:
                await measure(everybody, working, simulator, tracker, agents)
                port = urlsplit(simulator.url).port
                await stack.aclose()
                began_s = time.perf_counter()
                again = simulated(everybody, agents + 1, port or 0)
                simulator = await stack.enter_async_context(again)
                up_s = time.perf_counter()
                await simulator.until_subscribed(agents + 1)
                note = f"it was down for {up_s - began_s:.1f} s"
                back_s = time.perf_counter() - up_s
                show("all back after a restart", back_s, "s", note)


@asynccontextmanager
async def ingesting(
    working: Path, account: dict[str, str]
) -> AsyncIterator[TrackerProcess]:
    """A process with the sessions and nothing else; another one keeps."""
    with valkey(working / "store") as store:
        config = write_config(working, account, store={"url": store.url})
        async with (
            tracker_process(config, ["keep"]),
            tracker_process(config, ["ingest"]) as tracker,
        ):
            yield tracker


@asynccontextmanager
async def doing_all(
    working: Path, account: dict[str, str]
) -> AsyncIterator[TrackerProcess]:
    """One process of everything, with a store of its own."""
    async with tracker_process(write_config(working, account)) as tracker:
        yield tracker


async def measure(
    everybody: Path,
    working: Path,
    simulator: Simulator,
    tracker: TrackerProcess,
    agents: int,
) -> None:
    """From one agent to all, and what they cost."""
    await simulator.until_subscribed(1)
    alone_bytes = rss_bytes(tracker.pid)
    began_s = time.perf_counter()
    shutil.copy(everybody / AGENTS_FILE, working / AGENTS_FILE)
    await simulator.until_subscribed(agents + 1)
    show("all subscribed after", time.perf_counter() - began_s, "s")
    await show_idleness(tracker, alone_bytes, agents, simulator)


def working_account(
    everybody: Path, working: Path, simulator: Simulator
) -> dict[str, str]:
    """Of a tracker that knows the first agent only, as yet."""
    lines = (everybody / AGENTS_FILE).read_text().splitlines(keepends=True)
    (working / AGENTS_FILE).write_text("".join(lines[:2]))
    return {"base_url": simulator.url, "agents_file": AGENTS_FILE}


async def show_idleness(
    tracker: TrackerProcess, alone_bytes: int, agents: int, simulator: Simulator
) -> None:
    """Memory and CPU while nothing happens; the memory beside a bare client's."""
    cpu = CpuMeter(tracker=tracker.pid)
    cpu.begin()
    await asyncio.sleep(IDLE_S)
    cpu.show()
    session_bytes = (rss_bytes(tracker.pid) - alone_bytes) / agents
    bare_bytes = await asyncio.to_thread(bare, simulator.url, simulator.agents)
    note = f"{session_bytes / bare_bytes:.2f} x a bare POST's {bare_bytes / KIB:.1f}"
    show("RSS per session", session_bytes / KIB, "KiB", note)


def bare(url: str, agents: Sequence[Agent]) -> float:
    """Bytes per agent of a client that only waits, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    pipe, far = context.Pipe()
    process = context.Process(target=wait_barely, args=(far, url, list(agents)))
    process.start()
    far.close()
    try:
        found: float = pipe.recv()
        return found
    finally:
        process.kill()
        process.join()


def wait_barely(pipe: Pipe, url: str, agents: Sequence[Agent]) -> None:
    """Hold a long poll for each agent, and send what that took."""
    _crowd.raise_file_limit()
    pipe.send(uvloop.run(_wait_barely(url, agents)))


async def _wait_barely(url: str, agents: Sequence[Agent]) -> float:
    async with aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as http:

        async def connect(agent: Agent) -> None:
            (welcome,) = await _ask(http, agent, "/meta/handshake", version="1.0")
            fields = {"clientId": welcome["clientId"], "connectionType": "long-polling"}
            await _ask(http, agent, "/meta/connect", **fields)
            waiting.append(
                asyncio.create_task(_ask(http, agent, "/meta/connect", **fields))
            )

        waiting: list[asyncio.Task[Any]] = []
        await connect(agents[0])
        alone_bytes = rss_bytes(os.getpid())
        for agent in agents[1:]:
            await connect(agent)
        await asyncio.sleep(1)  # what the handshakes took is given back
        grown_bytes = rss_bytes(os.getpid()) - alone_bytes
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return grown_bytes / (len(agents) - 1)


async def _ask(
    http: aiohttp.ClientSession, agent: Agent, channel: str, **fields: object
) -> list[dict[str, Any]]:
    message = {"channel": channel, "id": "1", **fields}
    async with http.post(NOTIFICATIONS, json=[message], headers=agent.login) as answer:
        answers: list[dict[str, Any]] = await answer.json()
        return answers


def main(args: Sequence[str]) -> None:
    """Print the figures, of 2,000 agents or of as many as the argument says."""
    _crowd.raise_file_limit()
    agents = int(args[0]) if args else AGENTS
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        uvloop.run(bench(Path(directory), agents))
