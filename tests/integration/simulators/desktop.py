"""An agent's desktop, as plain as can be: what one posts, and what comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tracker.simulators.genesys import Agent

CALLS = "/v2/me/calls"


class Desktop:
    """One agent's HTTP session with cookies, and CometD by hand.

    Attributes:
        http: The session; its base URL is the simulator's.
        id: The CometD client id, after a handshake.
    """

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.id = ""

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.http.get(path) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, /, **body: object) -> tuple[int, Any]:
        async with self.http.post(path, json=body) as answer:
            return answer.status, await answer.json()

    async def record(self, call_id: str, operation: str) -> tuple[int, Any]:
        name = f"{operation}CallRecording"
        return await self.post(f"/api/v2/me/calls/{call_id}", operationName=name)

    async def ask(self, channel: str, **more: object) -> list[Any]:
        """Post one Bayeux message and return all that is answered."""
        message = {"channel": channel, "clientId": self.id, "id": "1", **more}
        async with self.http.post("/api/v2/notifications", json=[message]) as answer:
            answer.raise_for_status()
            answers: list[Any] = await answer.json()
            return answers

    async def shake_hands(self, **more: object) -> Any:
        (welcome,) = await self.ask("/meta/handshake", version="1.0", **more)
        self.id = welcome.get("clientId", "")
        return welcome

    async def subscribe(self, channel: str = CALLS) -> Any:
        return (await self.ask("/meta/subscribe", subscription=channel))[-1]

    async def connect(self, **more: object) -> list[Any]:
        """Wait for messages; the last of the answer is the reply itself."""
        kind = {"connectionType": "long-polling"}
        return await self.ask("/meta/connect", **kind, **more)

    async def begin(self) -> None:
        """Shake hands, subscribe, and have the first connect behind."""
        await self.shake_hands()
        await self.subscribe()
        await self.connect()

    def waiting(self) -> asyncio.Task[list[Any]]:
        """A connect that is under way."""
        return asyncio.create_task(self.connect())


@asynccontextmanager
async def desktop(url: str, agent: Agent | None) -> AsyncIterator[Desktop]:
    """The desktop of an agent; None: of nobody."""
    headers = {}
    if agent:
        basic = aiohttp.encode_basic_auth(agent.username, agent.password)
        headers["Authorization"] = basic
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(url, headers=headers, cookie_jar=jar) as http:
        yield Desktop(http)
