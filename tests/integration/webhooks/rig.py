"""Outboxes that a test fills, and dispatchers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.integration.store.kept import Kept, opened
from tests.integration.webhooks.receiver import WITHIN_S
from tracker.domain.delivery import Delivery
from tracker.domain.endpoint import Disabled
from tracker.domain.entry import Entry, Fact
from tracker.domain.key import account_of, partition_of
from tracker.domain.view import View
from tracker.fanout.cursor import Cursor, Place
from tracker.fanout.filters import EVERYTHING, Filter, Visibility
from tracker.outlets.endpoint import Disabled as Off
from tracker.outlets.endpoint import (
    Endpoint,
    new_endpoint_id,
    new_secret,
)
from tracker.outlets.webhooks import (
    Clock,
    Desk,
    Dispatcher,
    DispatchRole,
    opened_sender,
)
from tracker.outlets.webhooks.sender import Sends
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.store.codec import (
    HEADER_FIELD,
    NUMBER_FIELD,
    SNAPSHOT_FIELD,
    dump,
)
from tracker.store.deliveries import Deliveries, Wanted
from tracker.store.dispatch import DispatchLedger
from tracker.store.endpoints import Endpoints
from tracker.store.leases import Lease
from tracker.store.redis import Value
from tracker.telemetry import Metrics

PARTITIONS = 2
CHANGED = "tracker.call.changed"
SETTINGS = WebhookSettings(allow_loopback=True, timeout_s=5)
_POLL_S = 0.02


async def until(
    is_so: Callable[[], Awaitable[bool]], within_s: float = WITHIN_S
) -> None:
    """Ask again and again, for what announces itself in no other way."""
    for _ in range(round(within_s / _POLL_S)):
        if await is_so():
            return
        await asyncio.sleep(_POLL_S)
    raise TimeoutError


class QuickClock(Clock):
    """The time of day, so many times as fast; whoever waits is told of a change."""

    def __init__(self) -> None:
        self._base_s = self._now_s = super().now_s()
        self._speed = 1.0

    def run(self, speed: float) -> None:
        """Go on at *speed* from now."""
        self._now_s = self.now_s()
        self._base_s, self._speed = super().now_s(), speed

    def jump(self, seconds: float) -> None:
        """Go on *seconds* later."""
        self._now_s += seconds

    def now_s(self) -> float:
        return self._now_s + (super().now_s() - self._base_s) * self._speed

    async def sleep(self, seconds: float | None, woken: asyncio.Event) -> None:
        left_s = 60.0 if seconds is None else seconds
        await super().sleep(min(left_s / self._speed, 0.05), woken)


@dataclass
class Rig:
    """A store and everything that works on it.

    Attributes:
        padding: In every event.
        real_clock: What works goes by the time of day, not by `clock`.
    """

    kept: Kept
    endpoints: Endpoints
    deliveries: Deliveries
    metrics: Metrics
    clock: QuickClock
    padding: str = ""
    real_clock: bool = False
    _numbers: dict[int, int] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)

    async def tell(self, entity: str, count: int = 1, *types: str) -> None:
        """Commit the next changes of a call."""
        number = partition_of("call", entity, self.kept.partitions)
        await self.tell_all(number, [(entity, types or (CHANGED,))] * count)

    async def tell_last(self, entity: str) -> None:
        """Commit that a call is gone, as an event."""
        number = partition_of("call", entity, self.kept.partitions)
        key = self.kept.keys[number].outbox
        command = self._command(number, key, entity, (CHANGED,), gone=True)
        await self.kept.redis.call(key, *command)

    async def tell_all(
        self, number: int, changes: Sequence[tuple[str, Sequence[str]]]
    ) -> None:
        """Commit changes of calls of one partition, in one go."""
        key = self.kept.keys[number].outbox
        commands = [self._command(number, key, *change) for change in changes]
        await self.kept.redis.pipeline(key, commands)

    def _command(
        self,
        number: int,
        key: str,
        entity: str,
        types: Sequence[str],
        *,
        gone: bool = False,
    ) -> tuple[Value, ...]:
        self._versions[entity] = version = self._versions.get(entity, 0) + 1
        self._numbers[number] = entry = self._numbers.get(number, 0) + 1
        at = datetime.now(UTC)
        view = View(key=entity, account=account_of(entity), agents=("jdoe",))
        header = Entry(
            entity="call",
            key=entity,
            version=version,
            facts=tuple(Fact(type=t, at=at, change={"to": "x"}) for t in types),
            before=view if version > 1 else None,
            after=None if gone else view,
            recorded_at=at,
        )
        shown = {"key": entity, "version": version, "padding": self.padding}
        snapshot = json.dumps(shown)
        fields = (NUMBER_FIELD, entry, SNAPSHOT_FIELD, snapshot)
        return ("XADD", key, "*", HEADER_FIELD, dump(header), *fields)

    async def cursor(self) -> str:
        """Behind everything that was told."""
        outbox = self.kept.outbox
        ends = [await outbox.end(n) for n in range(outbox.partitions)]
        return str(Cursor(outbox.epoch, tuple(map(Place.parse, ends))))

    async def add(
        self,
        url: str,
        wanted: Filter | None = None,
        visible: Visibility = EVERYTHING,
        **rest: Any,
    ) -> Endpoint:
        """An endpoint whose events begin now."""
        fields: dict[str, Any] = {
            "id": new_endpoint_id(),
            "url": url,
            "filter": wanted or Filter(),
            "visible": visible,
            "created_by": "jdoe",
            "created_at": datetime.now(UTC),
            "since": await self.cursor(),
            "secrets": (new_secret(),),
        }
        endpoint = Endpoint(**(fields | rest))
        await self.put(endpoint)
        return endpoint

    async def put(self, endpoint: Endpoint) -> None:
        """Have it so."""
        raw = endpoint.model_dump_json().encode()
        await self.endpoints.change(endpoint.id, lambda _: raw)

    async def get(self, endpoint: Endpoint) -> Endpoint:
        """As it is now."""
        raw = await self.endpoints.get(endpoint.id)
        assert raw is not None
        return Endpoint.model_validate_json(raw)

    async def listed(self, endpoint: Endpoint, *, owed: bool) -> list[Delivery]:
        """Its deliveries, the newest first."""
        wanted = Wanted(endpoint.id, 1000)
        found = await self.deliveries.list(wanted, lambda _: True, owed=owed)
        return found.items

    async def until_owed(
        self,
        endpoint: Endpoint,
        count: int,
        within_s: float = WITHIN_S,
        *,
        at_least: bool = False,
    ) -> None:
        """Wait until so many are."""

        async def is_so() -> bool:
            owed = (await self.deliveries.summary(endpoint.id)).owed
            return owed == count or (at_least and owed >= count)

        await until(is_so, within_s)

    async def until_disabled(self, endpoint: Endpoint) -> Off:
        """Wait until it is."""
        found: list[Off] = []

        async def is_so() -> bool:
            disabled = (await self.get(endpoint)).disabled
            found.extend([disabled] if disabled else [])
            return bool(found)

        await until(is_so)
        return found[0]

    def value(self, name: str, **labels: str) -> float:
        """Of a metric."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def _announce(self, told: Disabled) -> None:
        number = partition_of("endpoint", told.key, self.kept.partitions)
        await self.kept.inboxes[number].append([told])

    def role(
        self, sender: Sends, settings: WebhookSettings, process: str
    ) -> DispatchRole:
        """One process's."""
        kept, clock = self.kept, Clock() if self.real_clock else self.clock
        desk = Desk(
            self.endpoints,
            sender,
            settings,
            self.metrics,
            clock,
            self._announce,
            lambda: 0.0,
        )

        def new_dispatcher(number: int, lease: Lease) -> Dispatcher:
            keys, lease_s = kept.keys[number], kept.lease_s
            ledger = DispatchLedger(kept.redis, kept.functions, keys, lease_s)
            return Dispatcher(ledger, lease, kept.outbox, settings, clock, desk)

        leases = kept.leases(process)
        return DispatchRole(kept.registry, process, leases, desk, new_dispatcher)

    @asynccontextmanager
    async def dispatching(
        self,
        settings: WebhookSettings = SETTINGS,
        process: str = "p1",
        sender: Sends | None = None,
    ) -> AsyncIterator[asyncio.Task[None]]:
        """A process that delivers, beside the test."""
        async with opened_sender(settings) as own:
            role = self.role(sender or own, settings, process)
            task = asyncio.create_task(role.run())
            try:
                yield task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def rig_of(kept: Kept) -> Rig:
    """A rig over what is opened already."""
    return Rig(
        kept,
        Endpoints(kept.redis, kept.functions),
        Deliveries(kept.redis, kept.keys),
        Metrics(),
        QuickClock(),
    )


@asynccontextmanager
async def rigged(
    url: str, partitions: int = PARTITIONS, lease_s: float = 2.0
) -> AsyncIterator[Rig]:
    """A rig over the store at *url*."""
    async with opened(url, partitions, lease_s) as kept:
        yield rig_of(kept)
