"""A site, and one HTTP session to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from tests.integration.http.site import JWT, Site, serving

Get = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Without authentication."""
    async with serving() as served:
        yield served


@pytest.fixture
async def guarded() -> AsyncIterator[Site]:
    """With access tokens."""
    async with serving(JWT) as served:
        yield served


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """A client."""
    async with ClientSession() as opened:
        yield opened


@pytest.fixture
def get(session: ClientSession) -> Get:
    """GET a path of a site: the status and the JSON."""

    async def ask(site: Site, path: str, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = URL(site.url + path, encoded=True)
        async with session.get(url, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    return ask
