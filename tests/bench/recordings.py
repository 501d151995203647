"""Stored recordings through tracker, beside a client that asks the platform itself.

The simulated Vonage Business, tracker and the client have a process each. Listing: all
recordings over all pages. Streaming: the audio of one large recording, read and thrown
away; tracker's memory must not follow the file's size.
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
async def platform() -> AsyncIterator[tuple[str, int]]:
    """The simulator's address and its process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tracker.simulators.vonage_business"),
        *("--recordings", str(RECORDINGS)),
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


async def measure(url: str, base_url: str, tracker: TrackerProcess, pid: int) -> None:
    """Both, directly and through tracker."""
    async with (
        aiohttp.ClientSession(base_url) as direct,
        aiohttp.ClientSession(url) as through,
    ):
        async with direct.post("/token", data=LOGIN) as answer:
            token = (await answer.json())["access_token"]
        direct.headers["Authorization"] = f"Bearer {token}"
        title(f"{RECORDINGS} recordings, {PAGE} a page")
        itself = await timed(list_directly(direct))
        ours = await timed(list_through(through))
        show("listed directly", itself, "/s")
        show("listed through tracker", ours, "/s", f"{ours / itself:.2f} x")
        id_ = await large(direct)
        title(f"one file of {FILE_BYTES >> 20} MB")
        key = f"vonage_business/{OPTIONS.account}/company%3A{id_}"
        path, ours_path = f"{API}/audio/recording/{id_}", f"/v1/recordings/{key}/audio"
        itself = await read(direct, path)
        before = rss_bytes(tracker.pid)
        cpu = CpuMeter(tracker=tracker.pid, simulator=pid)
        cpu.begin()
        ours = await read(through, URL(ours_path, encoded=True))
        cpu.show()
        show("streamed directly", itself / 1e6, "MB/s")
        show("streamed through tracker", ours / 1e6, "MB/s", f"{ours / itself:.2f} x")
        grown = rss_bytes(tracker.pid) - before
        show("memory that tracker took for it", grown / 1e6, "MB")


async def bench(directory: Path) -> None:
    """With everything in place."""
    async with platform() as (base_url, pid):
        account = {
            "account": OPTIONS.account,
            "base_url": base_url,
            "client_id": OPTIONS.client_id,
            "client_secret": OPTIONS.client_secret,
            "username": OPTIONS.username,
            "password": OPTIONS.password,
        }
        config = write_config(directory, None, {"vonage_business": account})
        async with tracker_process(config) as tracker:
            await measure(tracker.url, base_url, tracker, pid)


def main(_: Sequence[str]) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        uvloop.run(bench(Path(directory)))
