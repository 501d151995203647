"""Stored recordings through tracker, beside a client that asks the platform itself.

The simulated Vonage Business, tracker and the client have a process each. Listing: all
recordings over all pages. Streaming: the audio of one large recording, read and thrown
away; tracker's memory must not follow the file's size. Once as over a gigabit line, and
once as fast as it goes: then three processes share what one connection had to itself.
"""

import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from yarl import URL

from tests.bench._site import CpuMeter, rss_bytes
from tests.bench.figures import show, title
from tests.integration.system import TrackerProcess, tracker_process, write_config
from tracker.simulators.vonage_business import VonageBusinessOptions

RECORDINGS = 20_000
PAGE = 1000
FILE_BYTES = 1 << 30
LINE_BYTES_PER_S = 1e9 / 8
API = "/t/vbc.prod/call_recording/api"

OPTIONS = VonageBusinessOptions()
LOGIN = {
    "grant_type": "password",
    "scope": "openid",
    "username": f"{OPTIONS.username}@vbc.prod",
    "password": OPTIONS.password,
    "client_id": OPTIONS.client_id,
    "client_secret": OPTIONS.client_secret,
}


@asynccontextmanager
async def platform(*options: str) -> AsyncIterator[tuple[str, int]]:
    """The simulator's address and its process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tracker.simulators.vonage_business"),
        *options,
        stdout=PIPE,
    )
    assert process.stdout
    try:
        yield json.loads(await process.stdout.readline())["url"], process.pid
    finally:
        process.kill()
        await process.wait()


async def list_directly(http: aiohttp.ClientSession) -> int:
    """Page by page, as a program would that trusts them."""
    path = f"{API}/accounts/{OPTIONS.account}/company_call_recordings"
    found, page, pages = 0, 1, 1
    while page <= pages:
        query = {"page": str(page), "page_size": str(PAGE)}
        async with http.get(path, params=query) as answer:
            body: dict[str, Any] = await answer.json()
        found += len(body["_embedded"]["recordings"])
        page, pages = page + 1, body["total_pages"]
    return found


async def list_through(http: aiohttp.ClientSession) -> int:
    """Page by page."""
    found, path = 0, f"/v1/recordings?kind=company&limit={PAGE}"
    while path:
        async with http.get(path) as answer:
            body: dict[str, Any] = await answer.json()
        found += len(body["items"])
        path = body["next"] or ""
    return found


async def read(http: aiohttp.ClientSession, path: str | URL) -> float:
    """Bytes a second, of all that comes."""
    begin_s, count = time.perf_counter(), 0
    async with http.get(path) as answer:
        answer.raise_for_status()
        async for chunk in answer.content.iter_any():
            count += len(chunk)
    assert count == FILE_BYTES, count
    return count / (time.perf_counter() - begin_s)


async def timed(listing: Awaitable[int]) -> float:
    """Recordings a second."""
    begin_s = time.perf_counter()
    found = await listing
    assert found >= RECORDINGS, found
    return float(found / (time.perf_counter() - begin_s))


async def large(http: aiohttp.ClientSession) -> str:
    """The id of a recording as large as `FILE_BYTES`."""
    body = {"operation": "add_recording", "size_bytes": FILE_BYTES}
    async with http.post("/_sim/archive", json=body) as answer:
        answer.raise_for_status()
        made = await answer.json()
    return str(made["id"])


@asynccontextmanager
async def client(base_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Of the platform itself."""
    async with aiohttp.ClientSession(base_url) as direct:
        async with direct.post("/token", data=LOGIN) as answer:
            token = (await answer.json())["access_token"]
        direct.headers["Authorization"] = f"Bearer {token}"
        yield direct


async def measure_lists(
    direct: aiohttp.ClientSession, through: aiohttp.ClientSession
) -> None:
    """All of them, directly and through tracker."""
    title(f"{RECORDINGS} recordings, {PAGE} a page")
    itself = await timed(list_directly(direct))
    ours = await timed(list_through(through))
    show("listed directly", itself, "/s")
    show("listed through tracker", ours, "/s", f"{ours / itself:.2f} x")


async def measure_file(
    direct: aiohttp.ClientSession,
    through: aiohttp.ClientSession,
    tracker: TrackerProcess,
    simulator: int,
) -> None:
    """One file, likewise."""
    id_ = await large(direct)
    key = f"vonage_business/{OPTIONS.account}/company%3A{id_}"
    itself = await read(direct, f"{API}/audio/recording/{id_}")
    before = rss_bytes(tracker.pid)
    cpu = CpuMeter(tracker=tracker.pid, simulator=simulator)
    cpu.begin()
    ours = await read(through, URL(f"/v1/recordings/{key}/audio", encoded=True))
    cpu.show()
    show("streamed directly", itself / 1e6, "MB/s")
    show("streamed through tracker", ours / 1e6, "MB/s", f"{ours / itself:.2f} x")
    grown = rss_bytes(tracker.pid) - before
    show("memory that tracker took for it", grown / 1e6, "MB")


async def bench(directory: Path, pace: float | None) -> None:
    """With everything in place."""
    line = ("--audio-bytes-per-s", str(pace)) if pace else ()
    async with platform("--recordings", str(RECORDINGS), *line) as (base_url, pid):
        account = {
            "account": OPTIONS.account,
            "base_url": base_url,
            "client_id": OPTIONS.client_id,
            "client_secret": OPTIONS.client_secret,
            "username": OPTIONS.username,
            "password": OPTIONS.password,
            "recordings_interval_s": 3600,
        }
        config = write_config(directory, None, {"vonage_business": account})
        async with (
            tracker_process(config) as tracker,
            client(base_url) as direct,
            aiohttp.ClientSession(tracker.url) as through,
        ):
            if pace is None:
                await measure_lists(direct, through)
            how = f"at {pace / 1e6:.0f} MB/s" if pace else "as fast as it goes"
            title(f"one file of {FILE_BYTES >> 20} MB, {how}")
            await measure_file(direct, through, tracker, pid)


def main(_: Sequence[str]) -> None:
    """Print the figures."""
    for pace in (None, LINE_BYTES_PER_S):
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            uvloop.run(bench(Path(directory), pace))
