"""Calls as people make them, seen through every stage of tracker."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.e2e.site import (
    Site,
    call_key,
    recorded_calls,
    shows,
    source_key,
)
from tests.integration.subscriber import assert_unbroken, subscriber
from tests.integration.system import get
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.genesys import Call, GenesysSimulator

ONE, TWO, THREE = "agent-0001", "agent-0002", "agent-0003"
OUTSIDE = "15551234567"


async def recorded_call(site: Site) -> Call:
    """Somebody outside talks to the first agent, whose leg is recorded."""
    call = site.simulator.switch.dial_in(OUTSIDE, ONE)
    site.simulator.switch.answer(call)
    site.simulator.switch.start_recording(call, ONE)
    await site.desk.event("recording.started", call_key(call))
    return call


def late(site: Site, agent: str) -> None:
    """Have the agent's notifications come after everybody else's."""
    fault = Fault(kind=FaultKind.DELAY, path="/v2/me/calls", agent=agent, delay_s=0.3)
    site.simulator.faults.add(fault)


def agents(state: str, *names: str) -> dict[str, tuple[str, str]]:
    """What `parties` answers when all *names* are in *state*."""
    return dict.fromkeys(names, ("agent", state))


def parties(site: Site, call: Call) -> dict[str, tuple[str, str]]:
    """Role and state of every agent on it, as far as the desk was told."""
    known = site.desk.calls.get(call_key(call))
    shown = known["call"]["parties"] if known else []
    return {p["agent"]: (p["role"], p["state"]) for p in shown if p["agent"]}


async def test_a_transferred_call_goes_on_without_its_first_agent(site: Site) -> None:
    """Who was asked has it; who gave it away is told that it is gone, and no more."""
    switch, desk = site.simulator.switch, site.desk
    async with subscriber(site.url, agents=[ONE]) as first:
        call = await recorded_call(site)
        consult = switch.consult(call, ONE, TWO)
        switch.answer(consult)
        await desk.until(lambda: parties(site, consult) == agents("active", ONE, TWO))
        assert desk.calls[call_key(consult)]["call"]["parent"] == call_key(call)
        late(site, ONE)
        switch.complete_transfer(consult)
        await desk.event("call.ended", call_key(consult))
        await desk.event("recording.stopped", call_key(call))
        await first.until(lambda: call_key(call) in {r["key"] for r in first.removed})

        shown = desk.calls[call_key(call)]
        assert parties(site, call) == agents("ended", ONE) | agents("active", TWO)
        assert shown["recording"]["cause"]["by"] == "released"
        assert not desk.of("call.ended", call_key(call))
        known = len(first.of("", call_key(call)))
        switch.start_recording(call, TWO)
        await desk.event("recording.started", call_key(call), count=2)
        await first.ping()
        assert len(first.of("", call_key(call))) == known
        assert_unbroken(desk.events)


async def test_a_transfer_told_backwards_goes_on_all_the_same(site: Site) -> None:
    """Who leaves is heard before who comes: nobody is told that the call ended."""
    switch, desk = site.simulator.switch, site.desk
    call = await recorded_call(site)
    consult = switch.consult(call, ONE, TWO)
    switch.answer(consult)
    late(site, TWO)
    switch.complete_transfer(consult)
    await desk.event("recording.stopped", call_key(call))
    assert desk.calls[call_key(call)]["call"]["state"] == "active"
    handed_over = agents("ended", ONE) | agents("active", TWO)
    await desk.until(lambda: parties(site, call) == handed_over)
    assert not desk.of("call.ended", call_key(call))
    assert not desk.of("call.reopened", call_key(call))
    assert_unbroken(desk.events)


async def test_a_conference_is_one_call_of_many_legs(site: Site) -> None:
    """It is recorded while any leg is, and who leaves it is told that it is gone."""
    switch, desk = site.simulator.switch, site.desk
    async with subscriber(site.url, agents=[THREE]) as third:
        call = await recorded_call(site)
        switch.conference(call, TWO)
        switch.conference(call, THREE)
        switch.answer(call)
        talking = agents("active", ONE, TWO, THREE)
        await desk.until(lambda: parties(site, call) == talking)
        switch.start_recording(call, TWO)
        switch.stop_recording(call, ONE)
        switch.hang_up(call, THREE)
        await third.until(lambda: third.removed)
        assert desk.states(call_key(call)) == ["recording"]
        switch.stop_recording(call, TWO)
        await desk.event("recording.stopped", call_key(call))
        switch.hang_up(call)
        await desk.event("call.ended", call_key(call))
        assert_unbroken(desk.events)


async def test_hold_leaves_the_recording_as_it_is(site: Site) -> None:
    """The call's state changes, its recording says nothing."""
    switch, desk = site.simulator.switch, site.desk
    call = await recorded_call(site)
    for change, state in ((switch.hold, "held"), (switch.retrieve, "active")):
        change(call, ONE)
        await desk.until(lambda: parties(site, call) == agents(state, ONE))  # noqa: B023 awaited
        assert desk.calls[call_key(call)]["recording"]["state"] == "recording"
    assert desk.states(call_key(call)) == ["recording"]
    assert_unbroken(desk.events)


async def test_a_supervisor_listens_in_as_a_party_of_another_role(site: Site) -> None:
    """The leg reports no recording, and changes nothing of the call's."""
    switch, desk = site.simulator.switch, site.desk
    call = await recorded_call(site)
    switch.monitor(call, ONE, TWO)
    watched = agents("active", ONE) | {TWO: ("supervisor", "active")}
    await desk.until(lambda: parties(site, call) == watched)
    switch.end_monitoring(call)
    alone = agents("active", ONE) | {TWO: ("supervisor", "ended")}
    await desk.until(lambda: parties(site, call) == alone)
    assert desk.states(call_key(call)) == ["recording"]
    assert_unbroken(desk.events)


async def test_the_same_id_later_is_the_same_call_again(site: Site) -> None:
    """Its versions go on, and nobody knows what was between."""
    switch, desk = site.simulator.switch, site.desk
    call = await recorded_call(site)
    switch.hang_up(call)
    ended = await desk.event("call.ended", call_key(call))
    switch.join(call, ONE)
    reopened = await desk.event("call.reopened", call_key(call))
    assert reopened["sequence"] > ended["sequence"]
    timeline = await get(site.url, f"/v1/calls/{call_key(call)}/timeline")
    gap = timeline["items"][-1]
    assert (gap["state"], gap["unknown_reason"]) == ("unknown", "source_blind")
    assert gap["from"] == ended["time"]
    assert_unbroken(desk.events)


async def test_a_call_that_never_says_that_it_ended_is_missed(site: Site) -> None:
    """The next full read does not show it."""
    call = await recorded_call(site)
    site.simulator.switch.vanish(call)
    site.simulator.expire_sessions()
    site.simulator.cut_connections()
    ended = await site.desk.event("call.ended", call_key(call))
    assert ended["data"]["change"]["reason"] == "absent"


async def test_two_legs_with_different_states_are_one_answer(site: Site) -> None:
    """Recording while either records; paused only when none does."""
    switch, desk = site.simulator.switch, site.desk
    call = switch.dial(ONE, TWO)
    switch.answer(call)
    await desk.until(lambda: parties(site, call) == agents("active", ONE, TWO))
    switch.start_recording(call, ONE)
    await desk.event("recording.started", call_key(call))
    switch.start_recording(call, TWO)
    switch.pause_recording(call, TWO)
    switch.pause_recording(call, ONE)
    await desk.event("recording.paused", call_key(call))
    switch.resume_recording(call, TWO)
    await desk.event("recording.resumed", call_key(call))
    switch.hang_up(call, TWO)
    await desk.event("call.ended", call_key(call))
    assert_unbroken(desk.events)


async def test_calls_of_agents_who_can_no_longer_log_in_are_unknown(
    site: Site, tmp_path: Path
) -> None:
    """Whoever holds them; a person is needed."""
    calls = recorded_calls(site.simulator)
    await site.desk.until(lambda: shows(site.desk, calls))
    file = tmp_path / "agents.csv"
    header, *rows = csv.reader(file.read_text().splitlines())
    for row in rows:
        row[header.index("password")] = "changed by mistake"
    file.write_text("\n".join(map(",".join, [header, *rows])))
    for call in calls:
        await site.desk.event("recording.unknown", call_key(call))
    for agent in site.simulator.agents:
        await site.desk.event("source.locked", source_key(agent))


class TestInTheMiddle:
    """Of a call that was there before anybody looked."""

    @pytest.fixture
    def begun(self, simulator: GenesysSimulator) -> Call:
        call = simulator.switch.dial_in(OUTSIDE, ONE)
        call.created_at -= timedelta(minutes=1)
        simulator.switch.answer(call)
        simulator.switch.start_recording(call, ONE)
        return call

    async def test_what_was_before_is_unknown(self, begun: Call, site: Site) -> None:
        """It is found by looking, answered a minute ago, recorded since whenever."""
        await site.desk.until(lambda: parties(site, begun))
        call = site.desk.calls[call_key(begun)]
        answered_at = datetime.fromisoformat(call["call"]["answered_at"])
        assert abs(answered_at - begun.created_at) < timedelta(seconds=2)
        assert call["recording"]["started_at"] is None
        assert call["recording"]["since_exact"] is False
        timeline = await get(site.url, f"/v1/calls/{call_key(begun)}/timeline")
        (before,) = timeline["items"]
        assert (before["state"], before["from"]) == (
            "unknown",
            call["call"]["answered_at"],
        )
        assert timeline["open"]["state"] == "recording"
        assert timeline["open"]["from"] == before["to"]
