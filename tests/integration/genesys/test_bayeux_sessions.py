"""Sessions with Bayeux servers that nobody here wrote, while all is well."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.genesys.agents import Agent, connection, live_agent, poll_is_held
from tests.integration.peers import (
    CALLS_CHANNEL,
    CALLS_PATH,
    Server,
    cometd_server,
    faye_server,
)
from tracker.providers.genesys.batch import Delivery

CAPTURES = Path(__file__).parents[2] / "captures" / "genesys"
STORY = ("start", "pause", "resume", "stop", "released")


@pytest.fixture(params=["cometd", "cometd without acks", "faye"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        if request.param == "faye":
            yield await stack.enter_async_context(faye_server(timeout_s=5))
        else:
            ack = request.param == "cometd"
            yield await stack.enter_async_context(cometd_server(ack=ack, timeout_s=5))


async def test_the_captured_story_arrives_whole_and_in_order(server: Server) -> None:
    """Every notification as it was sent, on its channel."""
    story = [json.loads((CAPTURES / f"{n}.json").read_text())["data"] for n in STORY]
    async with live_agent(server) as agent:
        for data in story:
            await server.publish(data, user="jdoe")
        assert await agent.until(len(story)) == story
        assert agent.events[-1] == Delivery(CALLS_CHANNEL, story[-1])


async def test_messages_arrive_while_a_poll_is_held(server: Server) -> None:
    """The server does not wait for the poll's end."""
    async with live_agent(server) as agent:
        polling = asyncio.create_task(agent.until(1))
        await poll_is_held(server)
        await server.publish({"n": 1}, user="jdoe")
        async with asyncio.timeout(2):
            assert await polling == [{"n": 1}]


async def test_a_quiet_session_goes_on_polling() -> None:
    """A poll that is answered with nothing is followed by the next one."""
    async with cometd_server(timeout_s=0.1) as server, live_agent(server) as agent:
        for _ in range(3):
            assert await agent.poll() == []
        await server.publish({"n": 1}, user="jdoe")
        assert await agent.until(1) == [{"n": 1}]
        assert agent.errors == []


async def test_twenty_thousand_messages_arrive_once_and_in_order(
    server: Server,
) -> None:
    """However they are cut into answers."""
    burst = [{"n": n} for n in range(20_000)]
    async with live_agent(server) as agent:
        await server.publish(*burst, user="jdoe")
        assert await agent.until(len(burst)) == burst


async def test_every_agent_has_a_session_of_its_own(server: Server) -> None:
    """One connector for all, and nobody's cookie in another one's request."""
    names = [f"agent{n}" for n in range(20)]
    async with connection(server) as account:
        agents = [Agent(account, name) for name in names]
        async with asyncio.TaskGroup() as tasks:
            for agent in agents:
                tasks.create_task(agent.session.login())
        async with asyncio.TaskGroup() as tasks:
            for agent in agents:
                tasks.create_task(agent.until_live())
        for name in names:
            await server.publish({"for": name}, user=name)
        for name, agent in zip(names, agents, strict=True):
            assert await agent.until(1) == [{"for": name}]
    requests = await server.requests()
    assert {request.login for request in requests} == set(names)
    assert all(request.user == request.login for request in requests)


async def test_rest_and_polls_share_a_session(server: Server) -> None:
    """The calls are read with the login that the poll uses, in full."""
    call = {"id": "1", "state": "Established", "uri": "http://gws.example/1"}
    async with live_agent(server) as agent:
        await server.set_calls("jdoe", [call])
        (found,) = await agent.session.calls()
        assert getattr(found, "call_id", None) == "1"
        await agent.session.post_operation("1", "PauseCallRecording")
    last = (await server.requests())[-1]
    assert (last.method, last.path) == ("POST", f"{CALLS_PATH}/1")
    assert json.loads(last.body) == {"operationName": "PauseCallRecording"}


async def test_a_cancelled_poll_leaves_at_once(server: Server) -> None:
    """The connection of a held poll is closed, not waited for."""
    async with live_agent(server) as agent:
        polling = asyncio.create_task(agent.poll())
        await poll_is_held(server)
        polling.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await polling
