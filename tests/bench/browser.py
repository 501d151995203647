"""The dashboard with 10,000 calls and 1,000 changes a second, in Chromium.

The reference is the same page with the same calls while nothing changes.
"""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from playwright.async_api import Page

from tests.bench._traffic import LIFE, Traffic
from tests.bench.fanout import Server
from tests.bench.figures import percentile, show, title
from tests.browser.screen import launched, opened
from tracker.domain.entry import Watermark
from tracker.fanout.tail import Tails
from tracker.outlets import dashboard, http
from tracker.outlets.payload import ServerSettings
from tracker.outlets.server import create_server, listening
from tracker.outlets.websocket import Gateway
from tracker.store.outbox import Tailed

CALLS = 10_000
AGENTS = CALLS * len(LIFE) // (len(LIFE) - 1)  # the others are between two calls
CHANGES_PER_S = 1_000
TURN_S = 0.01
TURN = 5 * CHANGES_PER_S // 100
WATERMARK_S = 1.0
QUIET_S = 10
TRACE_S = 30
SCROLL_S = 0.5
LONG_MS = 50

_OBSERVE = """() => {
  window.frames_ms = [];
  let last = performance.now();
  const frame = (now) => {
    frames_ms.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
_TAKE = """() => ({
  frames: frames_ms.splice(0), heap: performance.memory.usedJSHeapSize
})"""
_TASKS = ("toplevel", "__metadata")


class Trace(NamedTuple):
    """What the browser did meanwhile.

    Attributes:
        tasks: Milliseconds of the page's tasks, as clocks count them.
        busy: The same, but only while they had a core.
        frames: Milliseconds from one frame to the next.
    """

    tasks: list[float]
    busy: list[float]
    frames: list[float]
    heap_bytes: int


class Feeder:
    """Publishes entries at a steady pace, and that keepers live."""

    def __init__(self, tails: Tails) -> None:
        self.published = 0
        self._tails = tails
        self._last = "0"

    def publish(self, entries: Iterable[Tailed]) -> None:
        """Have *entries* served."""
        for entry in entries:
            self._tails.take(entry)
            self._last = entry.id.partition("-")[0]
            self.published += 1

    async def live(self) -> None:
        """Show signs of life, for ever."""
        for number in range(1, 1_000_000):
            mark = Watermark(handled_at=datetime.now(UTC))
            self._tails.take(Tailed(0, f"{self._last}-{number}", mark, b""))
            await asyncio.sleep(WATERMARK_S)

    async def change(self, entries: Sequence[Tailed]) -> None:
        """Keep to `CHANGES_PER_S`; who is late does not catch up at once."""
        loop = asyncio.get_running_loop()
        began_s, done = loop.time(), 0
        while done < len(entries):
            due = int((loop.time() - began_s) * CHANGES_PER_S)
            turn = entries[done : min(due, done + TURN)]
            self.publish(turn)
            done += len(turn)
            await asyncio.sleep(TURN_S)


@asynccontextmanager
async def running(task: asyncio.Task[None]) -> AsyncIterator[None]:
    """Until the context ends."""
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def trace(page: Page, lasts_s: float) -> Trace:
    """What happens for so long, while somebody scrolls."""
    await page.evaluate(_TAKE)
    await page.get_by_role("grid").hover()
    browser = page.context.browser
    assert browser
    await browser.start_tracing(page=page, categories=list(_TASKS))
    for turn in range(int(lasts_s / SCROLL_S)):
        await page.mouse.wheel(0, 900 if turn % 8 < 4 else -900)
        await asyncio.sleep(SCROLL_S)
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    found: dict[str, Any] = await page.evaluate(_TAKE)
    tasks = list(tasks_of(events))
    return Trace(
        [task["dur"] / 1000 for task in tasks],
        [task["tdur"] / 1000 for task in tasks if "tdur" in task],
        found["frames"],
        found["heap"],
    )


def tasks_of(events: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tasks of pages' main threads."""
    names = (e for e in events if e["name"] == "thread_name")
    main = {
        (event["pid"], event["tid"])
        for event in names
        if event["args"]["name"] == "CrRendererMain"
    }
    for event in events:
        is_task = event["name"].endswith("RunTask") and "dur" in event
        if is_task and (event["pid"], event["tid"]) in main:
            yield event


async def measure() -> None:
    """Print what the page took."""
    server, traffic = Server(), Traffic(AGENTS)
    await server.tails.start()
    feeder = Feeder(server.tails)
    feeder.publish([raw.tailed() for raw in traffic.begin()])
    changes = traffic.entries((TRACE_S + 1) * CHANGES_PER_S)
    entries = [raw.tailed() for raw in changes]
    gc.collect()
    gc.freeze()  # the traffic's makings are not the server's
    api = http.routes(server.services, None, dashboard.front)
    gateway = Gateway(server.services)
    app = create_server(server.services, [api, dashboard.routes(), gateway.routes()])
    async with (
        running(asyncio.create_task(feeder.live())),
        listening(app, ServerSettings(port=0)) as url,
        launched() as chromium,
        opened(chromium, url, viewport={"width": 1440, "height": 900}) as screen,
    ):
        page = screen.page
        await page.evaluate(_OBSERVE)
        total = page.locator(".total strong")
        await total.filter(has_text=str(CALLS)).wait_for()
        tell("while nothing changes, the reference", await trace(page, QUIET_S))
        published = feeder.published
        async with running(asyncio.create_task(feeder.change(entries))):
            traced = await trace(page, TRACE_S)
        tell(f"while {CHANGES_PER_S:,} a second change", traced)
        show("changes", (feeder.published - published) / TRACE_S, "/s")


def tell(name: str, traced: Trace) -> None:
    """The figures of one trace."""
    title(name)
    show("longest task", max(traced.tasks), "ms", "aim: 100 at most")
    show("longest task, of a core's time", max(traced.busy), "ms", "if others use it")
    long = sum(task >= LONG_MS for task in traced.busy)
    show("tasks of 50 ms or more, of a core's time", long, "")
    show("from frame to frame, p50", percentile(traced.frames, 0.5), "ms")
    show("from frame to frame, p99", percentile(traced.frames, 0.99), "ms")
    show("heap", traced.heap_bytes / 2**20, "MB")


def main(_args: list[str]) -> None:
    """Run it."""
    asyncio.run(measure())
