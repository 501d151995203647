"""Stored recordings over HTTP: merged, hidden, passed on byte by byte, deleted."""

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from tests.integration.http.conftest import Get
from tests.integration.http.site import JWT, Site, call, serving
from tests.unit.outlets.shelf import Shelf
from tracker.domain.reading import Media, Saved
from tracker.errors import (
    CommandRefusedError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.outlets.seal import Seal


@pytest.fixture
def shelves() -> list[Shelf]:
    return [Shelf("a"), Shelf("b"), Shelf("c", "vonage_business")]


@pytest.fixture
async def site(shelves: list[Shelf]) -> AsyncIterator[Site]:
    """With nothing stored in three accounts."""
    async with serving(archives=shelves) as served:
        yield served


@pytest.fixture
async def guarded(shelves: list[Shelf]) -> AsyncIterator[Site]:
    """Likewise, with access tokens."""
    async with serving(JWT, archives=shelves) as served:
        yield served


async def pages(get: Get, site: Site, path: str) -> AsyncIterator[dict[str, Any]]:
    following: str | None = path
    while following:
        status, page = await get(site, following)
        assert status == 200, page
        yield page
        following = page["next"]


def numbers(page: dict[str, Any]) -> list[int]:
    return [int(item["key"].rpartition("/r")[2]) for item in page["items"]]


@pytest.mark.parametrize("order", ["start:asc", "start:desc"])
async def test_pages_are_merged_over_all_accounts(
    site: Site, shelves: list[Shelf], get: Get, order: str
) -> None:
    """In the order asked for, none missed and none twice, whatever page they are on."""
    for number in range(100):
        shelves[number * number % 3].put(number)
    path = f"/v1/recordings?order={order}&limit=7"
    found = [
        number async for page in pages(get, site, path) for number in numbers(page)
    ]
    assert found == sorted(range(100), reverse=order == "start:desc")


async def test_what_comes_and_goes_disturbs_no_listing(
    site: Site, shelves: list[Shelf], get: Get
) -> None:
    """Newer ones arrive and others are deleted between pages: the rest comes once."""
    for number in range(60):
        shelves[number % 3].put(number)
    found: list[int] = []
    newest = 1000
    async for page in pages(get, site, "/v1/recordings?limit=4"):
        found += numbers(page)
        for shelf in shelves:
            shelf.put(newest := newest + 1)
        last = found[-1]
        shelves[last % 3].held.pop(f"{shelves[last % 3].key}/r{last}")
    assert found == sorted(range(60), reverse=True)


async def test_what_began_at_once_is_listed_once(
    site: Site, shelves: list[Shelf], get: Get
) -> None:
    """The start alone does not tell where a page ended."""
    for shelf in shelves:
        first = shelf.held[shelf.put(0)].started_at
        for number in range(1, 9):
            shelf.put(number, started_at=first)
    found = [
        item["key"]
        async for page in pages(get, site, "/v1/recordings?limit=2")
        for item in page["items"]
    ]
    assert len(found) == len(set(found)) == 27


async def test_an_account_that_fails_hides_no_other(
    site: Site, shelves: list[Shelf], get: Get
) -> None:
    """It is named, with the reason; alone, it is the answer."""
    for shelf in shelves:
        shelf.put(1)
    leak = "https://jdoe:pw@h/?token=abc said Bearer xyz"
    shelves[1].failure = ProviderLockedError(f"401 from {leak}")
    status, page = await get(site, "/v1/recordings")
    assert (status, len(page["items"]), page["next"]) == (200, 2, None)
    (problem,) = page["problems"]
    assert problem["account"] == "kazoo/b"
    assert problem["detail"].startswith("the platform refuses tracker's credentials: ")
    status, page = await get(site, "/v1/recordings?provider=kazoo&account=b")
    assert status == 502
    assert not any(word in json.dumps(page) for word in ("pw", "abc", "xyz", "jdoe"))


async def test_an_account_that_comes_back_is_gone_on_with(
    site: Site, shelves: list[Shelf], get: Get
) -> None:
    """Nothing of it is missed by a listing during which it failed."""
    for number in range(12):
        shelves[number % 3].put(number)
    shelves[0].failure = ProviderUnavailableError("busy")
    status, page = await get(site, "/v1/recordings?limit=2")
    assert (status, numbers(page)) == (200, [11, 10])
    shelves[0].failure = None
    rest = [n async for p in pages(get, site, page["next"]) for n in numbers(p)]
    assert sorted(rest) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


async def test_filters_reach_the_platform(
    site: Site, shelves: list[Shelf], get: Get
) -> None:
    """In its words; what is wrong is told by name."""
    path = (
        "/v1/recordings?account=kazoo/a&kind=kazoo&call=c1&agent=15&direction=inbound"
        "&caller_id=1&cnam=n&dnis=2&from=2026-01-01T00:00:00%2B01:00"
        "&to=2026-01-02T00:00:00Z&min_duration_s=1.5&max_duration_s=60"
    )
    assert (await get(site, path))[0] == 200
    ((_, query),) = shelves[0].asked
    assert not shelves[1].asked
    assert (query.call, query.agent, query.direction) == ("c1", "15", "inbound")
    assert (query.caller_id, query.cnam, query.dnis) == ("1", "n", "2")
    assert query.from_at.isoformat() == "2025-12-31T23:00:00+00:00"
    assert (query.min_duration_ms, query.max_duration_ms) == (1500, 60000)
    for wrong, says in (("from=1700000000", "from: "), ("form=x", "dnis, from, to, ")):
        status, problem = await get(site, f"/v1/recordings?{wrong}")
        assert status == 400
        assert says in problem["detail"]


async def test_a_cursor_is_of_one_listing(
    site: Site, shelves: list[Shelf], get: Get
) -> None:
    """With other filters, or forged, it is none: 410."""
    for number in range(3):
        shelves[0].put(number)
    _, page = await get(site, "/v1/recordings?limit=1")
    after = page["next"].partition("after=")[2]
    for path in (f"?kind=kazoo&after={after}", f"?after={after[:9]}eyJ9"):
        assert (await get(site, f"/v1/recordings{path}"))[0] == 410
    status, problem = await get(site, "/v1/recordings?after=zzz")
    assert (status, problem["detail"]) == (
        400,
        "after: no place of a page: take it from a page's `next`",
    )


async def test_an_account_that_is_hidden_is_like_one_that_is_not_there(
    shelves: list[Shelf], get: Get
) -> None:
    """To a list of recordings and of exports; who names none is told of none."""
    async with serving(JWT, archives=shelves) as site:
        one = site.token("recordings:read", accounts=["kazoo/b"])
        none = site.token("recordings:read", accounts=["kazoo/nope"])
        for path in ("/v1/recordings", "/v1/exports"):
            assert (await get(site, f"{path}?account=kazoo/b", one))[0] == 200
            hidden = await get(site, f"{path}?account=kazoo/a", one)
            assert hidden == await get(site, f"{path}?account=kazoo/nope", one)
            assert hidden == await get(site, f"{path}?provider=nope", one)
            assert hidden[0] == 404
            assert hidden[1]["detail"] == "no such account has stored recordings"
            assert (await get(site, path, none))[0] == 200


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (ProviderLockedError("no"), 502, None),
        (ProviderUnavailableError("busy", 6.6), 502, "7"),
        (CommandRefusedError("it is kept by law"), 409, None),
    ],
)
async def test_what_a_platform_says_is_told(
    site: Site,
    shelves: list[Shelf],
    session: ClientSession,
    error: ProviderError,
    status: int,
    retry: str | None,
) -> None:
    """Each no has its status, its reason and when to come again."""
    shelves[0].failure = error
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/audio")):
        url = f"{site.url}/v1/recordings/kazoo/a/r1{path}"
        async with session.request(method, url) as answer:
            assert answer.status == status
            assert answer.headers.get("Retry-After") == retry
            assert str(error) in (await answer.json(content_type=None))["detail"]


async def test_a_delete_is_told_and_written_down(
    guarded: Site, shelves: list[Shelf], session: ClientSession
) -> None:
    """What became of it; who deleted it, and what came of the attempts that failed."""
    key = shelves[0].put(1, call_key="kazoo/a/c1")
    url = f"{guarded.url}/v1/recordings/{key}"

    async def delete(scope: str, **limits: list[str]) -> tuple[int, Any]:
        token = guarded.token(scope, **limits)
        headers = {"Authorization": f"Bearer {token}"}
        async with session.delete(url, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    with capture_logs() as logs:
        assert (await delete("recordings:read"))[0] == 403
        assert (await delete("recordings:delete", accounts=["kazoo/b"]))[0] == 404
        assert key in shelves[0].held
        told = {"document": "deleted", "audio": "kept"}
        assert await delete("recordings:delete") == (200, told)
        assert (await delete("recordings:delete"))[0] == 404
    saved, link = guarded.told
    assert isinstance(saved, Saved)
    assert (saved.media.key, saved.gone) == (key, True)
    assert link == Media(call="kazoo/a/c1", media=key, gone=True)
    lines = [log for log in logs if log["event"] == "audit"]
    denied = "DELETE /v1/recordings/{provider}/{account}/{recording_id}"
    assert [(log["who"], log["what"], log["key"]) for log in lines] == [
        ("jdoe", what, key) for what in (denied, "delete", "delete", "delete")
    ]
    assert [log["outcome"] for log in lines] == [
        "the token lacks the scope recordings:delete",
        "no such account",
        "document deleted, audio kept",
        "the platform has no such thing",
    ]


@pytest.mark.parametrize(
    ("limits", "seen"),
    [
        ({}, {"r1", "r2", "r3", "o1"}),
        ({"providers": ["kazoo"]}, {"r1", "r2", "r3", "o1"}),
        ({"providers": ["kazoo"], "agents": ["jdoe"]}, set()),
        ({"providers": ["genesys"]}, set()),
        ({"accounts": ["kazoo/b"]}, {"o1"}),
        ({"accounts": []}, set()),
        ({"agents": ["jdoe"]}, {"r1"}),
        ({"teams": ["sales"]}, {"r1", "r2"}),
        ({"agents": ["nobody"]}, set()),
    ],
)
async def test_who_sees_what(
    guarded: Site,
    shelves: list[Shelf],
    get: Get,
    limits: dict[str, list[str]],
    seen: set[str],
) -> None:
    """An account's, or of the calls that are theirs; the rest is absent everywhere."""
    guarded.show(call("c1", agents=["jdoe"]))
    guarded.show(call("c2", agents=["asmith"]))
    shelves[0].put(1, call_key="genesys/acme/c1")
    shelves[0].put(2, call_key="genesys/acme/c2")
    shelves[0].put(3, call_key="genesys/acme/unknown")
    shelves[1].put(1)
    token = guarded.token("recordings:read recordings:delete", **limits)
    _, page = await get(guarded, "/v1/recordings", token)
    keys = {
        "r1": "kazoo/a/r1",
        "r2": "kazoo/a/r2",
        "r3": "kazoo/a/r3",
        "o1": "kazoo/b/r1",
    }
    assert {item["key"] for item in page["items"]} == {keys[name] for name in seen}
    for name, key in keys.items():
        for path in ("", "/audio"):
            url = f"{guarded.url}/v1/recordings/{key}{path}"
            headers = {"Authorization": f"Bearer {token}"}
            async with ClientSession() as one, one.get(url, headers=headers) as answer:
                assert answer.status == (200 if name in seen else 404)


async def test_what_is_hidden_is_passed_over_in_parts(
    guarded: Site, shelves: list[Shelf], get: Get
) -> None:
    """A page may be empty and have a next one; the last is reached, none is missed."""
    guarded.show(call("c1", agents=["jdoe"]))
    for number in range(50):
        mine = {"call_key": "genesys/acme/c1"} if number in (0, 49) else {}
        shelves[0].put(number, **mine)
    token = guarded.token("recordings:read", agents=["jdoe"])
    found: list[list[int]] = []
    following = "/v1/recordings?limit=1"
    while following:
        _, page = await get(guarded, following, token)
        found.append(numbers(page))
        following = page["next"]
    assert found[0] == [49]
    assert found[1] == []
    assert [n for part in found for n in part] == [49, 0]
    assert len(shelves[0].asked) < 60


async def test_a_forged_place_is_no_fault_of_ours(
    site: Site, shelves: list[Shelf], get: Get
) -> None:
    """What a cursor holds for a platform, the platform's archive judges: 410."""
    shelves[0].put(1)
    shelves[0].put(2)
    _, page = await get(site, "/v1/recordings?limit=1")
    name = page["next"].partition("after=")[2].partition(".")[0]
    inner = {"accounts": {"kazoo/a": {"after": "http://elsewhere"}}}
    for forged in (
        urlsafe_b64encode(json.dumps(inner).encode()).decode(),
        Seal().close(json.dumps(inner)),
        site.services.seal.close(json.dumps(inner)),
        site.services.seal.close("nonsense"),
    ):
        path = f"/v1/recordings?limit=1&after={name}.{forged.rstrip('=')}"
        assert (await get(site, path))[0] == 410
