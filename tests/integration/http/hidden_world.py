"""Calls, commands, watches and recordings that are somebody else's, and one's own.

The name of everything that is somebody else's holds the word *hidden*, or is one of the
ids that the world has drawn; what does not exist is called *absent*.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.integration.http.kept_site import KeptSite, keeping
from tests.integration.http.site import JWT
from tests.unit.outlets.shelf import Shelf
from tracker.domain.archive import ExportSnapshot, MediaQuery
from tracker.domain.changes import Policy
from tracker.domain.reading import Observation
from tracker.domain.terms import PLATFORMS, RecordingState
from tracker.domain.wanted import Wanted
from tracker.domain.watch import Watch
from tracker.fanout.filters import EVERYTHING, Filter
from tracker.outlets.asking import Asked, Asker, Asking
from tracker.outlets.auth import ANONYMOUS
from tracker.outlets.endpoint import Endpoint, new_endpoint_id, new_secret

MINE = "genesys/acme/mine"
HIDDEN = "genesys/acme/hidden"
HIDDEN_LATER = "genesys/acme/hidden-gone"
"""Over, and forgotten by all but its timeline and its commands."""
HIDDEN_POLLED = "vonage_cc/acme/hidden"
TEAMS = {"jdoe": "sales", "rival": "hidden-rivals"}
BOSS = Asker.of(ANONYMOUS._replace(subject="boss"))

VIEWERS: dict[str, dict[str, list[str]]] = {
    "of one agent": {"agents": ["jdoe"]},
    "of one team": {"teams": ["sales"]},
    "of another account": {"accounts": ["kazoo/elsewhere"]},
    "of another provider": {"providers": ["kazoo"]},
    "of its agent elsewhere": {"agents": ["rival"], "accounts": ["kazoo/elsewhere"]},
    "of its team elsewhere": {"teams": ["hidden-rivals"], "providers": ["kazoo"]},
    "of its team without its agent": {
        "teams": ["hidden-rivals"],
        "agents": ["jdoe"],
    },
    "of nobody": {"agents": []},
}
"""Limits under which all of it is hidden."""


class World(NamedTuple):
    """What there is.

    Attributes:
        begun: A cursor before all of it.
        ids: Drawn ones, by what they are of; a test's paths name them.
    """

    site: KeptSite
    shelf: Shelf
    begun: str
    ids: dict[str, str]

    async def show(self, call: str, recording: RecordingState, agent: str) -> None:
        """The platform shows a call as it is now; return when that is served."""
        provider = call.partition("/")[0]
        source = agent if provider == "genesys" else "poller"
        feed = await self.site.feed(provider, source)
        shown = Observation(
            call=call,
            leg_id="leg-1",
            state="active",
            recording=recording,
            agent=agent,
            team=TEAMS[agent],
            actions=PLATFORMS[provider].actions,
        )
        await feed.tell(shown)
        await self.site.until(call, lambda s: s["recording"]["state"] == recording)

    async def command(self, call: str) -> str:
        """The boss has a call's recording paused; the command's id."""
        asked = Asked(call, Wanted(action="pause"), "hidden-key")
        taken = await Asking(self.site.services).ask(BOSS, asked)
        return taken.id


@asynccontextmanager
async def hidden_world(store: str) -> AsyncIterator[World]:
    """The world, on the empty store at the URL *store*."""
    shelf = Shelf("acme", "genesys")
    policy = Policy(ended_for_s=0.0)
    async with keeping(store, JWT, policy, [shelf]) as site:
        world = World(site, shelf, str(site.services.projection.cursor), {})
        await _fill_shelf(shelf)
        await world.show(MINE, "recording", "jdoe")
        await world.show(HIDDEN, "recording", "rival")
        await world.show(HIDDEN_POLLED, "recording", "rival")
        await world.show(HIDDEN_LATER, "recording", "rival")
        world.ids["command"] = await world.command(HIDDEN)
        world.ids["later"] = await world.command(HIDDEN_LATER)
        watch = Watch(id="f" * 32, call=HIDDEN_POLLED, requested_by="boss")
        await Asking(site.services).watch(watch)
        world.ids["watch"] = watch.id
        world.ids["endpoint"] = await _endpoint(world)
        await site.end(HIDDEN_LATER, "rival")
        yield world


async def _endpoint(world: World) -> str:
    """The boss has everything sent elsewhere."""
    endpoint = Endpoint(
        id=new_endpoint_id(),
        url="https://hidden.example",
        filter=Filter(),
        visible=EVERYTHING,
        created_by="boss",
        created_at=datetime.now(UTC),
        since=world.begun,
        secrets=(new_secret(),),
    )
    webhooks = world.site.services.webhooks
    assert webhooks is not None
    raw = endpoint.model_dump_json().encode()
    await webhooks.endpoints.change(endpoint.id, lambda _: raw)
    return endpoint.id


async def _fill_shelf(shelf: Shelf) -> None:
    about: dict[str, dict[str, Any]] = {
        "mine": {"call_key": MINE},
        "hidden": {"call_key": HIDDEN},
        "hidden-unlinked": {"file_name": "hidden.mp3"},
        "hidden-later": {"call_key": HIDDEN_LATER},
    }
    for number, (name, more) in enumerate(about.items()):
        media = shelf.held.pop(shelf.put(number, **more))
        key = f"{shelf.key}/{name}"
        shelf.held[key] = media.but(key=key)
    made: ExportSnapshot = await shelf.export(MediaQuery())
    del shelf.jobs[made.key]
    key = f"{shelf.key}/hidden"
    shelf.jobs[key] = made.but(key=key, state="completed")
