"""Receivers that answer as a test says, and what must be true of what they got."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import web

from tracker.fanout.cursor import Place, Position

WITHIN_S = 15.0


class Got(NamedTuple):
    """One request, as a receiver saw it."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def entity(self) -> str:
        return str(self.event["subject"])

    @property
    def version(self) -> int:
        return int(self.event["sequence"])


Answer = Callable[[Got], web.Response | Awaitable[web.Response]]


def ok(_: Got) -> web.Response:
    return web.Response()


@dataclass
class Receiver:
    """A server of somebody else's.

    Attributes:
        answer: What it says; may be exchanged at any time.
        got: Everything it was sent.
        taken: What of it was answered with a 2xx.
    """

    url: str = ""
    answer: Answer = ok
    got: list[Got] = field(default_factory=list)
    taken: list[Got] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Got(headers, await request.read())
        self.got.append(got)
        self._news.set()
        answer = self.answer(got)
        response = answer if isinstance(answer, web.Response) else await answer
        if response.status < 300:
            self.taken.append(got)
        self._news.set()
        return response

    async def until(
        self, what: Callable[[], object], within_s: float = WITHIN_S
    ) -> None:
        """Wait until *what* is true, asked again after every request."""
        async with asyncio.timeout(within_s):
            while not what():
                self._news.clear()
                await self._news.wait()

    async def until_taken(self, ids: Collection[str]) -> None:
        """Wait until all of these were taken."""
        await self.until(lambda: not {*ids} - {got.id for got in self.taken})

    def versions(self, entity: str) -> list[int]:
        """Of what was taken of *entity*, in the order of arrival."""
        return [got.version for got in self.taken if got.entity == entity]


@asynccontextmanager
async def receiving(answer: Answer = ok) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(answer=answer)
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield receiver
    finally:
        await runner.cleanup()


def assert_arrived(taken: Collection[Got], wanted: Collection[str]) -> None:
    """All that was *wanted*, in order per entity; what came again is the very same."""
    first = {got.id: got for got in reversed([*taken])}
    assert all(first[got.id].body == got.body for got in taken)
    assert not {*wanted} - {*first}
    arrived = defaultdict[str, list[Place]](list)
    for id_ in dict.fromkeys(got.id for got in taken):
        if id_ in wanted:
            arrived[first[id_].entity].append(Position.parse(id_).place)
    assert all(places == sorted(places) for places in arrived.values())
