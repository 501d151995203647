"""A receiver is away for days, and tracker is killed meanwhile: all of it arrives."""

import asyncio
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from tests.integration.e2e.site import change, recorded_calls, shows
from tests.integration.e2e.test_crash import crashing
from tests.integration.subscriber import Subscriber
from tests.integration.system import TrackerProcess, get
from tests.integration.webhooks.receiver import (
    Got,
    Receiver,
    assert_arrived,
    ok,
    receiving,
)
from tests.integration.webhooks.rig import until
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.settings import StoreSettings
from tracker.simulators.genesys import Call, GenesysSimulator

AGENTS = 20
OWED = 2000
DAY_S = 86_400
WANTED = ["tracker.recording.paused", "tracker.recording.resumed"]


def away(_: Got) -> web.Response:
    return web.Response(status=503)


async def change_until(
    simulator: GenesysSimulator, calls: Sequence[Call], desk: Subscriber, count: int
) -> None:
    """One call after the other, until the desk was told so often."""
    for number, call in enumerate(cycle(calls)):
        if number % len(calls) == 0:
            await asyncio.sleep(0.02)
            if len(told(desk)) >= count:
                return
        change(simulator, call)


async def add(tracker: TrackerProcess, receiver: Receiver) -> str:
    """An endpoint's path."""
    wanted = {"url": receiver.url, "filter": {"types": WANTED}}
    async with (
        ClientSession(tracker.url) as http,
        http.post("/v1/webhooks", json=wanted) as answer,
    ):
        return f"/v1/webhooks/{(await answer.json())['id']}"


async def until_owed(tracker: TrackerProcess, path: str, least: int, most: int) -> None:
    async def is_so() -> bool:
        owed: int = (await get(tracker.url, path))["owed"]
        return least <= owed <= most

    await until(is_so)


async def again(tracker: TrackerProcess, days: float) -> None:
    """Kill it; it comes back, so long after the beginning to its webhooks."""
    await tracker.kill()
    tracker.program = ("-m", "tests.integration.e2e.ahead", str(days * DAY_S))
    await tracker.start()


def told(desk: Subscriber) -> list[str]:
    """The ids of what the endpoint wants."""
    return [event["id"] for event in desk.events if event["type"] in WANTED]


@pytest.mark.timeout(120)
async def test_three_days_and_three_crashes_lose_nothing(tmp_path: Path) -> None:
    """Over HTTP, in order per call, twice only what was on its way at a crash."""
    webhooks = {"allow_loopback": True}
    async with (
        receiving(away) as receiver,
        crashing(tmp_path, AGENTS, webhooks=webhooks) as (simulator, tracker, desk),
    ):
        path, calls = await add(tracker, receiver), recorded_calls(simulator)
        await change_until(simulator, calls, desk, OWED // 2)
        await again(tracker, days=1)
        await change_until(simulator, calls, desk, OWED)
        await until_owed(tracker, path, OWED, 2 * OWED)
        receiver.answer = ok
        await again(tracker, days=3)
        await receiver.until(lambda: len(receiver.taken) > OWED // 4)
        await again(tracker, days=3.1)
        await until_owed(tracker, path, 0, 0)
        await desk.until(lambda: shows(desk, calls))
        await desk.ping()
    assert_arrived(receiver.taken, told(desk))
    again_ = len(receiver.taken) - len({got.id for got in receiver.taken})
    most = WebhookSettings().concurrency * (1 + StoreSettings().partitions)
    assert again_ <= most  # under way, and taken but not stored yet
