"""The store stops answering, or dies, with all of tracker running on it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.integration.e2e.site import Site, call_key, watched
from tests.integration.servers import Server, valkey
from tests.integration.subscriber import Subscriber, assert_unbroken
from tracker.simulators.genesys import Call, GenesysSimulator, SimulatorOptions

ONE = "agent-0001"
GRACE_S = 4.0
NOTICED_S = GRACE_S + 2

Away = Callable[[Server], AbstractContextManager[None]]


def paused(store: Server) -> AbstractContextManager[None]:
    """It says nothing."""
    return store.paused()


@contextmanager
def dead(store: Server) -> Iterator[None]:
    """It is killed, and started again with what it had written."""
    store.kill()
    try:
        yield
    finally:
        store.start()


@pytest.fixture
def keeps() -> str:
    """Whether the store has after a crash what it had before: yes, no."""
    return "yes"


@pytest.fixture
def store(tmp_path: Path, keeps: str) -> Iterator[Server]:
    with valkey(tmp_path / "valkey", "--appendonly", keeps) as server:
        yield server


@pytest.fixture
async def site(store: Server, tmp_path: Path) -> AsyncIterator[Site]:
    simulator = GenesysSimulator(SimulatorOptions(agents=4))
    sections: dict[str, dict[str, object]] = {
        "store": {"url": store.url, "lease_s": 2},
        "server": {"port": 0, "live_grace_s": GRACE_S},
    }
    async with watched(simulator, tmp_path, **sections) as running:
        yield running


def recorded_call(site: Site) -> Call:
    call = site.simulator.switch.dial_in("15551234567", ONE)
    site.simulator.switch.answer(call)
    site.simulator.switch.start_recording(call, ONE)
    return call


async def status(site: Site, path: str) -> int:
    async with aiohttp.ClientSession(site.url) as http, http.get(path) as answer:
        return answer.status


@pytest.mark.parametrize("away", [paused, dead])
async def test_a_store_that_is_away_is_told_and_comes_back(
    site: Site, store: Server, away: Away
) -> None:
    """Not live within the grace and not ready; then what happened meanwhile follows."""
    desk, switch = site.desk, site.simulator.switch
    call = recorded_call(site)
    await desk.event("recording.started", call_key(call))
    await desk.until(lambda: desk.live)
    with away(store):
        switch.pause_recording(call, ONE)
        await desk.until(lambda: not desk.live, NOTICED_S)
        assert await status(site, "/readyz") == 503
        assert await status(site, "/livez") == 200
    await desk.event("recording.paused", call_key(call))
    await desk.until(lambda: desk.live)
    assert await status(site, "/readyz") == 200
    switch.resume_recording(call, ONE)
    await desk.event("recording.resumed", call_key(call))
    assert all(desk.recovered[1:])
    assert_unbroken(desk.events)


@pytest.mark.parametrize("keeps", ["no"])
async def test_a_store_that_lost_everything_is_filled_again(
    site: Site, store: Server
) -> None:
    """Subscribers are told that their cursor is void, and get what there is."""
    desk, switch = site.desk, site.simulator.switch
    call = recorded_call(site)
    await desk.event("recording.started", call_key(call))
    with dead(store):
        switch.pause_recording(call, ONE)
    await desk.until(lambda: paused_again(desk, call), within_s=30)
    assert not any(desk.recovered)
    switch.resume_recording(call, ONE)
    await desk.event("recording.resumed", call_key(call))


def paused_again(desk: Subscriber, call: Call) -> bool:
    state: str = desk.calls[call_key(call)]["recording"]["state"]
    return len(desk.recovered) > 1 and state == "paused"
