"""Exports over HTTP: asked for, followed, fetched."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from tests.integration.http.conftest import Get
from tests.integration.http.site import JWT, Site, serving
from tests.unit.outlets.shelf import Shelf, content
from tracker.domain.reading import Exported
from tracker.errors import ProviderUnavailableError


@pytest.fixture
def shelves() -> list[Shelf]:
    return [Shelf("a"), Shelf("b"), Shelf("c", exports=False)]


@pytest.fixture
async def site(shelves: list[Shelf]) -> AsyncIterator[Site]:
    async with serving(archives=shelves) as served:
        yield served


async def post(session: ClientSession, site: Site, **body: Any) -> tuple[int, Any]:
    async with session.post(f"{site.url}/v1/exports", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_an_export_is_asked_of_every_account(
    site: Site, shelves: list[Shelf], session: ClientSession, get: Get
) -> None:
    """Of those that can; each is followed and listed by its own key."""
    wanted = {"from": "2026-01-01T00:00:00Z", "min_duration_s": 2, "dnis": "1"}
    status, page = await post(session, site, **wanted)
    assert status == 202
    assert [item["key"] for item in page["items"]] == ["kazoo/a/e0", "kazoo/b/e0"]
    assert [item["filters"]["dnis"] for item in page["items"]] == ["1", "1"]
    asked = [one for one in site.told if isinstance(one, Exported) and one.asked]
    assert [one.export.key for one in asked] == ["kazoo/a/e0", "kazoo/b/e0"]
    ((_, query),) = shelves[0].asked
    assert (query.min_duration_ms, query.dnis) == (2000, "1")
    assert (await get(site, "/v1/exports/kazoo/a/e0"))[1]["state"] == "running"
    assert (await get(site, "/v1/exports/kazoo/a/e0"))[1]["state"] == "completed"
    _, page = await get(site, "/v1/exports?limit=1")
    _, rest = await get(site, page["next"])
    assert [i["key"] for i in (*page["items"], *rest["items"])] == [
        "kazoo/a/e0",
        "kazoo/b/e0",
    ]
    assert rest["next"] is None


async def test_what_cannot_be_exported_is_told(
    site: Site, shelves: list[Shelf], session: ClientSession
) -> None:
    """An account that fails hides no other; it may have begun all the same."""
    assert (await post(session, site, account="c"))[0] == 409
    assert (await post(session, site, account="none"))[0] == 404
    assert (await post(session, site, order="up"))[0] == 400
    shelves[0].failure = ProviderUnavailableError("busy")
    status, page = await post(session, site)
    assert (status, len(page["items"])) == (202, 1)
    assert page["problems"][0]["account"] == "kazoo/a"
    assert "may have been done" in page["problems"][0]["detail"]
    status, problem = await post(session, site, account="a")
    assert (status, problem["detail"][:5]) == (502, "busy;")


async def test_a_file_is_fetched_and_written_down(
    site: Site, shelves: list[Shelf], session: ClientSession, get: Get
) -> None:
    """When it is ready."""
    await post(session, site, account="a")
    url = f"{site.url}/v1/exports/kazoo/a/e0/download"
    with capture_logs() as logs:
        async with session.get(url) as answer:
            assert answer.status == 409
        await get(site, "/v1/exports/kazoo/a/e0")
        async with session.get(f"{url}?job=j1") as answer:
            assert (answer.status, answer.content_type) == (200, "application/zip")
            assert await answer.read() == content(0, 1000)
            assert 'filename="e0.zip"' in answer.headers["Content-Disposition"]
        async with session.get(f"{url}?job=j2") as answer:
            assert answer.status == 404
    lines = [log for log in logs if log["event"] == "audit"]
    assert {log["what"] for log in lines} == {"export download"}
    assert [log["outcome"] for log in lines] == [
        "it is not ready",
        "1000 bytes",
        "the platform has no such thing",
    ]


async def test_who_sees_parts_of_accounts_exports_nothing(
    shelves: list[Shelf], session: ClientSession, get: Get
) -> None:
    """An export would hold what is hidden from them."""
    async with serving(JWT, archives=shelves) as site:
        url = f"{site.url}/v1/exports"
        whole = site.token("recordings:read")
        one = site.token("recordings:read", accounts=["kazoo/b"])
        for token in (whole, one):
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post(url, json={}, headers=headers) as answer:
                assert answer.status == 202
        assert [what for what, _ in shelves[0].asked] == ["export"]
        part = site.token("recordings:read", teams=["sales"])
        headers = {"Authorization": f"Bearer {part}"}
        async with session.post(url, json={}, headers=headers) as answer:
            assert answer.status == 403
        assert (await get(site, "/v1/exports", part))[1]["items"] == []
        assert (await get(site, "/v1/exports/kazoo/a/e0", part))[0] == 404
        assert (await get(site, "/v1/exports/kazoo/a/e0", whole))[0] == 200
