"""A simulated Vonage Contact Center with tracker on it, and a desk that watches."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.integration.servers import free_port
from tests.integration.subscriber import Json, Subscriber, subscriber
from tests.integration.system import (
    TrackerProcess,
    running_tracker,
    tracker_process,
    write_config,
)
from tracker.domain.key import make_key
from tracker.simulators.vonage_cc import Call, VonageCcOptions, VonageCcSimulator

ACCOUNT = VonageCcOptions().account
SOURCE = make_key("vonage_cc", ACCOUNT, "poller")


def key_of(guid: str) -> str:
    """As tracker names the call."""
    return make_key("vonage_cc", ACCOUNT, guid)


def posts(simulator: VonageCcSimulator, guid: str | None = None) -> list[str]:
    """The calls of which something was asked, in the order of the asking."""
    asked = [r.path for r in simulator.requests if r.method == "POST"]
    guids = [path.rpartition("/")[2] for path in asked if "/calls/" in path]
    return [one for one in guids if guid in (None, one)]


@dataclass
class Centre:
    """What a test works with.

    Attributes:
        url: Where tracker serves.
        desk: A subscriber to everything.
    """

    simulator: VonageCcSimulator
    url: str
    desk: Subscriber

    async def command(self, call: Call, action: str, **more: object) -> Json:
        """Ask for *action* on *call*; what was answered."""
        status, answer = await self.post(
            f"/v1/calls/{key_of(call.guid)}/commands", {"action": action, **more}
        )
        assert status == 202, answer
        return answer

    async def post(self, path: str, body: Json) -> tuple[int, Json]:
        """The status and the answer."""
        async with (
            aiohttp.ClientSession(self.url) as http,
            http.post(path, json=body) as got,
        ):
            answer: Json = await got.json()
            return got.status, answer

    def stages(self, call: Call) -> list[str]:
        """Those of the call's commands, as the desk was told of them."""
        events = self.desk.of("command.", key_of(call.guid))
        return [event["type"].rpartition(".")[2] for event in events]

    async def until_stage(self, call: Call, *wanted: str, within_s: float = 20) -> None:
        """Wait for one of them."""
        await self.desk.until(lambda: {*wanted} & {*self.stages(call)}, within_s)

    def recording(self, call: Call) -> Json:
        """As the desk has it."""
        shown: Json = self.desk.calls[key_of(call.guid)]["recording"]
        return shown

    async def until_shown(self, call: Call, state: str, within_s: float = 20) -> None:
        """Wait until the desk has the call in this recording state."""
        key = key_of(call.guid)
        await self.desk.until(
            lambda: key in self.desk.calls and self.recording(call)["state"] == state,
            within_s,
        )


def account(
    simulator: VonageCcSimulator, url: str, **more: object
) -> Mapping[str, object]:
    """The section of an account that follows every agent."""
    options = simulator.options
    return {
        "account": options.account,
        "base_url": url,
        "client_id": options.client_id,
        "client_secret": options.client_secret,
        "agents": [{"id": id_} for id_ in simulator.agents],
        "poll_interval_s": 0.5,
        "agents_interval_s": 0.5,
        **more,
    }


@asynccontextmanager
async def centre(
    simulator: VonageCcSimulator, directory: Path, **more: object
) -> AsyncIterator[Centre]:
    """With tracker in this process."""
    async with simulator.serve() as base_url:
        section = account(simulator, base_url, **more)
        config = write_config(directory, None, {"vonage_cc": section})
        async with running_tracker(config) as url, subscriber(url) as desk:
            await desk.until_up(SOURCE, within_s=30)
            yield Centre(simulator, url, desk)


@asynccontextmanager
async def crashing(
    simulator: VonageCcSimulator, directory: Path
) -> AsyncIterator[tuple[Centre, TrackerProcess]]:
    """With tracker in a process of its own, to be killed."""
    async with simulator.serve() as base_url:
        config = write_config(
            directory,
            None,
            {"vonage_cc": account(simulator, base_url)},
            server={"port": free_port()},
            store={"lease_s": 1},
        )
        async with tracker_process(config) as tracker, subscriber(tracker.url) as desk:
            await desk.until_up(SOURCE, within_s=30)
            yield Centre(simulator, tracker.url, desk), tracker
