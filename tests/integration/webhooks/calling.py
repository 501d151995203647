"""Those who manage endpoints over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession

from tests.integration.http.kept_site import KeptSite

PATH = "/v1/webhooks"
MANAGE = "webhooks:manage calls:read"
Said = tuple[int, Any]


class Caller:
    """Somebody with a token.

    Attributes:
        http: Theirs.
    """

    def __init__(self, http: ClientSession, token: str) -> None:
        self.http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: object = None) -> Said:
        async with self.http.request(
            method, path, json=body, headers=self._headers
        ) as answer:
            said = await answer.json(content_type=None)
            return answer.status, said

    async def add(self, url: str, **rest: object) -> Any:
        status, said = await self.ask("POST", PATH, {"url": url, **rest})
        assert status == 201, said
        return said

    async def deliveries(self, id_: str, query: str = "") -> list[Any]:
        """All of them, over as many pages as there are."""
        path, found = f"{PATH}/{id_}/deliveries{query}", []
        while path:
            status, said = await self.ask("GET", path)
            assert status == 200, said
            found += said["items"]
            path = said["next"]
        return found


@asynccontextmanager
async def calling(
    site: KeptSite, scope: str = MANAGE, sub: str = "jdoe", **limits: Any
) -> AsyncIterator[Caller]:
    async with ClientSession(site.url) as http:
        yield Caller(http, site.token(scope, sub, **limits))
