"""Many commands at once on an account that may be asked ten times a second."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import aiohttp

from tests.integration.e2e.contact_centre import Centre, centre, key_of, posts
from tests.integration.rates import peak_per_s
from tests.integration.subscriber import Json
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_cc import (
    Call,
    Request,
    VonageCcOptions,
    VonageCcSimulator,
)

CALLER = "02072068888"
BUDGET = 10
CROWD = 500
SETTLED_S = 150
SAME_MOMENT = timedelta(seconds=0.3)
"""What was asked at once by many reaches its keepers in no certain order."""


async def learnt(
    simulator: VonageCcSimulator, directory: Path, count: int
) -> Sequence[Call]:
    """Calls that tracker knows from an earlier life, when it might ask for more."""
    calls = [simulator.begin_call(agent, CALLER) for agent in simulator.agents[:count]]
    async with centre(simulator, directory, requests_per_s=1000) as site:
        await site.desk.until(lambda: len(site.desk.calls) == count, 30)
    return calls


async def pause_all(site: Centre, calls: Sequence[Call], deadline_s: int) -> None:
    """Ask for all of them at once, in their order."""
    async with aiohttp.ClientSession(site.url) as http:

        async def pause(call: Call) -> None:
            path = f"/v1/calls/{key_of(call.guid)}/commands"
            body = {"action": "pause", "deadline_s": deadline_s}
            async with http.post(path, json=body) as got:
                assert got.status == 202, await got.text()

        await asyncio.gather(*map(pause, calls))


def commands(site: Centre) -> dict[str, Json]:
    """Each call's command as the desk has it."""
    shown = site.desk.calls.values()
    return {call["call_id"]: call["command"] for call in shown if call["command"]}


def guid_of(request: Request) -> str:
    """The call that it is about."""
    return request.path.rpartition("/")[2]


def is_in_order(times: Sequence[str]) -> bool:
    """Who asked first went first, but for what was asked in the same moment."""
    asked = [datetime.fromisoformat(text) for text in times]
    return all(one - other <= SAME_MOMENT for one, other in pairwise(asked))


async def test_a_crowd_of_commands_keeps_to_the_budget(tmp_path: Path) -> None:
    """All settle, none is asked twice, and what is sent is also looked at."""
    options = VonageCcOptions(agents=CROWD, delay_s=0.3)
    simulator = VonageCcSimulator(options)
    calls = await learnt(simulator, tmp_path, CROWD)
    known = len(simulator.requests)
    async with centre(simulator, tmp_path, agents=[], requests_per_s=BUDGET) as site:
        for count, path in ((2, "POST /v0/*"), (2, "GET /v0/*")):
            fault = Fault(kind=FaultKind.STATUS, status=429, path=path, count=count)
            simulator.faults.add(fault)
        await pause_all(site, calls, deadline_s=15)
        await site.desk.until(
            lambda: (
                len(found := commands(site)) == CROWD
                and all(command["settled_at"] for command in found.values())
            ),
            SETTLED_S,
        )
        settled = commands(site)
    requests = simulator.requests[known:]
    arrived = [request.at_s for request in requests]
    assert peak_per_s(arrived, late_s=0.3) <= BUDGET
    sent = [guid_of(r) for r in requests if r.method == "POST" and r.status == 202]
    sent = [guid for guid in sent if guid in settled]
    assert len(sent) == len(set(sent)) > CROWD // 5
    assert is_in_order([settled[guid]["requested_at"] for guid in sent])
    stages = [settled[guid]["stage"] for guid in sent]
    assert stages.count("confirmed") > 0.9 * len(sent)
    unsent = [command for guid, command in settled.items() if guid not in sent]
    assert {command["problem"] for command in unsent} == {"never sent in time"}


async def test_a_pause_asked_now_does_not_wait_behind_old_ones_polls(
    tmp_path: Path,
) -> None:
    """They are looked at all the time, for nothing ever comes of them.

    It goes within what the budget has for a second, though thirty others wait.
    """
    options = VonageCcOptions(agents=31, delay_s="never")
    simulator = VonageCcSimulator(options)
    calls = await learnt(simulator, tmp_path, 31)
    async with centre(simulator, tmp_path, agents=[], requests_per_s=BUDGET) as site:
        await pause_all(site, calls[1:], deadline_s=60)
        old = {key_of(call.guid) for call in calls[1:]}
        await site.desk.until(
            lambda: {e["subject"] for e in site.desk.of("command.accepted")} == old, 30
        )
        before = len(simulator.requests)
        await site.command(calls[0], "pause")
        await simulator.until(lambda: calls[0].guid in posts(simulator))
        asked = [r.method for r in simulator.requests[before:]]
    assert asked.index("POST") < BUDGET
