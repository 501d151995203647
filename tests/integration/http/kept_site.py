"""tracker's outlets over a real store with real keepers; a test plays the platforms.

What an executor would do, the test does: it says that the platform was asked, what it
answered, and what it shows.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tests.integration.http.site import OPEN, STREAM
from tests.integration.store.kept import WITHIN_S, Kept, Teller, opened, running
from tracker.domain.archive import Archive
from tracker.domain.changes import Policy
from tracker.domain.command import Outcome, Sent
from tracker.domain.key import make_key, partition_of
from tracker.domain.reading import Checkpoint, Observation
from tracker.domain.terms import PLATFORMS, CallState, Kind, RecordingState
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.replay import Replay
from tracker.fanout.ring import Ring
from tracker.fanout.tail import Tails
from tracker.fanout.waiting import Ticket, Waiting
from tracker.ingest.story import Story
from tracker.outlets import http
from tracker.outlets.auth import Authenticator, AuthSettings, Limits, mint
from tracker.outlets.egress import Guard
from tracker.outlets.payload import ServerSettings, Services, Webhooks
from tracker.outlets.server import create_server, listening
from tracker.outlets.websocket import Gateway
from tracker.store.deliveries import Deliveries
from tracker.store.endpoints import Endpoints
from tracker.store.keys import KEEP_LEASE
from tracker.store.requests import Requests
from tracker.telemetry import Metrics

Json = dict[str, Any]
PARTITIONS = 2


class Feed(Teller):
    """One source of any provider, that tells what a test says."""

    def __init__(self, kept: Kept, provider: str, name: str) -> None:
        super().__init__(kept, name)
        self.provider = provider
        self.key = make_key(provider, "acme", name)
        self.story = Story(self.key, 1, "p1", kept.partitions)


@dataclass
class KeptSite:
    """A serving process, and the platforms behind it."""

    kept: Kept
    services: Services
    tails: Tails
    auth: AuthSettings
    url: str = ""
    keepers: AsyncExitStack = field(default_factory=AsyncExitStack)
    _feeds: dict[tuple[str, str], Feed] = field(default_factory=dict)

    def token(
        self, scope: str = "calls:read calls:control", sub: str = "jdoe", **limits: Any
    ) -> str:
        """An access token."""
        expires_at = datetime.now(UTC) + timedelta(minutes=5)
        allowed = Limits.model_validate(limits)
        return mint(self.auth, sub, scope.split(), allowed, expires_at)

    async def keep(self) -> None:
        """Keep every partition, until `keepers` is closed."""
        kept = self.kept
        for number, leases in enumerate(kept.leases("p1")):
            await self.keepers.enter_async_context(running(kept.run("p1", number)))
            self.keepers.push_async_callback(leases.release, [KEEP_LEASE])

    async def feed(self, provider: str = "genesys", name: str = "jdoe") -> Feed:
        """A source whose account is known."""
        if (provider, name) not in self._feeds:
            feed = self._feeds[provider, name] = Feed(self.kept, provider, name)
            await feed.tell(Checkpoint(process="p1"))
            account = make_key(provider, "acme")
            await self.until(account, lambda shown: shown["state"] == "up", "account")
        return self._feeds[provider, name]

    async def show(
        self,
        key: str,
        recording: RecordingState | None = "recording",
        state: CallState = "active",
        agent: str = "jdoe",
    ) -> None:
        """The platform shows a call; return when that is served."""
        provider = key.partition("/")[0]
        await (await self.feed(provider, agent)).tell(
            seen(key, recording, state, agent)
        )
        if recording is not None:

            def served(shown: Json) -> bool:
                legs = {p["agent"]: p for p in shown["call"]["parties"]}
                leg = legs.get(agent, {"state": None})
                known = (leg.get("recording") or {}).get("state") == recording
                return leg["state"] == state and (known or state == "ended")

            await self.until(key, served)

    async def end(self, key: str, agent: str = "jdoe") -> None:
        """The call is over; return when it is forgotten, which must not take long."""
        provider = key.partition("/")[0]
        feed = await self.feed(provider, agent)
        with self.services.waiting.expecting(key) as ticket:
            await feed.tell(seen(key, None, "ended", agent))
            assert await ticket.until(lambda _: self.shown(key) is None, WITHIN_S)

    async def until(
        self, key: str, what: Callable[[Json], bool], kind: Kind = "call"
    ) -> Json:
        """Wait until what is served of an entity makes *what* true; that."""

        def served(_: Ticket) -> bool:
            shown = self.shown(key, kind)
            return shown is not None and what(shown)

        with self.services.waiting.expecting(key) as ticket:
            assert await ticket.until(served, WITHIN_S), self.shown(key, kind)
        return self.shown(key, kind) or {}

    def shown(self, key: str, kind: Kind = "call") -> Json | None:
        """What is served of an entity."""
        stored = self.services.projection.get(kind, key)
        return json.loads(stored.snapshot) if stored else None

    async def answer(
        self,
        key: str,
        command: str,
        result: Literal["accepted", "refused", "lost"] = "accepted",
        problem: str | None = None,
        agent: str = "jdoe",
    ) -> None:
        """The platform was asked, and answered."""
        source = make_key(*key.split("/")[:2], agent)
        sent = Sent(call=key, command=command, source=source, token=1, attempt="a1")
        told = Outcome(
            call=key,
            command=command,
            source=source,
            attempt="a1",
            result=result,
            problem=problem,
        )
        number = partition_of("call", key, PARTITIONS)
        await self.kept.inboxes[number].append([sent, told])


def seen(
    key: str,
    recording: RecordingState | None = "recording",
    state: CallState = "active",
    agent: str = "jdoe",
) -> Observation:
    """A notification of one leg."""
    actions = PLATFORMS[key.partition("/")[0]].actions
    return Observation(
        call=key,
        leg_id="leg-1",
        state=state,
        recording=recording,
        agent=agent,
        actions=actions,
    )


@asynccontextmanager
async def keeping(
    store: str,
    auth: AuthSettings = OPEN,
    policy: Policy | None = None,
    archives: Sequence[Archive] = (),
) -> AsyncIterator[KeptSite]:
    """A site on the empty store at the URL *store*."""
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(opened(store, PARTITIONS))
        kept.policy = policy or kept.policy
        site = _site(kept, auth, archives)
        await stack.enter_async_context(site.keepers)
        await site.keep()
        await site.tails.start()
        await stack.enter_async_context(running(site.tails.run()))
        services, stream = site.services, Gateway(site.services)
        app = create_server(services, [http.routes(services, STREAM), stream.routes()])
        app.on_shutdown.append(stream.close)
        site.url = await stack.enter_async_context(listening(app, services.settings))
        yield site


async def look_up(host: str, _port: int) -> list[str]:
    """One name there is, and no network."""
    if host == "public.example":
        return ["93.184.215.14"]
    raise OSError(host)


LATE = "vonage_cc/late"
"""An account of the settings whose platform has not been heard of."""


def _site(kept: Kept, auth: AuthSettings, archives: Sequence[Archive]) -> KeptSite:
    settings, waiting = ServerSettings(port=0), Waiting()
    projection = Projection(kept.outbox, settings)
    hub = Hub(Ring(PARTITIONS, settings.ring_entries))
    services = Services(
        projection=projection,
        hub=hub,
        replay=Replay(kept.outbox, projection, hub, settings),
        outbox=kept.outbox,
        requests=Requests(kept.redis, kept.keys),
        waiting=waiting,
        auth=Authenticator(auth),
        settings=settings,
        metrics=Metrics(),
        ready=lambda: (),
        version="0.0.1",
        archives={archive.key: archive for archive in archives},
        accounts=frozenset({LATE}),
        webhooks=Webhooks(
            Endpoints(kept.redis, kept.functions),
            Deliveries(kept.redis, kept.keys),
            Guard(allow_loopback=True, lookup=look_up),
        ),
    )
    tails = Tails(kept.outbox, projection, hub, settings, waiting)
    return KeptSite(kept, services, tails, auth)
