"""tracker's outlets on a real socket, over an outbox that a test fills."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import get_args

from aiohttp import web

from tests.unit.outlets.unkept import Putable, Unkept
from tracker.domain.archive import Archive
from tracker.domain.call import Interval, Recording
from tracker.domain.entry import Entry, Fact, Header, Watermark
from tracker.domain.event import Event
from tracker.domain.key import account_of, make_key, partition_of
from tracker.domain.snapshot import (
    AccountSnapshot,
    CallPart,
    CallSnapshot,
    Cause,
    Party,
    RecordingPart,
    SourceSnapshot,
    Totals,
)
from tracker.domain.terms import Evidence, Kind, RecordingState, SourceState
from tracker.domain.view import View
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.fanout.cursor import Place
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.replay import Replay
from tracker.fanout.ring import Ring
from tracker.fanout.tail import Tails
from tracker.fanout.waiting import Waiting
from tracker.outlets import dashboard, http, websocket
from tracker.outlets.auth import Authenticator, AuthSettings, Limits, mint
from tracker.outlets.http import StreamForms
from tracker.outlets.payload import ServerSettings, Services
from tracker.outlets.quota import LimitSettings, Quota
from tracker.outlets.server import create_server, listening
from tracker.outlets.websocket import codes, frames
from tracker.store.follow import BEGINNING
from tracker.store.outbox import Outbox, Past, Stored, Tailed
from tracker.telemetry import Metrics

BEGUN_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
PARTITIONS = 2
SECRET = "0123456789abcdef" * 2
JWT = AuthSettings.model_validate({"mode": "jwt", "secret": SECRET})
OPEN = AuthSettings()
STREAM = StreamForms(
    address="/v1/stream",
    subprotocol="tracker.v1",
    received=frames.OPS.values(),
    sent=(*get_args(frames.Outgoing), Event),
    close_codes=codes.MEANINGS,
)


class FilledOutbox(Outbox):
    """What a test put there: it follows the contract of the store's."""

    def __init__(self) -> None:
        self.partitions = PARTITIONS
        self.epoch = "e1"
        self.entries: list[list[Tailed]] = [[] for _ in range(PARTITIONS)]
        self.timelines: dict[str, list[Interval]] = {}
        self.links: dict[str, tuple[str, ...]] = {}
        self.recordings: dict[str, Recording] = {}
        self.away = False

    async def end(self, partition: int) -> str:
        entries = self.entries[partition]
        return entries[-1].id if entries else BEGINNING

    async def stored(self, partition: int) -> list[Stored]:
        return []

    async def entry(self, partition: int, id_: str) -> Tailed:
        self._answer()
        found = [tailed for tailed in self.entries[partition] if tailed.id == id_]
        if not found:
            raise PositionLostError(id_)
        return found[0]

    async def read(self, partition: int, after: str, count: int) -> list[Tailed]:
        self._answer()
        ids = [tailed.id for tailed in self.entries[partition]]
        if after == BEGINNING:
            return self.entries[partition][:count]
        if after not in ids:
            raise PositionLostError(after)
        begin = ids.index(after) + 1
        return self.entries[partition][begin : begin + count]

    async def back(self, partition: int, newest: str) -> AsyncGenerator[list[Tailed]]:
        last = Place.parse(newest)
        older = [t for t in self.entries[partition] if Place.parse(t.id) <= last]
        if older:
            yield older[::-1]

    async def past(self, key: str) -> Past:
        self._answer()
        return Past(
            tuple(self.timelines.get(key, ())),
            self.links.get(key, ()),
            self.recordings.get(key),
        )

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailableError("away")


Snapshot = CallSnapshot | SourceSnapshot | AccountSnapshot


@dataclass
class Site:
    """A serving process.

    Attributes:
        reasons: Why it is not ready.
    """

    outbox: FilledOutbox
    projection: Projection
    tails: Tails
    auth: AuthSettings
    services: Services
    url: str = ""
    reasons: list[str] = field(default_factory=list)
    _views: dict[tuple[Kind, str], View] = field(default_factory=dict)
    _number: int = 0

    @property
    def told(self) -> list[Putable]:
        """What was put into the store, in order."""
        requests = self.services.requests
        assert isinstance(requests, Unkept)
        return requests.told

    def token(self, scope: str = "calls:read sources:read", **limits: list[str]) -> str:
        """An access token."""
        expires_at = datetime.now(UTC) + timedelta(minutes=5)
        allowed = Limits.model_validate(limits)
        return mint(self.auth, "jdoe", scope.split(), allowed, expires_at)

    def show(self, snapshot: Snapshot, *types: str) -> None:
        """Commit *snapshot* with an event of each of *types*."""
        view = view_of(snapshot)
        entity = (view.kind, view.key)
        before, self._views[entity] = self._views.get(entity), view
        change = {"from": None, "to": "shown"}
        at = BEGUN_AT + timedelta(seconds=self._number)
        entry = Entry(
            entity=view.kind,
            key=view.key,
            version=snapshot.version,
            facts=tuple(Fact(type=f"tracker.{t}", at=at, change=change) for t in types),
            before=before,
            after=view,
            recorded_at=at,
        )
        number = partition_of(view.kind, view.key, PARTITIONS)
        self._append(number, entry, snapshot.model_dump_json().encode())

    def watermark(self, late_s: float = 0) -> None:
        """Show that the keepers live, and how late they are."""
        handled_at = datetime.now(UTC) - timedelta(seconds=late_s)
        for partition in range(PARTITIONS):
            self._append(partition, Watermark(handled_at=handled_at))

    def trim(self) -> None:
        """Lose what is in the outboxes, but not their newest entries."""
        for entries in self.outbox.entries:
            del entries[:-1]

    def _append(self, partition: int, header: Header, snapshot: bytes = b"") -> None:
        self._number += 1
        place = Place(int(datetime.now(UTC).timestamp() * 1000), self._number)
        tailed = Tailed(partition, place.stream_id, header, snapshot)
        self.outbox.entries[partition].append(tailed)
        self.tails.take(tailed)


@asynccontextmanager
async def serving(  # noqa: PLR0913 so many things can differ
    auth: AuthSettings = OPEN,
    *,
    loaded: bool = True,
    ring_entries: int = 1000,
    live_grace_s: float = 10,
    archives: Sequence[Archive] = (),
    origins: tuple[str, ...] = (),
    limits: LimitSettings | None = None,
    more: Sequence[web.RouteDef] = (),
) -> AsyncIterator[Site]:
    """A site that listens on a free port."""
    settings = ServerSettings(
        port=0,
        ring_entries=ring_entries,
        live_grace_s=live_grace_s,
        allowed_origins=origins,
    )
    outbox, reasons = FilledOutbox(), list[str]()
    projection = Projection(outbox, settings)
    hub = Hub(Ring(PARTITIONS, settings.ring_entries))
    services = Services(
        projection=projection,
        hub=hub,
        replay=Replay(outbox, projection, hub, settings),
        outbox=outbox,
        requests=Unkept(),
        waiting=Waiting(),
        auth=Authenticator(auth),
        settings=settings,
        metrics=Metrics(),
        ready=lambda: reasons,
        version="0.0.1",
        archives={archive.key: archive for archive in archives},
        quota=Quota(limits),
    )
    tails = Tails(outbox, projection, hub)
    site = Site(outbox, projection, tails, auth, services, reasons=reasons)
    api = http.routes(services, STREAM, dashboard.front)
    outlets = [api, dashboard.routes(), websocket.Gateway(services).routes(), more]
    if loaded:
        await site.tails.start()
        site.watermark()
    keys = asyncio.create_task(services.auth.run())
    try:
        async with listening(create_server(services, outlets), settings) as url:
            site.url = url
            yield site
    finally:
        keys.cancel()
        await asyncio.gather(keys, return_exceptions=True)


def call(
    call_id: str = "c1",
    state: RecordingState = "recording",
    *,
    version: int = 1,
    agents: Collection[str] = ("jdoe",),
    account: str = "acme",
    ended: bool = False,
) -> CallSnapshot:
    """A call of Genesys."""
    parties = [Party(agent=agent, team="sales", role="agent") for agent in agents]
    return CallSnapshot(
        key=make_key("genesys", account, call_id),
        provider="genesys",
        account=account,
        call_id=call_id,
        version=version,
        call=CallPart(
            state="ended" if ended else "active",
            answered_at=BEGUN_AT,
            ended_at=BEGUN_AT + timedelta(seconds=60) if ended else None,
            parties=tuple(parties),
        ),
        recording=RecordingPart(
            state=state,
            since=BEGUN_AT + timedelta(seconds=10 * version),
            since_exact=True,
            cause=Cause(by="platform"),
        ),
        totals=Totals(recording_s=version, as_of=BEGUN_AT),
    )


def source(
    name: str = "jdoe", state: SourceState = "up", *, version: int = 1
) -> SourceSnapshot:
    """An agent's session."""
    return SourceSnapshot(
        key=make_key("genesys", "acme", name),
        provider="genesys",
        account="acme",
        state=state,
        since=BEGUN_AT,
        version=version,
    )


def account(name: str = "acme") -> AccountSnapshot:
    """A tenant of Genesys."""
    return AccountSnapshot(
        key=make_key("genesys", name),
        provider="genesys",
        account=name,
        state="up",
        since=BEGUN_AT,
        version=1,
    )


def interval(state: RecordingState, from_s: float, to_s: float) -> Interval:
    """A closed interval, in seconds from the beginning."""
    return Interval(
        state=state,
        from_=BEGUN_AT + timedelta(seconds=from_s),
        to=BEGUN_AT + timedelta(seconds=to_s),
        evidence="notification",
        cause=Cause(by="platform"),
    )


def lasting(shown: CallSnapshot, evidence: Evidence) -> Recording:
    """What the store has of a call's recording."""
    part = shown.recording
    return Recording(
        state=part.state, since=part.since, cause=part.cause, evidence=evidence
    )


def view_of(shown: Snapshot) -> View:
    """What filters look at."""
    owner = account_of(shown.key)
    if isinstance(shown, AccountSnapshot):
        return View(kind="account", key=shown.key, account=owner)
    if isinstance(shown, SourceSnapshot):
        return View(kind="source", key=shown.key, account=owner)
    return View(
        key=shown.key,
        account=owner,
        agents=tuple(p.agent for p in shown.call.parties if p.agent),
        teams=tuple(p.team for p in shown.call.parties if p.team),
        state=shown.recording.state,
        ended=shown.call.ended_at is not None,
    )
