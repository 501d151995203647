"""Agents' sessions with a peer server."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.peers import NOTIFICATIONS_PATH, Server
from tracker.errors import ProviderUnavailableError
from tracker.providers.genesys.batch import Delivery
from tracker.providers.genesys.bayeux import Bayeux, Event, Live
from tracker.providers.genesys.client import AgentSession, GenesysConnection
from tracker.providers.genesys.settings import AgentSettings, GenesysSettings


class Agent:
    """One agent's session and protocol, driven as a source does it.

    Attributes:
        events: All so far.
        errors: What polls raised.
    """

    def __init__(self, connection: GenesysConnection, name: str) -> None:
        settings = AgentSettings.model_validate(
            {"id": name, "username": name, "password": f"{name}'s"}
        )
        self.name = name
        self.session = AgentSession(connection, settings)
        self.protocol = Bayeux(connection.settings.subscriptions, random.random)
        self.events: list[Event] = []
        self.errors: list[ProviderUnavailableError] = []

    async def poll(self) -> list[Event]:
        """Poll once and store what came; an unavailable server gives no events."""
        try:
            events = await self.session.poll(self.protocol)
        except ProviderUnavailableError as error:
            self.errors.append(error)
            return []
        self.protocol.stored()
        self.events += events
        return events

    async def until_live(self) -> None:
        """Poll until the session lives."""
        while Live() not in await self.poll():
            pass

    async def until(self, count: int) -> list[object]:
        """Poll until *count* messages have come since the beginning; return them."""
        while len(self.taken) < count:
            await self.poll()
        return self.taken

    @property
    def taken(self) -> list[object]:
        """The data of all messages so far."""
        return [event.data for event in self.events if isinstance(event, Delivery)]


@asynccontextmanager
async def connection(
    server: Server, **fields: object
) -> AsyncIterator[GenesysConnection]:
    """An account at *server*."""
    settings = GenesysSettings.model_validate(
        {"account": "acme", "base_url": server.url, **fields}
    )
    async with GenesysConnection(settings) as opened:
        yield opened


@asynccontextmanager
async def live_agent(server: Server, name: str = "jdoe") -> AsyncIterator[Agent]:
    """An agent whose session lives."""
    async with connection(server) as account:
        agent = Agent(account, name)
        await agent.until_live()
        yield agent


async def poll_is_held(server: Server) -> None:
    """Wait until the server holds a poll."""
    held = False
    while not held:
        last = (await server.requests())[-1]
        held = last.path == NOTIFICATIONS_PATH and last.status is None
