"""Commands on Genesys: from an agent's request to the platform and back, with proof."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.integration.e2e.site import Site, call_key, recorded_calls, source_key
from tests.integration.servers import free_port
from tests.integration.subscriber import Json, Subscriber, subscriber
from tests.integration.system import (
    TrackerProcess,
    get,
    tracker_process,
    until_ready,
    write_config,
)
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.genesys import Call, GenesysSimulator, SimulatorOptions

NOTIFICATIONS = "/v2/me/calls"
OPERATIONS = "*/me/calls/*"


async def command(url: str, key: str, action: str, **more: object) -> Json:
    """Ask for *action*; what was answered."""
    async with (
        aiohttp.ClientSession(url) as http,
        http.post(f"/v1/calls/{key}/commands", json={"action": action, **more}) as got,
    ):
        answer: Json = await got.json()
        assert got.status == 202, answer
        return answer


def stages(desk: Subscriber, key: str) -> list[str]:
    """Those that the desk was told of, in order."""
    return [event["type"].rpartition(".")[2] for event in desk.of("command.", key)]


async def until_stage(desk: Subscriber, key: str, *wanted: str) -> None:
    await desk.until(lambda: {*wanted} & {*stages(desk, key)}, 20)


def asked(simulator: GenesysSimulator) -> list[tuple[str, str]]:
    """Who was asked for what."""
    return [(agent, name) for agent, _, name in simulator.site.rest.call_operations]


@pytest.fixture
async def call(site: Site) -> Call:
    """One that is recorded, and known to be."""
    calls = recorded_calls(site.simulator)
    await site.desk.event("recording.started", call_key(calls[0]))
    return calls[0]


async def test_pause_and_resume_are_proved_by_notifications(
    site: Site, call: Call
) -> None:
    """With who asked and why, as the cause of the change."""
    key, agent = call_key(call), call.legs[0].agent.id
    asked_for = await command(site.url, key, "pause", reason="payment")
    await until_stage(site.desk, key, "confirmed")
    assert stages(site.desk, key) == ["requested", "accepted", "confirmed"]
    assert asked(site.simulator) == [(agent, "PauseCallRecording")]
    shown = site.desk.calls[key]
    assert shown["recording"]["state"] == "paused"
    cause = shown["recording"]["cause"]
    assert (cause["command_id"], cause["reason"]) == (asked_for["id"], "payment")
    await command(site.url, key, "resume")
    await site.desk.event("command.confirmed", key, 2)
    assert site.desk.calls[key]["recording"]["state"] == "recording"


async def test_a_lost_notification_is_made_up_for_by_a_read(
    site: Site, call: Call
) -> None:
    """Some seconds after the platform's yes."""
    lost = Fault(kind=FaultKind.DROP, path=NOTIFICATIONS, count=1)
    site.simulator.faults.add(lost)
    await command(site.url, call_key(call), "pause")
    await until_stage(site.desk, call_key(call), "confirmed")
    assert site.desk.calls[call_key(call)]["recording"]["state"] == "paused"


async def test_a_yes_that_nothing_comes_of_is_no_success(
    site: Site, call: Call
) -> None:
    """The last look, at the deadline, still shows the old state."""
    site.simulator.faults.add(Fault(kind=FaultKind.NEVER, count=1))
    await command(site.url, call_key(call), "pause", deadline_s=1)
    await until_stage(site.desk, call_key(call), "contradicted", "unconfirmed")
    assert stages(site.desk, call_key(call)) == [
        "requested",
        "accepted",
        "contradicted",
    ]


async def test_the_platform_s_no_is_told_in_its_words(site: Site, call: Call) -> None:
    """It knew that the recording was paused already."""
    lost = Fault(kind=FaultKind.DROP, path=NOTIFICATIONS, count=1)
    site.simulator.faults.add(lost)
    site.simulator.switch.pause_recording(call, call.legs[0].agent.id)
    await command(site.url, call_key(call), "pause")
    await until_stage(site.desk, call_key(call), "refused")
    problem = site.desk.calls[call_key(call)]["command"]["problem"]
    assert "not valid" in problem or "invalid" in problem.lower()


async def test_a_call_is_paused_on_all_its_legs(site: Site) -> None:
    """It is so when neither of its agents records any more."""
    switch = site.simulator.switch
    one, other = (agent.id for agent in site.simulator.agents[:2])
    call = switch.dial(one, other)
    switch.answer(call)
    for agent in (one, other):
        switch.start_recording(call, agent)
    key = call_key(call)

    def both_record() -> bool:
        parties = site.desk.calls.get(key, {}).get("call", {}).get("parties", [])
        states = [p["recording"]["state"] for p in parties if p.get("recording")]
        return states == ["recording", "recording"]

    await site.desk.until(both_record)
    await command(site.url, key, "pause")
    await until_stage(site.desk, key, "confirmed")
    assert sorted(asked(site.simulator)) == sorted(
        (agent, "PauseCallRecording") for agent in (one, other)
    )
    assert site.desk.calls[key]["recording"]["state"] == "paused"


async def test_a_pause_and_another_s_resume_cross(site: Site, call: Call) -> None:
    """What the platform shows last is the state; the stages tell how it came."""
    switch, agent = site.simulator.switch, call.legs[0].agent.id
    key = call_key(call)
    slow = Fault(kind=FaultKind.DELAY, path=OPERATIONS, count=1, after=True)
    site.simulator.faults.add(slow)
    await command(site.url, key, "pause")
    await site.desk.event("recording.paused", key)
    assert switch.resume_recording(call, agent)
    await until_stage(site.desk, key, "confirmed", "contradicted")
    await site.desk.event("recording.resumed", key)
    assert site.desk.calls[key]["recording"]["state"] == "recording"
    assert stages(site.desk, key)[-1] in ("confirmed", "contradicted")


@dataclass
class Crash:
    """tracker in a process of its own, one recorded call, and a desk."""

    simulator: GenesysSimulator
    tracker: TrackerProcess
    desk: Subscriber
    call: Call

    @property
    def key(self) -> str:
        return call_key(self.call)

    async def kill_and_restart(self, meanwhile: Callable[[], object]) -> None:
        await self.tracker.kill()
        meanwhile()
        await self.tracker.start()
        await until_ready(self.tracker.url)

    async def until_settled(self) -> Json:
        """The command, when nothing more will come of it."""
        async with asyncio.timeout(30):
            while True:
                shown = await get(self.tracker.url, f"/v1/calls/{self.key}")
                if shown["command"] and shown["command"]["settled_at"]:
                    command: Json = shown["command"]
                    return command
                await asyncio.sleep(0.05)


@pytest.fixture
async def crash(tmp_path: Path) -> AsyncIterator[Crash]:
    async with _crashing(tmp_path) as running:
        yield running


@asynccontextmanager
async def _crashing(directory: Path) -> AsyncIterator[Crash]:
    simulator = GenesysSimulator(SimulatorOptions(agents=1))
    simulator.write_agents_file(directory / "agents.csv")
    async with simulator.serve() as base_url:
        config = write_config(
            directory,
            {"base_url": base_url, "agents_file": "agents.csv"},
            server={"port": free_port()},
            store={"lease_s": 1},
        )
        async with tracker_process(config) as tracker, subscriber(tracker.url) as desk:
            await desk.until_up(*map(source_key, simulator.agents))
            (call,) = recorded_calls(simulator)
            await desk.event("recording.started", call_key(call))
            yield Crash(simulator, tracker, desk, call)


async def test_killed_while_the_platform_is_asked(crash: Crash) -> None:
    """Nobody knows whether it was taken: it is looked for, and never asked again."""
    hang = Fault(kind=FaultKind.HANG, path=OPERATIONS, count=1)
    struck = crash.simulator.faults.add(hang)
    await command(crash.tracker.url, crash.key, "pause", deadline_s=3)
    await crash.simulator.until(lambda: struck.fired == 1)
    await crash.kill_and_restart(struck.clear)
    settled = await crash.until_settled()
    assert settled["stage"] == "unconfirmed"
    assert asked(crash.simulator) == []
    assert struck.fired == 1
    await crash.desk.until(lambda: "unconfirmed" in stages(crash.desk, crash.key), 20)
    assert stages(crash.desk, crash.key) == ["requested", "unconfirmed"]


async def test_killed_after_it_was_done_and_before_the_answer(crash: Crash) -> None:
    """What it came to is seen by who comes after."""
    hang = Fault(kind=FaultKind.HANG, path=OPERATIONS, count=1, after=True)
    drop = Fault(kind=FaultKind.DROP, path=NOTIFICATIONS, count=1)
    struck, _ = crash.simulator.faults.add(hang), crash.simulator.faults.add(drop)
    await command(crash.tracker.url, crash.key, "pause", deadline_s=10)
    await crash.simulator.until(lambda: struck.fired == 1)
    await crash.kill_and_restart(struck.clear)
    settled = await crash.until_settled()
    assert settled["stage"] == "confirmed"
    assert len(asked(crash.simulator)) == 1
    await until_stage(crash.desk, crash.key, "confirmed")
    assert stages(crash.desk, crash.key) == ["requested", "confirmed"]


async def test_killed_between_the_yes_and_its_proof(crash: Crash) -> None:
    """The proof is found by the first read after the restart."""
    drop = Fault(kind=FaultKind.DROP, path=NOTIFICATIONS, count=1)
    crash.simulator.faults.add(drop)
    await command(crash.tracker.url, crash.key, "pause", deadline_s=10)
    await until_stage(crash.desk, crash.key, "accepted")
    await crash.kill_and_restart(lambda: None)
    settled = await crash.until_settled()
    assert settled["stage"] == "confirmed"
    assert len(asked(crash.simulator)) == 1
    await until_stage(crash.desk, crash.key, "confirmed")
    assert stages(crash.desk, crash.key) == ["requested", "accepted", "confirmed"]


async def test_killed_before_it_was_sent(crash: Crash) -> None:
    """What was never sent is executed by who comes after."""
    crash.simulator.switch.pause_recording(crash.call, crash.call.legs[0].agent.id)
    await crash.desk.event("recording.paused", crash.key)
    down = Fault(kind=FaultKind.STATUS, status=503)
    armed = crash.simulator.faults.add(down)
    crash.simulator.cut_connections()
    await crash.simulator.until(lambda: armed.fired >= 1)
    await command(crash.tracker.url, crash.key, "resume", deadline_s=10)
    await crash.kill_and_restart(armed.clear)
    settled = await crash.until_settled()
    assert settled["stage"] == "confirmed"
    assert [name for _, name in asked(crash.simulator)] == ["ResumeCallRecording"]
    await until_stage(crash.desk, crash.key, "confirmed")
    assert stages(crash.desk, crash.key) == ["requested", "accepted", "confirmed"]


async def test_killed_after_it_was_confirmed(crash: Crash) -> None:
    """Nothing of it is told or done twice."""
    await command(crash.tracker.url, crash.key, "pause")
    await until_stage(crash.desk, crash.key, "confirmed")
    await crash.kill_and_restart(lambda: None)
    await crash.desk.until_up(*map(source_key, crash.simulator.agents), within_s=20)
    await command(crash.tracker.url, crash.key, "resume")
    await crash.desk.event("command.confirmed", crash.key, 2)
    assert stages(crash.desk, crash.key) == ["requested", "accepted", "confirmed"] * 2
    assert len(asked(crash.simulator)) == 2
