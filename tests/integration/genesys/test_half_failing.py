"""Servers that do one thing well and another not at all."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from aiohttp import web

from tests.contract.observer import observing
from tests.integration import rates
from tests.integration.genesys.agents import Agent
from tests.integration.http.test_client import answering
from tracker.errors import ProviderUnavailableError
from tracker.providers.genesys.client import GenesysConnection
from tracker.providers.genesys.settings import AgentSettings, GenesysSettings
from tracker.providers.genesys.source import open_account

PER_S = 20


class HalfFailing:
    """Bayeux and calls, of which a test says what fails.

    Attributes:
        held: Answers a poll that is to be held; by default it is held for ever.
        commands: The answers to come to commands, before all are good.
        arrived_s: When each request came, on the loop's clock.
        over: Polls are held no longer.
    """

    def __init__(self) -> None:
        self.held: int | None = None
        self.commands: list[int] = []
        self.arrived_s: list[float] = []
        self.over = asyncio.Event()
        self._news = asyncio.Event()

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait for requests that make *what* true."""
        while not what():
            self._news.clear()
            await self._news.wait()

    async def handle(self, request: web.Request) -> web.Response:
        self.arrived_s.append(asyncio.get_running_loop().time())
        self._news.set()
        if request.path.endswith("/notifications"):
            (message,) = json.loads(await request.read())
            return await self._notify(message)
        if request.method == "POST" and self.commands:
            return web.Response(status=self.commands.pop(0))
        return web.json_response({"statusCode": 0, "calls": []})

    async def _notify(self, message: dict[str, object]) -> web.Response:
        channel = message["channel"]
        reply = {"channel": channel, "id": message["id"], "successful": True}
        reply |= {"clientId": "x", "subscription": message.get("subscription")}
        if channel == "/meta/connect" and "advice" not in message:
            if self.held is not None:
                return web.Response(status=self.held)
            await self.over.wait()
        return web.json_response([{k: v for k, v in reply.items() if v is not None}])


@asynccontextmanager
async def half_failing() -> AsyncIterator[tuple[HalfFailing, GenesysSettings]]:
    server = HalfFailing()
    async with answering(server.handle) as url:
        agent = AgentSettings.model_validate(
            {"id": "jdoe", "username": "jdoe", "password": "x"}
        )
        settings = GenesysSettings(
            account="acme",
            base_url=url,
            agents=(agent,),
            max_requests_per_s_failing=PER_S,
        )
        try:
            yield server, settings
        finally:
            server.over.set()


async def test_a_server_that_can_hold_no_poll_is_spared() -> None:
    """That all else is answered well proves nothing, once a poll was not held."""
    async with half_failing() as (server, settings):
        server.held = 504
        async with GenesysConnection(settings) as account:
            agents = [Agent(account, f"agent{n}") for n in range(60)]

            async def go_on(agent: Agent) -> None:
                while True:
                    await agent.poll()

            tasks = [asyncio.create_task(go_on(agent)) for agent in agents]
            await server.until(lambda: all(agent.errors for agent in agents))
            began = len(server.arrived_s)
            await server.until(lambda: len(server.arrived_s) >= began + 3 * PER_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert rates.peak_per_s(server.arrived_s[began:]) <= PER_S + 1


@pytest.mark.parametrize("status", [401, 503])
async def test_a_command_that_fails_keeps_no_other_from_being_asked(
    status: int,
) -> None:
    """The poll is held all the while: nothing is wrong with the session."""
    async with half_failing() as (server, settings), open_account(settings) as account:
        (source,) = account.sources().values()
        server.commands = [status]
        async with observing(source) as observer:
            await observer.until_complete()
            for _ in range(2):
                async with (
                    asyncio.timeout(5),
                    source.commanding(datetime.now(UTC)) as ask,
                ):
                    with suppress(ProviderUnavailableError):
                        await ask("c1", "pause", {})
        assert server.commands == []
