"""A plain HTTP client of a simulated contact centre."""

import json
from pathlib import Path
from typing import Any

import aiohttp

CAPTURES = Path(__file__).parents[3] / "captures" / "vonage_cc"
GUID = "94e5928c-7f7e-4645-ad72-61010f906449"
TOKEN = "/Auth/connect/token"  # noqa: S105 a path
V0 = "/v0/a1b2c3d4e5"
CALL = f"{V0}/calls/{GUID}"
AGENTS = f"{V0}/agents/?availability=readyForPhoneCall&fields=count"
CALL_DETAIL = {"Accept": "application/json;version=3"}
FORM = {
    "grant_type": "client_credentials",
    "client_id": "tracker",
    "client_secret": "opensesame",
}


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


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
