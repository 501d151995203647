"""From a change at the simulated switch to its event at a WebSocket, under load.

Simulator, ingest, keep with serve, store and subscribers each have a process. Latency
is that of probes: changes asked for one by one, on calls that the traffic leaves alone.
The reference is how long the same changes take to an agent's own desktop, a long poll
at the simulator.
"""

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ctypes import c_uint64
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import uvloop
from pydantic_core import from_json

from tests.bench import _crowd
from tests.bench._site import AGENTS_FILE, Agent, CpuMeter, Simulator, simulated
from tests.bench.figures import percentile, show
from tests.integration.servers import Server, valkey
from tests.integration.system import TrackerProcess, tracker_process, write_config

AGENTS = 1000
FIREHOSES = 20
PER_S = 1000
WARM_UP_S = 5
MEASURED_S = 20
PROBES = 10
PROBE_EVERY_S = 0.05
QUIET_S = 1.0

STATES = {"Recording": "recording", "Paused": "paused", "Stopped": "stopped"}


@dataclass
class Probe:
    """A recorded call that only we change.

    Attributes:
        asked_at_s: When the change under way was asked for; None = none is.
        desktop_s, stream_s: Latencies so far.
    """

    agent: Agent
    call: str
    operation: str = "PauseCallRecording"
    asked_at_s: float | None = None
    desktop_s: list[float] = field(default_factory=list)
    stream_s: list[float] = field(default_factory=list)

    async def ask(self, simulator: Simulator) -> None:
        """Pause it, or resume it, in turn."""
        self.asked_at_s = time.perf_counter()
        arguments = {"call": self.call, "agent": self.agent.id}
        await simulator.switch(self.operation, **arguments)
        paused = self.operation == "PauseCallRecording"
        self.operation = "ResumeCallRecording" if paused else "PauseCallRecording"


class Firehose:
    """A subscriber to everything, which looks for holes.

    Attributes:
        events: How many came.
        holes: Versions that did not.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        self.events = 0
        self.holes = 0
        self.told_at_s = 0.0
        self._probes = {f"genesys/acme/{probe.call}": probe for probe in probes}
        self._versions: dict[str, int] = {}

    async def listen(self, url: str) -> None:
        """Take in what comes, for ever."""
        http = aiohttp.ClientSession(url)
        async with http, http.ws_connect("/v1/stream", max_msg_size=0) as socket:
            await socket.send_json({"op": "subscribe", "id": "all"})
            async for message in socket:
                self._take(message.data, time.perf_counter())

    def _take(self, text: str, now_s: float) -> None:
        event = from_json(text)
        if "type" not in event or "call" not in event["data"]:
            return
        self.events += 1
        self.told_at_s = now_s
        key, version = event["subject"], int(event["sequence"])
        self.holes += max(0, version - self._versions.get(key, version) - 1)
        self._versions[key] = version
        probe = self._probes.get(key)
        if probe and probe.asked_at_s and ".recording." in event["type"]:
            probe.stream_s.append(now_s - probe.asked_at_s)


async def desktop(simulator: Simulator, probe: Probe) -> None:
    """An agent's own CometD session, for ever; only a probe's changes come to it."""
    path, client = "/api/v2/notifications", ""

    async def ask(channel: str, **fields: object) -> list[dict[str, Any]]:
        message = {"channel": channel, "clientId": client, "id": "1", **fields}
        async with http.post(path, json=[message]) as answer:
            answers: list[dict[str, Any]] = await answer.json()
            return answers

    jar = aiohttp.CookieJar(unsafe=True)
    login = probe.agent.login
    async with aiohttp.ClientSession(
        simulator.url, headers=login, cookie_jar=jar
    ) as http:
        (welcome,) = await ask("/meta/handshake", version="1.0")
        client = welcome["clientId"]
        await ask("/meta/subscribe", subscription="/v2/me/calls")
        while True:
            answers = await ask("/meta/connect", connectionType="long-polling")
            if probe.asked_at_s and any("data" in answer for answer in answers):
                probe.desktop_s.append(time.perf_counter() - probe.asked_at_s)


async def recorded_call(simulator: Simulator, agent: Agent) -> Probe:
    """A probe's call."""
    call = await simulator.switch("dial_in", number="15551234567", callee=agent.id)
    await simulator.switch("answer", call=call)
    await simulator.switch("StartCallRecording", call=call, agent=agent.id)
    return Probe(agent, call)


@asynccontextmanager
async def crowd(url: str, agents: Sequence[Agent]) -> AsyncIterator[int]:
    """Everybody else who listens, in a process of its own: its pid."""
    filters: list[dict[str, object]] = [{"agents": [agent.id]} for agent in agents]
    filters += [{}] * (FIREHOSES - 1)
    received = RawValue(c_uint64, 0)
    context = multiprocessing.get_context("spawn")
    port = urlsplit(url).port
    process = context.Process(target=_crowd.run, args=(port, filters, received))
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.kill()
        process.join()


async def measure(
    simulator: Simulator, firehose: Firehose, probes: Sequence[Probe], cpu: CpuMeter
) -> None:
    """Probe it while it runs, and print what it does."""
    told, events = (await simulator.state())["told"], firehose.events
    cpu.begin()
    began_s = time.perf_counter()
    for number in range(int(MEASURED_S / PROBE_EVERY_S)):
        await probes[number % len(probes)].ask(simulator)
        due_s = began_s + (number + 1) * PROBE_EVERY_S
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
    took_s = time.perf_counter() - began_s
    told = (await simulator.state())["told"] - told
    events = firehose.events - events
    show("notifications", told / took_s, "/s", f"of {AGENTS} agents")
    show("events", events / took_s, "/s", f"to {AGENTS} agents, {FIREHOSES} firehoses")
    cpu.show(told / took_s)


def show_latencies(probes: Sequence[Probe]) -> None:
    """Of all probes, beside those of the desktops."""
    stream = [latency_s for probe in probes for latency_s in probe.stream_s]
    desktops = [latency_s for probe in probes for latency_s in probe.desktop_s]
    for share in (0.5, 0.99):
        told_s, reference_s = percentile(stream, share), percentile(desktops, share)
        note = f"{told_s / reference_s:.2f} x a desktop's {reference_s * 1e3:.2f} ms"
        show(f"switch to WebSocket p{share * 100:.0f}", told_s * 1e3, "ms", note)
    show("probes", len(stream), "", f"of {len(desktops)} that desktops saw")


async def show_losses(url: str, simulator: Simulator, firehose: Firehose) -> None:
    """When it is quiet again: versions left out, and legs that are not as they are."""
    await simulator.tell("traffic", transitions_per_s=0)
    left_s = QUIET_S
    while left_s > 0:
        await asyncio.sleep(left_s)
        left_s = firehose.told_at_s + QUIET_S - time.perf_counter()
    known, real = await legs_known(url), await legs_of(simulator)
    wrong = {
        leg for leg in known.keys() | real.keys() if known.get(leg) != real.get(leg)
    }
    show("versions lost", firehose.holes, "", f"of {firehose.events} events")
    show("legs that differ", len(wrong), "", f"of {len(real)} in the end")


async def legs_of(simulator: Simulator) -> dict[tuple[str, str], str]:
    """The recording state of every live leg at the simulator, by call and agent."""
    found = {}
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(simulator.url, cookie_jar=jar) as http:
        for agent in simulator.agents:
            path = "/api/v2/me/calls?fields=*"
            async with http.get(path, headers=agent.login) as answer:
                for call in (await answer.json())["calls"]:
                    state = STATES.get(call.get("recordingState"), "unknown")
                    found[call["callUuid"], agent.id] = state
    return found


async def legs_known(url: str) -> dict[tuple[str, str], str]:
    """The same, as tracker has it."""
    found, page = {}, "/v1/calls?limit=1000"
    async with aiohttp.ClientSession(url) as http:
        while page:
            async with http.get(page) as answer:
                shown = await answer.json()
            for call in shown["items"]:
                for party in call["call"]["parties"]:
                    if party.get("recording"):
                        leg = call["call_id"], party["agent"]
                        found[leg] = party["recording"]["state"]
            page = shown["next"]
    return found


@asynccontextmanager
async def trackers(
    directory: Path, account: dict[str, str]
) -> AsyncIterator[tuple[Server, TrackerProcess, TrackerProcess]]:
    """A store, what ingests, and what keeps and serves: one process each."""
    with valkey(directory / "store") as store:
        config = write_config(directory, account, store={"url": store.url})
        async with (
            tracker_process(config, ["ingest"]) as ingest,
            tracker_process(config, ["keep", "serve"]) as tracker,
        ):
            yield store, ingest, tracker


async def bench(directory: Path, per_s: float) -> None:
    """One run at *per_s* notifications a second."""
    async with simulated(directory, AGENTS) as simulator:
        account = {"base_url": simulator.url, "agents_file": AGENTS_FILE}
        async with trackers(directory, account) as (store, ingest, tracker):
            await simulator.until_subscribed(AGENTS)
            probed = simulator.agents[:PROBES]
            probes = [await recorded_call(simulator, agent) for agent in probed]
            async with crowd(tracker.url, simulator.agents) as subscribers:
                cpu = CpuMeter(
                    ingest=ingest.pid,
                    keep_and_serve=tracker.pid,
                    store=store.pid,
                    simulator=simulator.pid,
                    subscribers=subscribers,
                    benchmark=os.getpid(),
                )
                await run(simulator, tracker.url, probes, cpu, per_s)


async def run(
    simulator: Simulator,
    url: str,
    probes: Sequence[Probe],
    cpu: CpuMeter,
    per_s: float,
) -> None:
    """With everything in place: warm up, measure, look whether all is there."""
    firehose = Firehose(probes)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(desktop(simulator, probe)) for probe in probes]
        tasks.append(group.create_task(firehose.listen(url)))
        await simulator.until_subscribed(AGENTS + PROBES)
        await simulator.tell("traffic", transitions_per_s=per_s)
        await asyncio.sleep(WARM_UP_S)
        await measure(simulator, firehose, probes, cpu)
        show_latencies(probes)
        await show_losses(url, simulator, firehose)
        for task in tasks:
            task.cancel()


def main(args: Sequence[str]) -> None:
    """Print the figures, at 1,000 notifications a second or as many as are named."""
    _crowd.raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        uvloop.run(bench(Path(directory), float(args[0]) if args else PER_S))
