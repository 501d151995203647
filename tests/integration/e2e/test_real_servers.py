"""The vendor's own notifications, from Bayeux servers that nobody here wrote."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.peers import Server, cometd_server, faye_server
from tests.integration.subscriber import Json, assert_unbroken, subscriber
from tests.integration.system import get, running_tracker, write_agents, write_config

CAPTURES = Path(__file__).parents[2] / "captures" / "genesys"
STORY = {
    "start": "recording.started",
    "pause": "recording.paused",
    "resume": "recording.resumed",
    "stop": "recording.stopped",
    "released": "call.ended",
}
CALL = "genesys/acme/01RCC3N118B1V0SL8O7GK2LAES00000V"
SOURCE = "genesys/acme/jdoe"
SEEN_AFTER = timedelta(seconds=34)
"""What start.json says of the call's duration: nobody had looked before."""


@pytest.fixture(params=[cometd_server, faye_server])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    async with request.param() as running:
        yield running


def captured(name: str) -> Json:
    data: Json = json.loads((CAPTURES / f"{name}.json").read_text())["data"]
    return data


async def test_the_captured_story_is_told_whole(server: Server, tmp_path: Path) -> None:
    """Events, snapshot, timeline and totals of a call first seen in its 34th second."""
    write_agents(tmp_path, ["jdoe"])
    account = {"base_url": server.url, "agents_file": "agents.csv"}
    config = write_config(tmp_path, {**account, "expected": "always"})
    async with running_tracker(config) as url, subscriber(url) as desk:
        await desk.until_up(SOURCE)
        for name, type_ in STORY.items():
            await server.show("jdoe", captured(name))
            await desk.event(type_, CALL)
        shown = await get(url, f"/v1/calls/{CALL}")
        timeline = await get(url, f"/v1/calls/{CALL}/timeline")

    told = [event for event in desk.events if event["subject"] == CALL]
    expected = [f"tracker.{type_}" for type_ in ("call.started", *STORY.values())]
    assert [event["type"] for event in told] == expected
    assert_unbroken(told)
    ended = told[-1]["data"]
    assert shown == ended["call"]
    assert_snapshot(ended["call"], told)
    assert_timeline(timeline, ended, told)


def assert_snapshot(call: Json, told: list[Json]) -> None:
    """What the captures say, in tracker's words, with no outside number in full."""
    seen_at = at(told[0]["time"])
    assert call["call"]["state"] == "ended"
    assert call["call"]["type"] == "internal"
    assert call["call"]["dnis"] == "15001"
    assert call["call"]["provider_ids"] == {"connId": "007102719818001f"}
    assert at(call["call"]["answered_at"]) == seen_at - SEEN_AFTER
    agent, other = call["call"]["parties"]
    assert (agent["agent"], agent["number"]) == ("jdoe", "15000")
    assert agent["device"] == "631608b3-ceb1-472b-ba05-2ae39555b0d1"
    assert (other["role"], other["number"]) == ("other", "…01")
    recording = call["recording"]
    assert (recording["state"], recording["expected"]) == ("stopped", "always")
    assert recording["observed_by"] == SOURCE
    assert recording["cause"] == {
        "by": "platform",
        "command_id": None,
        "actor": None,
        "reason": None,
    }
    assert recording["started_at"] is None
    assert told[1]["data"]["change"]["first_sight"] is True


def assert_timeline(timeline: Json, ended: Json, told: list[Json]) -> None:
    """Unknown before the first sight, then each state until the next; sums agree."""
    items = timeline["items"]
    assert items == ended["change"]["timeline"]
    assert timeline["open"] is None
    assert timeline["totals"] == ended["call"]["totals"]
    times = [told[0]["data"]["call"]["call"]["answered_at"]]
    times += [event["time"] for event in told[1:]]
    states = ["unknown", "recording", "paused", "recording", "stopped"]
    expected = zip(states, pairwise(map(at, times)), strict=True)
    assert [(i["state"], (at(i["from"]), at(i["to"]))) for i in items] == list(expected)
    assert items[0]["unknown_reason"] == "source_blind"
    for state in ("recording", "paused", "stopped", "unknown"):
        lasted = [at(i["to"]) - at(i["from"]) for i in items if i["state"] == state]
        seconds = sum(lasted, timedelta()).total_seconds()
        assert timeline["totals"][f"{state}_s"] == pytest.approx(seconds, abs=0.002)
    assert timeline["totals"]["unknown_s"] == SEEN_AFTER.total_seconds()


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)
