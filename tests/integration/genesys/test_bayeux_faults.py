"""What servers and networks do to a session, and that it comes back."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise

import pytest

from tests.integration.genesys.agents import Agent, connection, live_agent, poll_is_held
from tests.integration.peers import Server, cometd_server, faye_server, peak_per_s
from tracker.errors import ProviderUnavailableError
from tracker.providers.genesys import bayeux
from tracker.providers.genesys.bayeux import Ended, Failed, Refused

CONNECT = "/meta/connect"
Make = Callable[..., AbstractAsyncContextManager[Server]]


async def is_back(agent: Agent, server: Server) -> None:
    """Check that the session lives again and that messages arrive."""
    count = len(agent.taken)
    await agent.until_live()
    await server.publish({"after": "all"}, user="jdoe")
    assert (await agent.until(count + 1))[-1] == {"after": "all"}


async def test_a_restarted_server_is_found_again() -> None:
    """It was away, and has forgotten everything; no more than two requests a second."""
    async with cometd_server() as server, live_agent(server) as agent:
        began = len(await server.requests())
        polling = asyncio.create_task(agent.until_live())
        await poll_is_held(server)
        await server.restart(down_s=1)
        await polling
        recovered = (await server.requests())[began:]
        assert agent.errors
        await server.publish({"n": 1}, user="jdoe")
        assert await agent.until(1) == [{"n": 1}]
        assert peak_per_s(recovered[1:]) <= 2


@pytest.mark.parametrize("make", [cometd_server, faye_server])
async def test_an_expired_session_comes_back_with_its_subscriptions(make: Make) -> None:
    """The server says 402 (faye: 401), and all begins anew at once."""
    async with make(timeout_s=0.2) as server, live_agent(server) as agent:
        await agent.poll()
        await server.expire("jdoe")
        while not any(isinstance(event, Failed) for event in agent.events):
            await agent.poll()
        async with asyncio.timeout(0.5):
            await agent.until_live()
        await server.publish({"n": 1}, user="jdoe")
        assert await agent.until(1) == [{"n": 1}]
        assert agent.errors == []


async def test_a_session_that_the_server_ends_comes_back() -> None:
    """It says goodbye by /meta/disconnect."""
    async with cometd_server(timeout_s=0.2) as server, live_agent(server) as agent:
        await server.disconnect("jdoe")
        await is_back(agent, server)


async def test_an_answer_lost_in_flight_is_repeated() -> None:
    """With acknowledgements every message comes, once and in order."""
    async with cometd_server(timeout_s=2) as server, live_agent(server) as agent:
        await server.publish({"n": 0}, user="jdoe")
        await agent.until(1)
        for n in (1, 2, 3):
            await server.fault("reset", containing=f'"n":{n}')
            await server.publish({"n": n}, user="jdoe")
            await agent.until(n + 1)
        assert agent.taken == [{"n": n} for n in range(4)]
        assert len(agent.errors) == 3


async def test_without_acknowledgements_a_lost_answer_asks_for_a_snapshot() -> None:
    """Nobody repeats it, but the session says when to look."""
    async with faye_server(timeout_s=2) as server, live_agent(server) as agent:
        await server.fault("reset", containing='"n":1')
        await server.publish({"n": 1}, user="jdoe")
        await agent.until_live()
        assert agent.taken == []
        assert len(agent.errors) == 1
        await server.publish({"n": 2}, user="jdoe")
        assert await agent.until(1) == [{"n": 2}]


async def test_a_server_that_hangs_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll without an answer fails soon after the time that was promised."""
    monkeypatch.setattr(bayeux, "SHORTEST_LIMIT_S", 0.2)
    monkeypatch.setattr(bayeux, "GRACE_S", 0.2)
    async with cometd_server(timeout_s=0.1) as server, live_agent(server) as agent:
        await server.fault("hang", channel=CONNECT)
        await is_back(agent, server)
        assert [str(error) for error in agent.errors] == [
            "acme/jdoe: POST /notifications: no answer in time"
        ]


async def test_interval_advice_is_waited_for() -> None:
    """Milliseconds between one answer and the next poll."""
    async with (
        cometd_server(timeout_s=0.01, interval_s=0.2) as server,
        live_agent(server) as agent,
    ):
        for _ in range(3):
            await agent.poll()
        polls = [r.at_s for r in await server.requests() if r.channel == CONNECT]
        assert all(b - a >= 0.2 for a, b in pairwise(polls))


async def test_advice_none_is_obeyed() -> None:
    """No request follows."""
    async with cometd_server() as server, live_agent(server) as agent:
        denied = {"successful": False, "advice": {"reconnect": "none"}}
        polling = asyncio.create_task(agent.poll())
        await poll_is_held(server)
        await server.alter_reply(denied)
        assert await polling == [Ended("refused")]
        count = len(await server.requests())
        with pytest.raises(RuntimeError):
            await agent.poll()
        assert len(await server.requests()) == count


@pytest.mark.parametrize("make", [cometd_server, faye_server])
async def test_a_refused_subscription_is_told_and_tried_again(make: Make) -> None:
    """Not a session that is connected and silent."""
    async with make() as server, connection(server) as account:
        agent = Agent(account, "jdoe")
        await server.refuse_subscription()
        await is_back(agent, server)
        (refused,) = [e for e in agent.events if isinstance(e, Refused)]
        assert refused.error.startswith("403 ")


NO_ANSWERS = [
    (200, ""),
    (200, "<html>Welcome!</html>"),
    (200, "[]"),
    (200, '[{"channel":"/meta/connect","succ'),
    (302, ""),
    (400, ""),
    (500, '{"statusCode":4,"statusMessage":"oops"}'),
    (502, "<html>Bad gateway</html>"),
    (503, ""),
]


@pytest.mark.parametrize("ack", [True, False])
async def test_answers_that_are_none_lose_nothing(ack: bool) -> None:
    """Empty, broken, somebody else's: the messages come with the next answer."""

    async def survive(agent: Agent, status: int, body: str) -> list[object]:
        await agent.until_live()
        await server.answer(status, body, channel=CONNECT, user=agent.name)
        await server.publish({"n": 1}, user=agent.name)
        await agent.until_live()
        return await agent.until(1)

    async with cometd_server(ack=ack) as server, connection(server) as account:
        taken = await asyncio.gather(
            *(
                survive(Agent(account, f"agent{n}"), status, body)
                for n, (status, body) in enumerate(NO_ANSWERS)
            )
        )
        assert taken == [[{"n": 1}]] * len(NO_ANSWERS)


async def test_too_many_requests_says_when_to_come_back() -> None:
    """What the server asked for is handed on."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.answer(429, headers={"Retry-After": "7"}, channel=CONNECT)
        with pytest.raises(ProviderUnavailableError) as caught:
            await agent.session.poll(agent.protocol)
        assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("channel", "status"), [("/meta/handshake", 200), (CONNECT, 500)]
)
async def test_a_failing_server_is_spared(channel: str, status: int) -> None:
    """At most 2 requests a second by an agent and 50 by all, whatever fails."""
    async with cometd_server() as server, connection(server) as account:
        agents = [Agent(account, f"agent{n}") for n in range(60)]
        await server.answer(status, "sorry", channel=channel, count=None)
        tasks = [asyncio.create_task(agent.until_live()) for agent in agents]
        requests = await server.requests()
        while len(requests) < 130:
            requests = await server.requests()
        assert peak_per_s(requests) <= 51
        for agent in agents:
            own = [r for r in requests if r.login == agent.name]
            failed = next((n for n, r in enumerate(own) if r.channel == channel), 0)
            assert peak_per_s(own[failed:]) <= 2
        await server.heal()
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)


async def test_a_recovered_agent_lets_others_through() -> None:
    """A server that does well is not kept to 50 requests a second."""
    async with cometd_server() as server, connection(server) as account:
        agents = [Agent(account, f"agent{n}") for n in range(300)]
        async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
            for agent in agents:
                tasks.create_task(agent.until_live())
        assert peak_per_s(await server.requests()) > 51
