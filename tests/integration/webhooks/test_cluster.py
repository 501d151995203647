"""All of tracker on a Cluster: what is owed lies in many slots, and primaries die."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.integration.cluster import Cluster
from tests.integration.e2e.site import Site, change, recorded_calls, shows, watched
from tests.integration.store.kept import flush, running
from tests.integration.webhooks.receiver import Got, Receiver, assert_arrived, receiving
from tests.integration.webhooks.rig import until
from tracker.fanout.cursor import Position
from tracker.simulators.genesys import Call, GenesysSimulator, SimulatorOptions
from tracker.store.keys import ENDPOINTS, PartitionKeys

AGENTS = 12
PARTITIONS = 8
STORE = {
    "partitions": PARTITIONS,
    "lease_s": 3,
    "connect_timeout_s": 0.5,
    "call_timeout_s": 1,
}
TYPES = [f"tracker.recording.{what}" for what in ("started", "paused", "resumed")]


async def slowly(_: Got) -> web.Response:
    """So that some are always under way."""
    await asyncio.sleep(0.1)
    return web.Response()


class Hooks:
    """A site, and what is asked of its API.

    Attributes:
        calls: One of every agent.
        since: A cursor of before them.
    """

    def __init__(self, site: Site, http: ClientSession) -> None:
        self.calls: list[Call] = []
        self._site = site
        self._http = http
        self.since = ""

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        async with self._http.request(method, f"/v1/{path}", json=body) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def begin(self, *receivers: Receiver) -> list[str]:
        """Endpoints of *receivers*, by their ids; then calls that are recorded."""
        self.since = (await self.ask("GET", "calls"))["cursor"]
        wanted = [{"url": one.url, "filter": {"types": TYPES}} for one in receivers]
        made = [await self.ask("POST", "webhooks", body) for body in wanted]
        self.calls = recorded_calls(self._site.simulator)
        return [endpoint["id"] for endpoint in made]

    def change(self) -> None:
        """Every call."""
        for call in self.calls:
            change(self._site.simulator, call)

    async def keep_changing(self) -> None:
        """One call after the other, for ever."""
        for call in cycle(self.calls):
            change(self._site.simulator, call)
            await asyncio.sleep(0.02)

    async def until_shown(self) -> None:
        """Wait until tracker knows of every change."""
        desk = self._site.desk
        await desk.until(lambda: shows(desk, self.calls), 20)

    async def events(self) -> list[str]:
        """The ids of all that there was to deliver."""
        types = "&".join(f"types={name}" for name in TYPES)
        path = f"events?since={self.since}&limit=1000&{types}"
        return [event["id"] for event in await self.pages(path)]

    async def pages(self, path: str) -> list[Any]:
        """What is on them, as many as there are."""
        found: list[Any] = []
        while path:
            page = await self.ask("GET", path)
            found += page["items"]
            path = (page["next"] or "").removeprefix("/v1/")
        return found

    async def until_owed(self, id_: str, least: int, most: int) -> None:
        """Wait until it is owed so many."""

        async def is_so() -> bool:
            owed: int = (await self.ask("GET", f"webhooks/{id_}"))["owed"]
            return least <= owed <= most

        await until(is_so)


@pytest.fixture
async def hooks(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Hooks]:
    flush(cluster)
    simulator = GenesysSimulator(SimulatorOptions(agents=AGENTS))
    store = {"url": cluster.url, **STORE}
    webhooks = {"allow_loopback": True}
    async with (
        watched(simulator, tmp_path, store=store, webhooks=webhooks) as site,
        ClientSession(site.url) as http,
    ):
        yield Hooks(site, http)


async def test_every_slot_is_delivered_from(hooks: Hooks) -> None:
    """Deliveries are listed, one is sent again, all are replayed, wherever they lie."""
    async with receiving() as receiver:
        [id_] = await hooks.begin(receiver)
        hooks.change()
        await receiver.until(lambda: len(receiver.taken) == 2 * AGENTS)
        events = await hooks.events()
        assert len({Position.parse(event).partition for event in events}) > 4
        assert_arrived(receiver.taken, events)
        await hooks.until_owed(id_, 0, 0)
        path = f"webhooks/{id_}/deliveries?status=delivered&limit=5"
        listed = await hooks.pages(path)
        assert sorted(one["event"] for one in listed) == sorted(events)
        for event in events[::5]:
            receiver.taken.clear()
            await hooks.ask("POST", f"webhooks/{id_}/deliveries/{event}/resend")
            await receiver.until(lambda: receiver.taken)
            assert [got.id for got in receiver.taken] == [event]
        receiver.taken.clear()
        await hooks.ask("POST", f"webhooks/{id_}/replay", {"since": hooks.since})
        await receiver.until(lambda: len(receiver.taken) == 2 * AGENTS)
        assert_arrived(receiver.taken, events)


@pytest.mark.parametrize("key", [PartitionKeys(0).dispatch, ENDPOINTS])
async def test_a_primary_dies_and_what_is_owed_arrives(
    hooks: Hooks, cluster: Cluster, key: str
) -> None:
    """What waited for an endpoint to be enabled, and what was on its way."""
    async with receiving(slowly) as steady, receiving() as late:
        ids = await hooks.begin(steady, late)
        await hooks.ask("PATCH", f"webhooks/{ids[1]}", {"state": "disabled"})
        async with running(hooks.keep_changing()):
            await hooks.until_owed(ids[1], AGENTS, 1000)
            await steady.until(lambda: len(steady.taken) > 4 * AGENTS)
            cluster.owner(key).kill()
            known = Counter(got.entity for got in steady.taken)

            def is_back() -> bool:
                now = Counter(got.entity for got in steady.taken)
                return all(now[call] >= known[call] + 5 for call in known)

            await steady.until(is_back, 30)
        await hooks.ask("PATCH", f"webhooks/{ids[1]}", {"state": "enabled"})
        await hooks.until_shown()
        for id_, receiver in zip(ids, (steady, late), strict=True):
            await receiver.until_taken(await hooks.events())
            await hooks.until_owed(id_, 0, 0)
            assert_arrived(receiver.taken, await hooks.events())
