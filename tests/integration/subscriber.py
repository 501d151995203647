"""A client of `/v1/stream` that knows only its documentation, and checks what it says.

It reconnects for ever and resumes by cursor: putting an event's place where its
partition's place was.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidMessage, InvalidStatus, WebSocketException

Json = dict[str, Any]

_AGAIN_S = 0.05


class Subscriber:
    """One subscription, over as many sockets as it takes.

    Args:
        url: Where tracker serves; may be changed while it is away.
        wanted: The filter.

    Attributes:
        events: All so far, in order.
        removed: Likewise.
        calls, sources: By key, the newest of snapshots and events.
        recovered: What each ``subscribed`` said.
        cursors: How many ``cursor`` frames there were.
        cursor: How far everything has been told.
        live: What the last ``cursor`` said.
        results: Commands that were taken, by the id of their frame.
    """

    def __init__(self, url: str, wanted: Mapping[str, object]) -> None:
        self.url = url
        self.events: list[Json] = []
        self.removed: list[Json] = []
        self.calls: dict[str, Json] = {}
        self.sources: dict[str, Json] = {}
        self.recovered: list[bool] = []
        self.cursors = 0
        self.cursor: str | None = None
        self.live = False
        self._wanted = wanted
        self._told = asyncio.Event()
        self._pongs = 0
        self.results: dict[str, Json] = {}
        self._socket: ClientConnection | None = None

    async def until(self, what: Callable[[], object], within_s: float = 10) -> None:
        """Wait for something about what was told."""
        async with asyncio.timeout(within_s):
            while not what():
                self._told.clear()
                await self._told.wait()

    async def event(self, type_: str, key: str | None = None, count: int = 1) -> Json:
        """The *count*-th event ``tracker.<type_>``, of the entity *key* if given."""
        await self.until(lambda: len(self.of(type_, key)) >= count)
        return self.of(type_, key)[count - 1]

    async def ping(self) -> None:
        """Ask, and wait for the answer: all that was on its way before it is here."""
        assert self._socket
        await self._socket.send('{"op":"ping"}')
        count = self._pongs
        await self.until(lambda: self._pongs > count)

    async def command(self, key: str, action: str, **more: object) -> Json:
        """Ask for *action* on a call over the same socket; the command, when taken."""
        assert self._socket
        id_ = f"{len(self.results)}"
        frame = {"op": "command", "id": id_, "call": key, "action": action, **more}
        await self._socket.send(json.dumps(frame))
        await self.until(lambda: id_ in self.results)
        return self.results[id_]

    async def until_up(self, *sources: str, within_s: float = 10) -> None:
        """Wait until the *sources*, by key, can be seen through."""
        await self.until(lambda: all(self._is_up(key) for key in sources), within_s)

    def _is_up(self, source: str) -> bool:
        return self.sources.get(source, {}).get("state") == "up"

    def of(self, type_: str, key: str | None = None) -> list[Json]:
        """All events ``tracker.<type_>``, or of a family: ``recording.``."""
        return [
            event
            for event in self.events
            if event["type"].startswith(f"tracker.{type_}")
            and key in (None, event["subject"])
        ]

    def states(self, key: str) -> list[str]:
        """The call's recording states one after the other, as its events tell them."""
        return [event["data"]["change"]["to"] for event in self.of("recording.", key)]

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            with suppress(OSError, InvalidStatus, InvalidMessage):
                await self._follow()
            await asyncio.sleep(_AGAIN_S)

    async def _follow(self) -> None:
        address = self.url.replace("http", "ws", 1) + "/v1/stream"
        async with connect(
            address,
            subprotocols=["tracker.v1"],  # type: ignore[list-item]  # a NewType of str
            max_size=None,
            proxy=None,
        ) as socket:
            self._socket = socket
            await self._subscribe(socket)
            with suppress(WebSocketException):
                async for message in socket:
                    self._take(json.loads(message))

    async def _subscribe(self, socket: ClientConnection) -> None:
        asked: Json = {"op": "subscribe", "id": "s", "filter": self._wanted}
        asked |= {"since": self.cursor} if self.cursor else {"snapshot": True}
        await socket.send(json.dumps(asked))

    def _take(self, frame: Json) -> None:
        match frame.get("op"):
            case None:
                self._take_event(frame)
            case "subscribed":
                self.recovered.append(frame["recovered"])
                self.cursor = frame["cursor"]
            case "snapshot":
                self.calls |= {call["key"]: call for call in frame["calls"]}
                self.sources |= {one["key"]: one for one in frame["sources"]}
            case "removed":
                self.removed.append(frame)
            case "cursor":
                self.cursor, self.live = frame["cursor"], frame["live"]
                self.cursors += 1
            case "pong":
                self._pongs += 1
            case "result" if frame["of"] == "command":
                self.results[frame["id"]] = frame["command"]
            case _:
                raise AssertionError(frame)
        self._told.set()

    def _take_event(self, event: Json) -> None:
        self.events.append(event)
        data = event["data"]
        if "call" in data:
            self.calls[event["subject"]] = data["call"]
        if "source" in data:
            self.sources[event["subject"]] = data["source"]
        _, partition, place = event["id"].split(".", 2)
        epoch, *places = (self.cursor or "").split("~")
        places[int(partition)] = place
        self.cursor = "~".join((epoch, *places))


@asynccontextmanager
async def subscriber(url: str, **wanted: Sequence[str]) -> AsyncIterator[Subscriber]:
    """A `Subscriber` that has its snapshot; *wanted* is its filter."""
    client = Subscriber(url, wanted)
    following = asyncio.create_task(client.run())
    try:
        await client.until(lambda: following.done() or client.cursors)
        yield client
        if following.done():
            await following
    finally:
        following.cancel()
        await asyncio.wait([following])


def assert_unbroken(events: Sequence[Json]) -> None:
    """Nothing twice, nothing missing, and every change begins where the last ended."""
    ids = [event["id"] for event in events]
    assert len(set(ids)) == len(ids)
    by_call: defaultdict[str, dict[int, list[Json]]] = defaultdict(dict)
    for event in events:
        if "call" in event["data"]:
            version = int(event["sequence"])
            by_call[event["subject"]].setdefault(version, []).append(event)
    for key, versions in by_call.items():
        numbers = list(versions)
        first = numbers[0]
        assert numbers == list(range(first, first + len(numbers))), key
        _assert_chain(list(versions.values()))


def _assert_chain(versions: Sequence[Sequence[Json]]) -> None:
    """Each version's recording event leads from the state before to its own."""
    for before, after in pairwise(versions):
        old = before[-1]["data"]["call"]["recording"]["state"]
        new = after[-1]["data"]["call"]["recording"]["state"]
        changes = [e["data"]["change"] for e in after if ".recording." in e["type"]]
        ended = after[-1]["data"]["call"]["call"]["state"] == "ended"
        if old != new and not (ended and not changes):
            assert [(c["from"], c["to"]) for c in changes] == [(old, new)]
        else:
            assert changes == []
