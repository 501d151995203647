"""Audio passed on as it comes: whole, in part, never a part for the whole."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from tests.integration.http.site import Site, serving
from tests.unit.outlets.shelf import CHUNK_BYTES, Shelf, content
from tracker.outlets.http import download

AUDIO = "/v1/recordings/kazoo/a/r1/audio"
BIG = 100 * 1024 * 1024


@pytest.fixture
def shelves() -> list[Shelf]:
    return [Shelf("a")]


@pytest.fixture
async def site(shelves: list[Shelf]) -> AsyncIterator[Site]:
    async with serving(archives=shelves) as served:
        yield served


async def test_audio_is_passed_on_whole_or_in_part(
    site: Site, shelves: list[Shelf], session: ClientSession
) -> None:
    """One range is kept to; what is no single range gets the whole file."""
    shelves[0].put(1)
    shelves[0].file_name = '../a b"\r\n.mp3'
    for given, status, begin, end in (
        (None, 200, 0, 1000),
        ("bytes=0-99", 206, 0, 100),
        ("bytes=900-", 206, 900, 1000),
        ("bytes=900-5000", 206, 900, 1000),
        ("bytes=-5", 200, 0, 1000),
        ("bytes=0-1,5-6", 200, 0, 1000),
        ("bytes=9-1", 200, 0, 1000),
    ):
        headers = {"Range": given} if given else {}
        async with session.get(site.url + AUDIO, headers=headers) as answer:
            assert answer.status == status
            assert await answer.read() == content(begin, end)
            assert answer.content_length == end - begin
            assert answer.content_type == "audio/mpeg"
            name = answer.headers["Content-Disposition"]
            assert name == 'attachment; filename="a_b_.mp3"'
            told = f"bytes {begin}-{end - 1}/1000" if status == 206 else None
            assert answer.headers.get("Content-Range") == told
    async with session.get(
        site.url + AUDIO, headers={"Range": "bytes=1000-"}
    ) as answer:
        assert answer.status == 416
        assert answer.headers["Content-Range"] == "bytes */1000"
    conditional = {"Range": "bytes=0-9", "If-Range": '"x"'}
    async with session.get(site.url + AUDIO, headers=conditional) as answer:
        assert answer.status == 200


async def test_a_head_takes_no_byte(
    site: Site, shelves: list[Shelf], session: ClientSession
) -> None:
    """It tells what a GET would, and closes the platform's file."""
    shelves[0].put(1)
    for tells, length in ((True, "1000"), (False, None)):
        shelves[0].tells_size = tells
        part = {"Range": "bytes=0-9"}  # only a GET has parts
        async with session.head(site.url + AUDIO, headers=part) as answer:
            assert answer.status == 200
            assert answer.headers.get("Content-Length") == length
            assert answer.content_type == "audio/mpeg"
        await shelves[0].closed.wait()
    assert shelves[0].served == 0
    async with session.head(f"{site.url}/v1/recordings/kazoo/a/r9/audio") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("tells_size", [True, False])
async def test_a_part_is_never_taken_for_the_whole(
    site: Site, shelves: list[Shelf], session: ClientSession, tells_size: bool
) -> None:
    """What breaks off upstream is cut off here; before its first byte, it is a 502."""
    shelves[0].put(1)
    shelves[0].tells_size = tells_size
    shelves[0].audio_bytes, shelves[0].cut_after = 300_000, CHUNK_BYTES
    with capture_logs() as logs, pytest.raises(aiohttp.ClientError):
        async with session.get(site.url + AUDIO) as answer:
            await answer.read()
    (line,) = [log for log in logs if log["event"] == "audit"]
    assert line["outcome"] == "broken off after 65536 bytes: it broke off"
    shelves[0].cut_after = 0
    async with session.get(site.url + AUDIO) as answer:
        assert answer.status == 502


async def test_what_is_shorter_than_told_is_cut_off(
    site: Site, shelves: list[Shelf], session: ClientSession
) -> None:
    """Also when the platform takes it for the whole."""
    shelves[0].put(1)
    shelves[0].short_by = 1
    with pytest.raises(aiohttp.ClientError):
        async with session.get(site.url + AUDIO) as answer:
            await answer.read()


async def test_who_does_not_read_is_not_sent_to(
    site: Site, shelves: list[Shelf]
) -> None:
    """The platform's file waits while its reader does, and is closed with it."""
    shelves[0].put(1)
    shelves[0].audio_bytes = BIG
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(site.url.rpartition(":")[2]), limit=1024
    )
    writer.write(f"GET {AUDIO} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    first = -1
    while first < shelves[0].served:  # until nothing moves any more
        first = shelves[0].served
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await shelves[0].closed.wait()
    assert 0 < shelves[0].served < BIG // 4
    writer.transport.abort()
    async with asyncio.timeout(10):
        await shelves[0].closed.wait()
    assert shelves[0].served < BIG // 4


async def test_who_never_reads_is_cut_off(
    site: Site, shelves: list[Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stalled client does not hold the platform's file for ever."""
    monkeypatch.setattr(download, "STALLED_S", 0.2)
    shelves[0].put(1)
    shelves[0].audio_bytes = BIG
    port = int(site.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(f"GET {AUDIO} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    async with asyncio.timeout(10):
        await shelves[0].closed.wait()
    assert shelves[0].served < BIG // 4
    writer.transport.abort()


async def test_a_large_file_comes_whole(
    site: Site, shelves: list[Shelf], session: ClientSession
) -> None:
    """100 MB, each byte in its place."""
    shelves[0].put(1)
    shelves[0].audio_bytes = BIG
    at = 0
    async with session.get(site.url + AUDIO) as answer:
        async for chunk in answer.content.iter_chunked(1 << 20):
            assert chunk == content(at, at + len(chunk))
            at += len(chunk)
    assert at == BIG
