"""A plain HTTP client of a simulated account."""

import json
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

CAPTURES = Path(__file__).parents[3] / "captures" / "vonage_business"
TOKEN = "/token"  # noqa: S105 a path
API = "/t/vbc.prod/call_recording/api"
V1_API = "/t/vbc.prod/call_recording/v1/api"
COMPANY = f"{API}/accounts/549825/company_call_recordings"
ON_DEMAND = f"{API}/accounts/549825/users/745249/call_recordings"
CLIENT = {"client_id": "tracker", "client_secret": "opensesame"}
PASSWORD = {
    **CLIENT,
    "grant_type": "password",
    "scope": "openid",
    "username": "jdoe@vbc.prod",
    "password": "opensesame",
}


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


def refresh(token: str) -> dict[str, str]:
    return {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}


class Caller:
    """Asks with a token, in any way; `http` is the session.

    Attributes:
        url: The simulator's.
        refresh_token: The one that came with the token.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url
        self.refresh_token = ""

    async def log_in(self, form: dict[str, str] | None = None) -> None:
        async with self.http.post(TOKEN, data=form or PASSWORD) as answer:
            tokens = await answer.json()
        self.refresh_token = tokens["refresh_token"]
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    async def ask(self, method: str, path: str, **asked: Any) -> tuple[int, Any]:
        """Status and JSON; None: no body."""
        async with self.http.request(method, path, **asked) as answer:
            return answer.status, json.loads(await answer.read() or "null")

    async def get(self, path: str = COMPANY, **query: str) -> tuple[int, Any]:
        return await self.ask("GET", path, params=query)

    async def ids(self, path: str = COMPANY, **query: str) -> list[int]:
        _, page = await self.get(path, **query)
        return [shown["id"] for shown in page["_embedded"]["recordings"]]

    async def file(self, url: str, part: str | None = None) -> tuple[int, Any, bytes]:
        """Status, headers and bytes; the URL may be absolute."""
        headers = {"Range": part} if part else {}
        path = URL(url).relative() if URL(url).absolute else url
        async with self.http.get(path, headers=headers) as answer:
            return answer.status, answer.headers, await answer.read()
