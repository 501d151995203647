"""Clients that nobody here wrote are satisfied with the simulator."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiocometd_noloop as aio  # type: ignore[import-untyped]  # it has no types
import aiohttp
import pytest

from tests.integration.peers import NOTIFICATIONS_PATH, cometd_client
from tests.integration.simulators.conftest import Running
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.genesys import Agent, Call, GenesysSimulator

A, B = "agent-0001", "agent-0002"
CALLS, DEVICES = "/v2/me/calls", "/v2/me/devices"


class Basic(aio.AuthExtension):  # type: ignore[misc]  # it has no types
    """Basic credentials on every request."""

    def __init__(self, agent: Agent) -> None:
        self._basic = aiohttp.encode_basic_auth(agent.username, agent.password)

    async def outgoing(self, _payload: object, headers: dict[str, str]) -> None:
        headers["Authorization"] = self._basic

    async def incoming(self, _payload: object, _headers: object = None) -> None:
        """Nothing to learn from an answer."""


@pytest.fixture
async def aiocometd(running: Running) -> AsyncIterator[Any]:
    client = aio.Client(
        running.url + NOTIFICATIONS_PATH,
        aio.ConnectionType.LONG_POLLING,
        auth=Basic(running.simulator.agents[0]),
    )
    async with client:
        yield client


def live_through_a_call(simulator: GenesysSimulator) -> Call:
    """Everything that recording knows, then the end."""
    switch = simulator.switch
    call = switch.dial(A, B)
    switch.answer(call)
    switch.start_recording(call, A)
    switch.pause_recording(call, A)
    switch.resume_recording(call, A)
    switch.stop_recording(call, A)
    switch.hang_up(call)
    return call


STORY = [
    ("Dialing", "Stopped"),
    ("Established", "Stopped"),
    ("Established", "Recording"),
    ("Established", "Paused"),
    ("Established", "Recording"),
    ("Established", "Stopped"),
    ("Released", "Stopped"),
]


def page_of(message: Any) -> tuple[str, str]:
    call = message["data"]["call"]
    return call["state"], call["recordingState"]


async def test_aiocometd_hears_a_call(
    simulator: GenesysSimulator, aiocometd: Any
) -> None:
    """All of it, in order, in one go and one by one."""
    await aiocometd.subscribe(CALLS)
    live_through_a_call(simulator)
    assert [page_of(await aiocometd.receive()) for _ in STORY] == STORY
    await simulator.until_held(1)
    simulator.switch.dial(A, B)
    assert page_of(await aiocometd.receive()) == STORY[0]


async def test_aiocometd_begins_again_after_expiry(
    simulator: GenesysSimulator, aiocometd: Any
) -> None:
    """402 sends it to a handshake, and it subscribes again."""
    await aiocometd.subscribe(CALLS)
    await simulator.until_held(1)
    simulator.expire_sessions()
    await simulator.until_subscribed(1)
    simulator.switch.dial(A, B)
    assert page_of(await aiocometd.receive()) == STORY[0]


async def test_aiocometd_understands_a_refusal(
    simulator: GenesysSimulator, aiocometd: Any
) -> None:
    """A refused subscription is an error there; unsubscribing works.

    It takes the 403 for a matter of authentication and tries once more.
    """
    simulator.faults.add(Fault(kind=FaultKind.REFUSE, path=CALLS, count=2))
    with pytest.raises(aio.exceptions.ServerError, match="Subscribe request failed"):
        await aiocometd.subscribe(CALLS)
    await aiocometd.subscribe("/**")
    await aiocometd.unsubscribe("/**")
    assert simulator.site.bayeux.subscribed == 0


@pytest.mark.parametrize("ack", [False, True])
async def test_cometd_js_hears_a_call(
    running: Running, simulator: GenesysSimulator, ack: bool
) -> None:
    """With the acknowledge extension and without, over several channels."""
    agent = simulator.agents[0]
    async with cometd_client(
        running.url + NOTIFICATIONS_PATH,
        user=agent.username,
        password=agent.password,
        channels=["/v2/me/*", "/notifications/services"],
        ack=ack,
    ) as client:
        await client.event("subscribed", channel="/v2/me/*", successful=True)
        live_through_a_call(simulator)
        told = [await client.event("message", channel=CALLS) for _ in STORY]
        assert [page_of(message) for message in told] == STORY
        simulator.site.tell_error(agent)
        error = await client.event("message", channel=DEVICES)
        assert error["data"]["messageType"] == "ErrorMessage"


async def test_cometd_js_misses_nothing_over_cuts(
    running: Running, simulator: GenesysSimulator
) -> None:
    """With acknowledgement, what was in a cut answer comes again, once."""
    agent = simulator.agents[0]
    async with cometd_client(
        running.url + NOTIFICATIONS_PATH, user=agent.username, password=agent.password
    ) as client:
        await client.event("subscribed", successful=True)
        await simulator.until_held(1)
        path = f"{NOTIFICATIONS_PATH}/connect"
        cut = Fault(kind=FaultKind.CUT, path=path, after=True, count=1)
        armed = simulator.faults.add(cut)
        live_through_a_call(simulator)
        told = [await client.event("message") for _ in STORY]
        assert [page_of(message) for message in told] == STORY
        assert armed.fired == 1


async def test_cometd_js_begins_again_after_expiry_and_leaves(
    running: Running, simulator: GenesysSimulator
) -> None:
    """It shakes hands again when told to, and its goodbye is answered."""
    agent = simulator.agents[0]
    async with cometd_client(
        running.url + NOTIFICATIONS_PATH, user=agent.username, password=agent.password
    ) as client:
        await client.event("subscribed", successful=True)
        await simulator.until_held(1)
        simulator.expire_sessions()
        await client.event("subscribed", successful=True)
        await client.disconnect()
        async with asyncio.timeout(5):
            await simulator.until(lambda: simulator.site.bayeux.subscribed == 0)
    assert simulator.counters.bayeux["/meta/handshake"] == 2
