"""tracker is killed in the middle of its work, and started again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path

import psutil

from tests.integration.e2e.site import (
    call_key,
    change,
    recorded_calls,
    shows,
    source_key,
)
from tests.integration.servers import free_port
from tests.integration.subscriber import Subscriber, assert_unbroken, subscriber
from tests.integration.system import (
    Section,
    TrackerProcess,
    tracker_process,
    write_config,
)
from tracker.simulators.genesys import Call, GenesysSimulator, SimulatorOptions

LEASE_S = 2
PACE_S = 0.002


@asynccontextmanager
async def crashing(
    directory: Path, agents: int, **sections: Section
) -> AsyncIterator[tuple[GenesysSimulator, TrackerProcess, Subscriber]]:
    """A simulated site, tracker in a process of its own, and a desk at it."""
    simulator = GenesysSimulator(SimulatorOptions(agents=agents))
    simulator.write_agents_file(directory / "agents.csv")
    async with simulator.serve() as base_url:
        account = {"base_url": base_url, "agents_file": "agents.csv"}
        config = write_config(
            directory,
            account,
            None,
            server={"port": free_port()},
            store={"lease_s": LEASE_S},
            **sections,
        )
        async with tracker_process(config) as tracker, subscriber(tracker.url) as desk:
            await desk.until_up(*map(source_key, simulator.agents))
            yield simulator, tracker, desk


async def keep_changing(simulator: GenesysSimulator, calls: Sequence[Call]) -> None:
    """One call after the other, for ever."""
    for call in cycle(calls):
        change(simulator, call)
        await asyncio.sleep(PACE_S)


async def test_who_resumes_sees_everything_once(tmp_path: Path) -> None:
    """Whenever it is killed, and however much was on its way."""
    async with crashing(tmp_path, agents=20) as (simulator, tracker, desk):
        calls = recorded_calls(simulator)
        changing = asyncio.create_task(keep_changing(simulator, calls))
        for _ in range(3):
            known = len(desk.events)
            await desk.until(lambda: len(desk.events) > known + 200)  # noqa: B023 awaited
            await tracker.kill()
            await tracker.start()
        known = len(desk.events)
        await desk.until(lambda: len(desk.events) > known + 200)
        changing.cancel()
        await desk.until(lambda: shows(desk, calls))
        assert desk.recovered == [False, True, True, True]
        assert_unbroken(desk.events)


async def test_a_cursor_between_the_events_of_one_change_is_good(
    tmp_path: Path,
) -> None:
    """The last event seen was the end of a call: what came after it follows."""
    async with crashing(tmp_path, agents=2) as (simulator, tracker, desk):
        first, second = recorded_calls(simulator)
        await desk.event("recording.started", call_key(second))
        simulator.switch.hang_up(first)
        await desk.event("call.ended", call_key(first))
        await tracker.kill()
        change(simulator, second)
        await tracker.start()
        await desk.event("recording.paused", call_key(second))
        assert desk.recovered == [False, True]
        assert_unbroken(desk.events)


async def test_an_embedded_server_that_dies_is_started_again(tmp_path: Path) -> None:
    """By tracker itself, with everything that it had."""
    async with crashing(tmp_path, agents=2) as (simulator, tracker, desk):
        first, second = recorded_calls(simulator)
        await desk.event("recording.started", call_key(second))
        (store,) = psutil.Process(tracker.pid).children()
        store.kill()
        for call in (first, second):
            change(simulator, call)
        await desk.until(lambda: shows(desk, [first, second]), within_s=20)
        assert all(desk.recovered[1:])
        assert_unbroken(desk.events)
