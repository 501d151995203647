"""Vonage Contact Center: a 202 is no success, and what becomes of it is looked for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.e2e.contact_centre import (
    ACCOUNT,
    Centre,
    centre,
    crashing,
    key_of,
    posts,
)
from tests.integration.system import get, until_ready
from tracker.simulators.vonage_cc import Call, VonageCcOptions, VonageCcSimulator

CALLER = "02072068888"


@pytest.fixture
def options() -> VonageCcOptions:
    """To be overridden by tests that need another kind of contact centre."""
    return VonageCcOptions(agents=2, delay_s=0.3, delay_sigma=0.0)


@pytest.fixture
async def site(options: VonageCcOptions, tmp_path: Path) -> AsyncIterator[Centre]:
    async with centre(VonageCcSimulator(options), tmp_path) as running:
        yield running


@pytest.fixture
async def call(site: Centre) -> Call:
    """One that is recorded, and known to be."""
    call = site.simulator.begin_call(site.simulator.agents[0], CALLER)
    await site.until_shown(call, "recording")
    return call


async def test_a_pause_is_confirmed_when_it_shows(site: Centre, call: Call) -> None:
    """Not by the 202, and not before it happened."""
    await site.command(call, "pause", reason="payment")
    await site.until_stage(call, "accepted")
    assert call.guid not in [change.guid for change in site.simulator.changes]
    await site.until_stage(call, "confirmed")
    assert site.stages(call) == ["requested", "accepted", "confirmed"]
    shown = site.recording(call)
    assert (shown["state"], shown["cause"]["reason"]) == ("paused", "payment")
    assert posts(site.simulator) == [call.guid]
    await site.command(call, "resume")
    await site.desk.event("command.confirmed", key_of(call.guid), 2)
    assert site.recording(call)["state"] == "recording"


async def test_a_202_that_nothing_comes_of_is_told(site: Centre, call: Call) -> None:
    """The last look, at the deadline, still shows the old state."""
    site.simulator.next_delay(call, "never")
    await site.command(call, "pause", deadline_s=1)
    await site.until_stage(call, "contradicted")
    assert site.stages(call) == ["requested", "accepted", "contradicted"]
    assert posts(site.simulator) == [call.guid]


async def test_the_vendor_s_no_is_told_in_its_words(site: Centre, call: Call) -> None:
    """An agent has to be on the call."""
    site.simulator.transfer_out(call)
    await site.command(call, "pause")
    await site.until_stage(call, "refused")
    command = site.desk.calls[key_of(call.guid)]["command"]
    assert command["problem"] == "The request is invalid."


async def test_agents_own_pauses_are_seen(site: Centre, call: Call) -> None:
    """By looking: nobody tells."""
    site.simulator.pause(call)
    await site.until_shown(call, "paused")
    assert site.recording(call)["cause"]["by"] == "platform"
    site.simulator.transfer_out(call)
    site.simulator.show(call, "Started")
    await site.until_shown(call, "recording")
    site.simulator.end(call)
    await site.desk.event("call.ended", key_of(call.guid))


async def test_a_202_that_somebody_else_has_is_proved(site: Centre) -> None:
    """Its call was known to nobody here."""
    call = site.simulator.begin_call(site.simulator.agents[1], CALLER)
    site.simulator.transfer_out(call)
    site.simulator.show(call, "Paused")
    wanted = {"provider": "vonage_cc", "account": ACCOUNT, "call_id": call.guid}
    status, watch = await site.post("/v1/watches", wanted | {"expected": "paused"})
    assert status == 201
    await site.until_stage(call, "confirmed")
    assert site.stages(call) == ["accepted", "confirmed"]
    assert posts(site.simulator) == []
    shown = await get(site.url, f"/v1/watches/{watch['id']}")
    assert (shown["state"], shown["command"]["stage"]) == ("watching", "confirmed")
    site.simulator.end(call)
    await site.desk.event("call.ended", key_of(call.guid))


async def test_a_call_that_nobody_has_seen_can_be_commanded(site: Centre) -> None:
    """It is looked for first; one that there is not is not found."""
    busy, call = (
        site.simulator.begin_call(site.simulator.agents[0], CALLER) for _ in range(2)
    )
    del busy
    status, command = await site.post(
        f"/v1/calls/{key_of(call.guid)}/commands", {"action": "pause"}
    )
    assert (status, command["action"]) == (202, "pause")
    await site.until_stage(call, "confirmed")
    status, problem = await site.post(
        f"/v1/calls/{key_of('94e5928c')}/commands", {"action": "pause"}
    )
    assert (status, problem["title"]) == (404, "Not Found")


async def test_a_late_change_is_found_by_who_comes_after(tmp_path: Path) -> None:
    """It is killed between the 202 and the change: one POST, one proof."""
    simulator = VonageCcSimulator(VonageCcOptions(agents=1))
    async with crashing(simulator, tmp_path) as (site, tracker):
        call = simulator.begin_call(simulator.agents[0], CALLER)
        await site.until_shown(call, "recording")
        simulator.next_delay(call, 4.0)
        await site.command(call, "pause", deadline_s=20)
        await site.until_stage(call, "accepted")
        await tracker.kill()
        await tracker.start()
        await until_ready(tracker.url)
        await site.until_stage(call, "confirmed")
        assert site.stages(call) == ["requested", "accepted", "confirmed"]
        assert posts(simulator) == [call.guid]
        site.simulator.transfer_out(call)
        await tracker.kill()
        await tracker.start()
        await until_ready(tracker.url)
        simulator.show(call, "Started")
        await site.until_shown(call, "recording")
        assert "call.ended" not in [e["type"] for e in site.desk.events]
