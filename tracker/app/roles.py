"""Each role of a process but ingest, wired: what keeps, serves and delivers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import get_args

import structlog

from tracker.app.opened import OpenedStore
from tracker.domain.archive import Archive
from tracker.domain.endpoint import Disabled
from tracker.domain.event import Event
from tracker.domain.key import make_key, partition_of
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.replay import Replay
from tracker.fanout.ring import Ring
from tracker.fanout.tail import Tails
from tracker.fanout.waiting import Waiting
from tracker.keep.keeper import Keeper
from tracker.keep.partition import Partition
from tracker.keep.role import KeepRole
from tracker.outlets import dashboard, http
from tracker.outlets.auth import Authenticator
from tracker.outlets.egress import Guard
from tracker.outlets.payload import OptionsCheck, Services, Webhooks
from tracker.outlets.quota import Quota
from tracker.outlets.seal import Seal
from tracker.outlets.server import create_server, listening
from tracker.outlets.webhooks import (
    Clock,
    Desk,
    Dispatcher,
    DispatchRole,
    opened_sender,
)
from tracker.outlets.websocket import Gateway, codes, conversation, frames, gateway
from tracker.providers.base import CheckedArchive
from tracker.providers.registry import ARCHIVES, OPTIONS, OptionsChecker
from tracker.providers.settings import AccountSettings
from tracker.settings import Settings
from tracker.store.codec import at_ms
from tracker.store.deliveries import Deliveries
from tracker.store.dispatch import DispatchLedger
from tracker.store.endpoints import Endpoints
from tracker.store.inbox import Inbox
from tracker.store.leases import Lease
from tracker.store.ledger import Ledger
from tracker.store.requests import Requests
from tracker.store.retention import Retention
from tracker.telemetry import Metrics

log = structlog.get_logger(__name__)

STREAM = http.StreamForms(
    address=gateway.PATH,
    subprotocol=conversation.SUBPROTOCOL,
    received=frames.OPS.values(),
    sent=(Event, *get_args(frames.Outgoing)),
    close_codes=codes.MEANINGS,
)


async def keep(
    store: OpenedStore, settings: Settings, process: str, metrics: Metrics
) -> None:
    """Keep this process's share of the partitions, until cancelled."""
    lease_s = store.settings.lease_s

    def new_keeper(number: int) -> Keeper:
        keys = store.keys[number]
        return Keeper(
            Ledger(store.redis, store.functions, keys, lease_s),
            Inbox(store.redis, keys),
            Retention(store.redis, keys, store.limits, store.partitions),
            Partition(number, store.partitions, settings.keep.policy),
            lease_s,
            lambda partition, entries: _observe(metrics, number, partition, entries),
        )

    role = KeepRole(store.registry, process, store.leases(process), new_keeper)
    await role.run()


def _observe(metrics: Metrics, number: int, partition: Partition, entries: int) -> None:
    metrics.inputs.labels(number).inc(entries)
    aside = partition.counts.pop("aside", 0)
    if aside:
        metrics.put_aside.labels(number).inc(aside)
    for (account, stage), count in partition.stages.items():
        metrics.commands.labels(account, stage).inc(count)
    partition.stages.clear()
    age_s = datetime.now(UTC).timestamp() - at_ms(partition.offset) / 1000
    metrics.handled_seconds.observe(max(0.0, age_s))


@asynccontextmanager
async def opened_archives(settings: Settings) -> AsyncIterator[list[CheckedArchive]]:
    """Every account with stored recordings, with its connections."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(open_archive(section))
            for name, open_archive in ARCHIVES.items()
            for section in getattr(settings, name)
        ]


async def serve(
    store: OpenedStore,
    settings: Settings,
    metrics: Metrics,
    on_ready: Callable[[str], None],
) -> None:
    """Answer subscribers and requests, until cancelled."""
    async with opened_archives(settings) as archives:
        await _serve(store, settings, metrics, on_ready, archives)


async def _serve(
    store: OpenedStore,
    settings: Settings,
    metrics: Metrics,
    on_ready: Callable[[str], None],
    archives: Sequence[Archive],
) -> None:
    outbox = store.outbox(settings.keep.policy)
    projection = Projection(outbox, settings.server)
    hub = Hub(Ring(store.partitions, settings.server.ring_entries))
    waiting = Waiting()
    tails = Tails(outbox, projection, hub, settings.server, waiting)
    services = Services(
        projection=projection,
        hub=hub,
        replay=Replay(outbox, projection, hub, settings.server),
        outbox=outbox,
        requests=Requests(store.redis, store.keys),
        webhooks=Webhooks(
            Endpoints(store.redis, store.functions),
            Deliveries(store.redis, store.keys),
            Guard(allow_loopback=settings.webhooks.allow_loopback),
        ),
        waiting=waiting,
        auth=Authenticator(settings.auth),
        settings=settings.server,
        metrics=metrics,
        ready=lambda: _reasons(projection),
        version=version("tracker"),
        archives={archive.key: archive for archive in archives},
        options=_options(settings),
        accounts=frozenset(
            make_key(provider, account)
            for provider, accounts in settings.accounts.items()
            for account in accounts
        ),
        quota=Quota(settings.limits if settings.auth.mode == "jwt" else None),
        seal=Seal(await store.registry.secret()),
    )
    stream = Gateway(services, settings.stream)
    api = http.routes(services, STREAM, dashboard.front)
    app = create_server(services, [api, dashboard.routes(), stream.routes()])
    app.on_shutdown.append(stream.close)
    await tails.start()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tails.run())
        group.create_task(services.auth.run())
        try:
            async with listening(app, settings.server) as url:
                on_ready(url)
                await asyncio.Event().wait()
        finally:
            running.cancel()


async def dispatch(
    store: OpenedStore, settings: Settings, process: str, metrics: Metrics
) -> None:
    """Deliver this process's share of the events to webhooks, until cancelled."""
    clock, webhooks = Clock(), settings.webhooks
    outbox, lease_s = store.outbox(settings.keep.policy), store.settings.lease_s
    endpoints, inboxes = Endpoints(store.redis, store.functions), store.inboxes()

    async def announce(told: Disabled) -> None:
        await inboxes[partition_of("endpoint", told.key, len(inboxes))].append([told])

    async with opened_sender(webhooks) as sender:
        desk = Desk(endpoints, sender, webhooks, metrics, clock, announce)

        def new_dispatcher(number: int, lease: Lease) -> Dispatcher:
            keys = store.keys[number]
            ledger = DispatchLedger(store.redis, store.functions, keys, lease_s)
            return Dispatcher(ledger, lease, outbox, webhooks, clock, desk)

        leases = store.leases(process)
        role = DispatchRole(store.registry, process, leases, desk, new_dispatcher)
        await role.run()


def _options(settings: Settings) -> dict[str, OptionsCheck]:
    """What looks at a command's options, by the accounts' keys."""

    def by(check: OptionsChecker, section: AccountSettings) -> OptionsCheck:
        return lambda action, options: check(action, options, section)

    return {
        make_key(name, section.account): by(check, section)
        for name, check in OPTIONS.items()
        for section in getattr(settings, name)
    }


def _reasons(projection: Projection) -> list[str]:
    """Why this process should get no traffic."""
    if not projection.loaded:
        return ["the calls are still being read"]
    return [] if projection.live else ["what is served is not live"]
