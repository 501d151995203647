"""Stored recordings over HTTP: listings, documents, audio, deletes."""

import hashlib
from typing import Any

import aiohttp
import pytest

from tests.integration.simulators.kazoo.caller import (
    AUDIO,
    BASE,
    RECORDINGS,
    Caller,
    capture,
)
from tracker.simulators.kazoo import KazooOptions, KazooSimulator, Recorded

EXTERNAL = "https://storage.example/in"


async def test_recordings_are_listed_and_shown(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """An account's, a user's, in pages, and each by its id."""
    jdoe = simulator.users[0]
    ids = [simulator.add_recording(Recorded(owner_id=jdoe)).id for _ in range(2)]
    simulator.add_recording(Recorded())
    _, page = await caller.get(RECORDINGS, page_size="2")
    assert page.keys() == capture("page").keys()
    start_key = page["next_start_key"]
    status, rest = await caller.get(RECORDINGS, page_size="2", start_key=start_key)
    assert (status, len(rest["data"]), "next_start_key" in rest) == (200, 1, False)
    _, own = await caller.get(f"{BASE}/users/{jdoe}/recordings", ascending="true")
    assert {item["id"] for item in own["data"]} == set(ids)
    status, one = await caller.get(f"{RECORDINGS}/{ids[0]}")
    assert (status, one["data"]["id"]) == (200, ids[0])


@pytest.mark.parametrize(
    "options", [KazooOptions(is_chunked=True, bucket=None)], ids=["chunked"]
)
async def test_a_listing_may_be_streamed(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """In chunks, with every value after the data in quotes; all of it at once too."""
    for _ in range(120):
        simulator.add_recording(Recorded())
    async with caller.http.get(RECORDINGS) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        page = await answer.json()
    assert page.keys() == capture("page-chunked").keys()
    assert (page["page_size"], len(page["data"])) == ("50", 50)
    _, whole = await caller.get(RECORDINGS, paginate="false")
    assert len(whole["data"]) == 120
    assert "page_size" not in whole
    status, refused = await caller.get(RECORDINGS, page_size="no")
    assert (status, refused["error"]) == (400, "400")


@pytest.mark.parametrize(
    ("accept", "query"),
    [
        ("audio/mpeg", {}),
        ("audio/mp3", {}),
        ("*/*", {"accept": "audio/mpeg"}),
        ("application/json;q=0.5,audio/mpeg", {}),
        ("text/html,audio/mpeg", {}),
    ],
)
async def test_audio_comes_to_whom_asks_for_it(
    simulator: KazooSimulator, caller: Caller, accept: str, query: dict[str, str]
) -> None:
    """By header or by query."""
    document = simulator.add_recording(Recorded(size_bytes=300_000))
    path, headers = f"{RECORDINGS}/{document.id}", {"Accept": accept}
    async with caller.http.get(path, headers=headers, params=query) as answer:
        assert (answer.status, answer.content_type) == (200, "audio/mpeg")
        disposition = answer.headers["Content-Disposition"]
        assert disposition == f"attachment; filename={document.name}"
        assert answer.content_length == len(await answer.read()) == 300_000
        assert "Accept-Ranges" not in answer.headers


@pytest.mark.parametrize(
    ("accept", "query"),
    [
        ("*/*", {}),
        ("application/json", {}),
        ("application/json,audio/mpeg", {}),
        ("audio/ogg", {}),
        ("audio/mpeg;q=0.1,*/*", {}),
        ("audio/mpeg;q=x;y,*/*;q=1", {"accept": "application/json"}),
    ],
)
async def test_everybody_else_gets_the_document(
    simulator: KazooSimulator, caller: Caller, accept: str, query: dict[str, str]
) -> None:
    document = simulator.add_recording(Recorded())
    path, headers = f"{RECORDINGS}/{document.id}", {"Accept": accept}
    async with caller.http.get(path, headers=headers, params=query) as answer:
        assert (await answer.json())["data"]["id"] == document.id


async def test_audio_may_be_shown_inline(
    simulator: KazooSimulator, caller: Caller
) -> None:
    document = simulator.add_recording(Recorded())
    query = {"accept": "audio/mpeg", "inline": "true"}
    async with caller.http.get(f"{RECORDINGS}/{document.id}", params=query) as answer:
        disposition = answer.headers["Content-Disposition"]
        assert disposition == f"inline; filename={document.name}"


async def test_audio_comes_late(simulator: KazooSimulator, caller: Caller) -> None:
    """Until then 404, while the document is there; elsewhere, it never comes."""
    document = simulator.add_recording(Recorded(audio_after_s="never"))
    path = f"{RECORDINGS}/{document.id}"
    status, refused = await caller.ask("GET", path, headers=AUDIO)
    assert (status, refused["data"]["details"]) == (404, document.id)
    assert refused["data"].keys() == capture("no-audio")["data"].keys()
    assert (await caller.get(path))[0] == 200
    simulator.attach_audio(document)
    async with caller.http.get(path, headers=AUDIO) as answer:
        assert answer.status == 200
    elsewhere = simulator.add_recording(Recorded(url=EXTERNAL))
    path = f"{RECORDINGS}/{elsewhere.id}"
    assert (await caller.ask("GET", path, headers=AUDIO))[0] == 404
    assert (await caller.get(path))[1]["data"]["url"] == EXTERNAL


@pytest.mark.parametrize(
    "options", [KazooOptions(has_ranges=True), KazooOptions()], ids=["has", "has not"]
)
async def test_parts_of_audio(
    simulator: KazooSimulator, caller: Caller, options: KazooOptions
) -> None:
    """Only where the server has them; what lies outside is a 416."""
    document = simulator.add_recording(Recorded(size_bytes=1_000))
    path = f"{RECORDINGS}/{document.id}"

    async def part(asked: str) -> tuple[int, str | None, bytes]:
        headers = {**AUDIO, "Range": asked}
        async with caller.http.get(path, headers=headers) as answer:
            told = answer.headers.get("Content-Range")
            return answer.status, told, await answer.read()

    async with caller.http.get(path, headers=AUDIO) as answer:
        whole = await answer.read()
    if not options.has_ranges:
        assert await part("bytes=10-19") == (200, None, whole)
        return
    assert await part("bytes=10-19") == (206, "bytes 10-19/1000", whole[10:20])
    assert await part("bytes=990-") == (206, "bytes 990-999/1000", whole[990:])
    assert await part("bytes=-5") == (206, "bytes 995-999/1000", whole[-5:])
    assert await part("bytes=1000-") == (416, "bytes */1000", b"")
    assert await part("bytes=2000-3000") == (416, "bytes */1000", b"")
    assert await part("lines=1") == (200, None, whole)


async def test_large_audio_is_streamed(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """The same each time, and as much of it as somebody reads."""
    document = simulator.add_recording(Recorded(size_bytes=1 << 30))
    path = f"{RECORDINGS}/{document.id}"
    digests = set()
    for _ in range(2):
        async with caller.http.get(path, headers=AUDIO) as answer:
            assert answer.content_length == 1 << 30
            start = await answer.content.readexactly(1 << 20)
            digests.add(hashlib.sha256(start).digest())
            answer.close()
    assert len(digests) == 1


async def test_a_recording_is_deleted(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """Once; then it is as unknown as any other."""
    document = simulator.add_recording(Recorded())
    path = f"{RECORDINGS}/{document.id}"
    status, body = await caller.ask("DELETE", path)
    assert (status, body["status"]) == (200, "success")
    for method in ("GET", "DELETE"):
        status, refused = await caller.ask(method, path)
        assert (status, refused["data"]["cause"]) == (404, document.id)
    assert simulator.recordings == {}


async def test_ids_are_refused_in_two_ways(caller: Caller) -> None:
    for recording_id, name in (
        ("NOT-AN-ID", "no-identifier"),
        ("202403-abc", "bad-identifier"),
    ):
        status, body = await caller.get(f"{RECORDINGS}/{recording_id}")
        shown = capture(name)
        assert (status, {key: body[key] for key in shown}) == (404, shown)


async def test_the_newer_release_adds_metadata(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """The older one has no such method."""
    document = simulator.add_recording(Recorded())
    body = {"data": {"user_metadata": {"ticket": 7}}}
    path = f"{RECORDINGS}/{document.id}"
    assert (await caller.ask("PATCH", path, json=body))[0] == 405
    newer = KazooSimulator(KazooOptions(release=5))
    document = newer.add_recording(Recorded())
    async with (
        newer.serve() as urls,
        aiohttp.ClientSession(urls.base_url) as http,
    ):
        other = Caller(http, urls)
        await other.log_in()
        path = f"{RECORDINGS}/{document.id}"
        status, answer = await other.ask("PATCH", path, json=body)
        assert (status, answer["data"]["user_metadata"]) == (200, {"ticket": 7})


@pytest.mark.parametrize("options", [KazooOptions(bucket=None)], ids=["free"])
async def test_100000_recordings_are_cheap(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """To hold and to page: one page costs no more than the others."""
    for _ in range(100_000):
        simulator.add_recording(Recorded())
    query: dict[str, Any] = {"page_size": "1000"}
    seen: set[str] = set()
    for _ in range(5):
        status, page = await caller.get(RECORDINGS, **query)
        assert status == 200
        seen |= {item["id"] for item in page["data"]}
        query["start_key"] = page["next_start_key"]
    assert len(seen) == 5_000
