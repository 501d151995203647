"""Webhooks beside a bare aiohttp client that posts the same bodies.

The receiver has a process of its own. First everything is owed, then 1, 10 and 100
endpoints take it all, each event by every one; the reference posts as many bodies, as
many at a time, without signing, storing or keeping any order. Then 200 events a second
come, and each takes its way from the outbox to the receiver; once more while those of
one call are refused, which must cost the other calls nothing.
"""

import asyncio
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from operator import truediv
from pathlib import Path
from statistics import median

import aiohttp
import uvloop
from aiohttp import web

from tests.bench._site import CpuMeter
from tests.bench.figures import percentile, show, title
from tests.integration.servers import valkey
from tests.integration.webhooks.rig import CHANGED, Rig, rigged
from tracker.app.run import spare_the_collector
from tracker.domain.key import partition_of
from tracker.fanout.cursor import Position
from tracker.outlets.endpoint import Disabled
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.settings import StoreSettings

PARTITIONS = StoreSettings().partitions
DELIVERIES = 10_000
ROUNDS = 9
"""Of the reference and of tracker in turn: the machine is not always as fast."""

CONCURRENCY = 32
RATE_PER_S = 200
FOR_S = 10
CALLS = [f"genesys/acme/{number}" for number in range(200)]
REFUSED = "genesys/acme/refused"
SETTINGS = WebhookSettings(allow_loopback=True)
SNAPSHOT_BYTES = 1400
"""As much as a real one has."""

EVENT_BYTES = SNAPSHOT_BYTES + 440
"""With what is around it."""


async def receive() -> None:
    """Take everything but what is of `REFUSED`; tell of what was taken when asked."""
    taken: list[tuple[float, str]] = []
    refused = b'"subject":"%b"' % REFUSED.encode()

    async def hook(request: web.Request) -> web.Response:
        if refused in await request.read():
            return web.Response(status=500)
        taken.append((time.time(), request.headers.get("webhook-id", "")))
        return web.Response()

    async def told(_: web.Request) -> web.Response:
        answer = web.json_response(taken)
        taken.clear()
        return answer

    async def count(_: web.Request) -> web.Response:
        return web.json_response(len(taken))

    app = web.Application()
    app.router.add_post("/hook/{n}", hook)
    app.router.add_get("/told", told)
    app.router.add_get("/count", count)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, int]]:
    """Its address and its process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.webhooks", stdout=PIPE
    )
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().strip(), process.pid
    finally:
        process.kill()
        await process.wait()


async def told(url: str) -> list[tuple[float, str]]:
    """What came since the last time: when, and with which id."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/told") as answer:
        found: list[tuple[float, str]] = await answer.json()
        return found


async def post_all(url: str, bodies: Sequence[bytes], each: int) -> float:
    """Post *bodies*, each so often, by a client that does nothing else; per second."""
    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Content-Type": "application/cloudevents+json"}
    left = iter([(body, n) for body in bodies for n in range(each)])
    async with aiohttp.ClientSession(connector=connector, headers=headers) as http:

        async def post() -> None:
            for body, number in left:
                async with http.post(f"{url}/hook/{number}", data=body) as answer:
                    await answer.read()

        begin_s = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(CONCURRENCY * min(each, 4))))
        return len(bodies) * each / (time.perf_counter() - begin_s)


async def tell(rig: Rig, count: int) -> None:
    """Commit *count* changes, spread over the calls."""
    for number in range(PARTITIONS):
        mine = [c for c in CALLS if partition_of("call", c, PARTITIONS) == number]
        changes = [(mine[n % len(mine)], [CHANGED]) for n in range(count // PARTITIONS)]
        await rig.tell_all(number, changes)


async def until_taken(url: str, count: int) -> list[float]:
    """When each of so many was taken."""
    async with aiohttp.ClientSession() as http:
        taken = 0
        while taken < count:
            await asyncio.sleep(0.2)
            async with http.get(f"{url}/count") as answer:
                taken = await answer.json()
    return sorted(at_s for at_s, _ in await told(url))


async def through_tracker(rig: Rig, url: str, endpoints: int) -> float:
    """Deliveries a second, when everything is owed already."""
    off = Disabled(at=datetime.now(UTC), why="asked")
    made = [await rig.add(f"{url}/hook/{n}", disabled=off) for n in range(endpoints)]
    await asyncio.sleep(1)  # until the dispatcher knows them
    events = DELIVERIES // endpoints // PARTITIONS * PARTITIONS
    await tell(rig, events)
    for endpoint in made:
        await rig.until_owed(endpoint, events, 120)
    for endpoint in made:
        await rig.put(endpoint.changed(disabled=None))
    times = await until_taken(url, events * endpoints)
    for endpoint in made:
        await rig.endpoints.change(endpoint.id, lambda _: None)
    await asyncio.sleep(2)  # until all of it is removed
    return len(times) / (times[-1] - times[0])


async def latencies(rig: Rig, url: str, calls: Sequence[str]) -> list[float]:
    """From the outbox to the receiver, in ms, of those that it takes."""
    endpoint = await rig.add(f"{url}/hook/0")
    await asyncio.sleep(1)  # until the dispatcher knows it
    begin_s = time.perf_counter()
    for number in range(RATE_PER_S * FOR_S):
        wait_s = begin_s + number / RATE_PER_S - time.perf_counter()
        await asyncio.sleep(max(0.0, wait_s))
        await rig.tell(calls[number % len(calls)])
    await asyncio.sleep(1)  # until the last ones have come
    await rig.endpoints.change(endpoint.id, lambda _: None)
    return [at_s * 1000 - Position.parse(id_).place.ms for at_s, id_ in await told(url)]


async def measure(rig: Rig, url: str, pid: int) -> None:
    """Everything, one after the other."""
    for endpoints in (1, 10, 100):
        title(f"{endpoints} endpoints, {DELIVERIES} deliveries, {ROUNDS} times")
        bodies = [b"%0*d" % (EVENT_BYTES, n) for n in range(DELIVERIES // endpoints)]
        bare, ours = list[float](), list[float]()
        for _ in range(ROUNDS):
            bare.append(await post_all(url, bodies, endpoints))
            await told(url)
            async with rig.dispatching(SETTINGS):
                ours.append(await through_tracker(rig, url, endpoints))
        ratio = median(map(truediv, ours, bare))
        show("a bare client", median(bare), "/s")
        show("delivered", median(ours), "/s", f"{ratio:.2f} x")
    title(f"{RATE_PER_S} events a second")
    async with rig.dispatching(SETTINGS):
        meter = CpuMeter(receiver=pid)
        meter.begin()
        found = await latencies(rig, url, CALLS)
        meter.show()
    before = percentile(found, 0.99)
    show("outbox to receiver, p50", percentile(found, 0.5), "ms")
    show("outbox to receiver, p99", before, "ms")
    async with rig.dispatching(SETTINGS):
        found = await latencies(rig, url, [*CALLS[1:], REFUSED])
    after = percentile(found, 0.99)
    show("p50 while one call is refused", percentile(found, 0.5), "ms")
    show("p99 while one call is refused", after, "ms", f"{after / before:.2f} x")


async def bench(directory: Path) -> None:
    """With everything in place, and garbage collected as tracker has it."""
    spare_the_collector()
    with valkey(directory) as server:
        async with receiver() as (url, pid), rigged(server.url, PARTITIONS) as rig:
            rig.padding, rig.real_clock = "x" * SNAPSHOT_BYTES, True
            await measure(rig, url, pid)


def main(_: Sequence[str]) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        uvloop.run(bench(Path(directory)))


if __name__ == "__main__":
    uvloop.run(receive())
