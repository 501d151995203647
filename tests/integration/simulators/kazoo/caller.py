"""Plain clients of a simulated Kazoo server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from tracker.simulators.kazoo import KazooOptions, Urls

CAPTURES = Path(__file__).parents[3] / "captures" / "kazoo"
ACCOUNT = KazooOptions().account
BASE = f"/v2/accounts/{ACCOUNT}"
RECORDINGS = f"{BASE}/recordings"
CHANNELS = f"{BASE}/channels"
LOGIN = {"data": {"api_key": KazooOptions().api_key}}
AUDIO = {"Accept": "audio/mpeg"}


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


class Caller:
    """Asks with a token; `http` is the session.

    Attributes:
        urls: The simulator's.
        token: The newest.
    """

    def __init__(self, http: aiohttp.ClientSession, urls: Urls) -> None:
        self.http = http
        self.urls = urls
        self.token = ""

    async def log_in(self) -> None:
        _, body = await self.put("/v2/api_auth", LOGIN)
        self.token = body["auth_token"]
        self.http.headers["X-Auth-Token"] = self.token

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        return await self.ask("GET", path, params=query)

    async def put(self, path: str, body: object) -> tuple[int, Any]:
        return await self.ask("PUT", path, json=body)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.http.request(method, path, **more) as answer:
            return answer.status, json.loads(await answer.read() or "null")

    async def control(self, channel_id: str, **parameters: Any) -> tuple[int, Any]:
        data = {"module": "record_call", "data": parameters}
        body = {"action": "metaflow", "data": data}
        return await self.put(f"{CHANNELS}/{channel_id}", body)


class Listener:
    """An open socket."""

    def __init__(self, socket: ClientConnection, token: str) -> None:
        self.socket = socket
        self._token = token
        self._numbers = count(1)

    async def ask(self, action: str, binding: str | None = None) -> Any:
        """The data of the reply, or its errors."""
        await self.say(action, binding)
        reply = await self.receive()
        return reply["data"]

    async def say(self, action: str, binding: str | None = None) -> None:
        frame = {
            "action": action,
            "auth_token": self._token,
            "request_id": f"R{next(self._numbers)}",
            "data": {"account_id": ACCOUNT, "binding": binding},
        }
        await self.socket.send(json.dumps(frame))

    async def receive(self) -> Any:
        return json.loads(await self.socket.recv())


@asynccontextmanager
async def listener(urls: Urls, token: str) -> AsyncIterator[Listener]:
    async with connect(urls.websocket_url, ping_interval=None) as socket:
        yield Listener(socket, token)
