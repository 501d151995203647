"""An agent's line at a real CometD server, with tracker in this process on it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path

from tests.integration.peers import CometdServer
from tests.integration.subscriber import Json, Subscriber, subscriber
from tests.integration.system import get, running_tracker, write_agents, write_config

CAPTURES = Path(__file__).parents[2] / "captures" / "genesys"
AGENT = "jdoe"
SOURCE = f"genesys/acme/{AGENT}"

_SHAPES = {"Recording": "start", "Paused": "pause", "Stopped": "stop"}


def captured(name: str) -> Json:
    """The data of one of the vendor's notifications."""
    data: Json = json.loads((CAPTURES / f"{name}.json").read_text())["data"]
    return data


_CAPTURED: Mapping[str, Json] = {
    state: captured(name) for state, name in _SHAPES.items()
}


def notification(recording: str, call_id: str = "1") -> Json:
    """The call just answered, in this recording state: a capture with another id."""
    data = deepcopy(_CAPTURED[recording])
    ids = {"id": call_id, "callUuid": call_id, "connId": f"c{call_id}"}
    data["call"] |= {**ids, "duration": "0"}
    return data


class Line:
    """What the agent's calls do, and what is told of them.

    Attributes:
        desk: A subscriber to everything.
    """

    def __init__(self, server: CometdServer, url: str, desk: Subscriber) -> None:
        self.server = server
        self.desk = desk
        self.url = url

    async def show(self, recording: str, call_id: str = "1") -> None:
        """Have the call be in this state, in the REST list and by notification."""
        await self.server.show(AGENT, notification(recording, call_id))

    async def until(self, state: str, call_id: str = "1", within_s: float = 20) -> None:
        """Wait until the call is known to be in *state*."""
        key = f"genesys/acme/{call_id}"

        def shown() -> bool:
            call = self.desk.calls.get(key)
            return call is not None and call["recording"]["state"] == state

        await self.desk.until(shown, within_s)

    async def until_answered(self) -> None:
        """Wait until the server has answered one poll more."""
        known = await self._answered()
        while await self._answered() == known:
            pass

    async def _answered(self) -> int:
        requests = await self.server.requests()
        return sum(one.status is not None for one in requests)

    async def timeline(self, call_id: str = "1") -> Sequence[Json]:
        """The call's closed intervals."""
        shown = await get(self.url, f"/v1/calls/genesys/acme/{call_id}/timeline")
        items: Sequence[Json] = shown["items"]
        return items


@asynccontextmanager
async def open_line(server: CometdServer, directory: Path) -> AsyncIterator[Line]:
    """The line of one agent, whose source is up."""
    write_agents(directory, [AGENT])
    account = {"base_url": server.url, "agents_file": "agents.csv"}
    config = write_config(directory, account)
    async with running_tracker(config) as url, subscriber(url) as desk:
        await desk.until_up(SOURCE)
        yield Line(server, url, desk)
