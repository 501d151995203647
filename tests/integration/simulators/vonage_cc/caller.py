"""A plain HTTP client of a simulated contact centre."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tracker.simulators.vonage_cc import VonageCcSimulator

CAPTURES = Path(__file__).parents[3] / "captures" / "vonage_cc"
GUID = "94e5928c-7f7e-4645-ad72-61010f906449"
TOKEN = "/Auth/connect/token"  # noqa: S105 a path
V0 = "/v0/a1b2c3d4e5"
CALL = f"{V0}/calls/{GUID}"
AGENTS = f"{V0}/agents/?availability=readyForPhoneCall&fields=count"
CALL_DETAIL = {"Accept": "application/json;version=3"}
GRANT = {"grant_type": "client_credentials"}
FORM = GRANT | {"client_id": "tracker", "client_secret": "opensesame"}


def capture(name: str, url: str = "") -> Any:
    """A published body; *url* stands where its links have the vendor's host."""
    text = (CAPTURES / f"{name}.json").read_text()
    return json.loads(re.sub(r"https://[^/]+", url, text))


class Clock:
    """Stands still but when it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Caller:
    """Asks with a token, in any way; `http` is the session.

    Attributes:
        url: The simulator's.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def log_in(self) -> None:
        async with self.http.post(TOKEN, data=FORM) as answer:
            token = (await answer.json())["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str = CALL) -> tuple[int, Any]:
        async with self.http.get(path, headers=CALL_DETAIL) as answer:
            return answer.status, json.loads(await answer.read() or "null")

    async def post(self, body: object, path: str = CALL) -> tuple[int, Any]:
        async with self.http.post(path, json=body) as answer:
            return answer.status, json.loads(await answer.read() or "null")

    async def recording(self) -> Any:
        return (await self.get())[1]["recordingStatus"]


@asynccontextmanager
async def calling(simulator: VonageCcSimulator) -> AsyncIterator[Caller]:
    """Serve, and log in."""
    async with simulator.serve() as url, aiohttp.ClientSession(url) as http:
        caller = Caller(http, url)
        await caller.log_in()
        yield caller
