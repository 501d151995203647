"""Several processes on one store: one dies, one sleeps too long, all of a role die."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.e2e.site import (
    call_key,
    change,
    recorded_calls,
    shows,
    source_key,
)
from tests.integration.servers import Server, valkey
from tests.integration.subscriber import Subscriber, assert_unbroken, subscriber
from tests.integration.system import (
    TrackerProcess,
    tracker_process,
    until_metric,
    write_config,
)
from tracker.domain.placement import Role
from tracker.simulators.genesys import Call, GenesysSimulator, SimulatorOptions

LEASE_S = 2.0
TAKEN_OVER_S = LEASE_S + 2
BLIND_S = 10 + 3
"""A process silent for so long has its sources blinded; then ticks and pulses."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Processes that share a store and a simulated site.

    Attributes:
        desk: At the process that was started first.
    """

    simulator: GenesysSimulator
    processes: Sequence[TrackerProcess]
    desk: Subscriber

    def record(self) -> list[Call]:
        """Calls of all agents, recorded."""
        return recorded_calls(self.simulator)

    def change(self, calls: Sequence[Call]) -> None:
        """Pause what is recorded, resume what is paused."""
        for call in calls:
            change(self.simulator, call)

    async def until_shown(self, calls: Sequence[Call], within_s: float = 10) -> None:
        """Wait until the desk has every call as it is."""
        await self.desk.until(lambda: shows(self.desk, calls), within_s)


@asynccontextmanager
async def shared(
    directory: Path, *roles: Sequence[Role], agents: int = 12
) -> AsyncIterator[Shared]:
    """A process for each of *roles*, on one Valkey."""
    simulator = GenesysSimulator(SimulatorOptions(agents=agents))
    simulator.write_agents_file(directory / "agents.csv")
    async with AsyncExitStack() as stack:
        store = stack.enter_context(valkey(directory / "valkey"))
        base_url = await stack.enter_async_context(simulator.serve())
        processes = []
        for number, own in enumerate(roles):
            config = config_of(directory / str(number), base_url, store)
            process = tracker_process(config, own)
            processes.append(await stack.enter_async_context(process))
        desk = await stack.enter_async_context(subscriber(processes[0].url))
        await desk.until_up(*map(source_key, simulator.agents))
        yield Shared(simulator, processes, desk)


def config_of(directory: Path, base_url: str, store: Server) -> Path:
    directory.mkdir()
    account = {"base_url": base_url, "agents_file": "../agents.csv"}
    shared_store = {"url": store.url, "lease_s": LEASE_S}
    return write_config(directory, account, store=shared_store)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Shared]:
    """Both do their share: sources have moved to the second one, and partitions."""
    async with shared(tmp_path, (), ()) as running:
        simulator, (_, second) = running.simulator, running.processes
        handshakes = simulator.counters.bayeux
        agents = len(simulator.agents)
        await simulator.until(lambda: handshakes["/meta/handshake"] > agents)
        await until_metric(second.url, "tracker_inputs_total")
        await running.desk.until_up(*map(source_key, simulator.agents))
        yield running


async def test_the_other_process_takes_over(two: Shared) -> None:
    """Within the lease and 2 s it has all sources, and keeps all partitions."""
    calls = two.record()
    await two.until_shown(calls)
    await two.processes[1].kill()
    two.change(calls)
    await two.until_shown(calls, TAKEN_OVER_S)
    two.change(calls)
    await two.until_shown(calls, 2)
    assert two.desk.recovered == [False]
    assert_unbroken(two.desk.events)


async def test_who_slept_too_long_changes_nothing(two: Shared) -> None:
    """What it read before it slept is old by the time it says so."""
    calls = two.record()
    await two.until_shown(calls)
    sleeper = two.processes[1]
    sleeper.signal(signal.SIGSTOP)
    two.change(calls)
    await two.until_shown(calls, TAKEN_OVER_S)
    two.change(calls)
    await two.until_shown(calls, 2)
    known = {call_key(call): two.desk.states(call_key(call)) for call in calls}
    sleeper.signal(signal.SIGCONT)
    await asyncio.sleep(TAKEN_OVER_S)
    assert {key: two.desk.states(key) for key in known} == known
    two.change(calls)
    await two.until_shown(calls)
    assert_unbroken(two.desk.events)


async def test_when_nobody_looks_everything_is_unknown(tmp_path: Path) -> None:
    """All that ingest are dead: the keepers say so, as of the last sign of life."""
    async with shared(tmp_path, ("keep", "serve"), ("ingest",), agents=4) as split:
        calls = split.record()
        await split.until_shown(calls)
        await split.processes[1].kill()
        desk = split.desk
        count = len(calls)
        await desk.until(lambda: len(desk.of("recording.unknown")) == count, BLIND_S)
        (told,) = desk.of("account.down")
        assert told["data"]["account"]["last_error"] == "its process is gone"
        split.change(calls)
        await split.processes[1].start()
        await split.until_shown(calls)
        assert_unbroken(desk.events)
