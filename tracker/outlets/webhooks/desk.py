"""What one process knows of all endpoints, and the lines that serve them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from random import random
from typing import Final

import structlog
from pydantic import ValidationError

from tracker.domain import endpoint as told
from tracker.domain.endpoint import WhyDisabled
from tracker.fanout.cursor import Cursor
from tracker.outlets.endpoint import Disabled, Endpoint
from tracker.outlets.webhooks.attempts import Luck, Means
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.dispatcher import Dispatcher
from tracker.outlets.webhooks.intake import Served
from tracker.outlets.webhooks.line import Job, Line
from tracker.outlets.webhooks.phases import Phases
from tracker.outlets.webhooks.sender import Sends
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.outlets.webhooks.slots import Slots
from tracker.store.endpoints import Endpoints, Known, Wish
from tracker.store.tending import tend
from tracker.telemetry import Metrics

log = structlog.get_logger(__name__)

EVERY_S: Final = 0.5

Announce = Callable[[told.Disabled], Awaitable[None]]


class _DisabledAlready(Exception):  # noqa: N818 it is no error
    """Or there is no such endpoint any more."""


class Desk:
    """Keeps an eye on the endpoints, as they are made, changed and removed.

    Args:
        endpoints: Of the store.
        sender: Takes events to them.
        settings: Of the webhooks.
        metrics: Of the process.
        clock: The time of day.
        announce: Tells everybody of an endpoint that was disabled.
        luck: For delays.

    Attributes:
        served: By the endpoint's id.
        unreadable: Ids of others that there are: a newer release may have made them.
        dispatchers: Of the partitions that this process serves, by number.
        processes: How many share the work.
        looked: Set as soon as *served* says what there is.
    """

    def __init__(  # noqa: PLR0913, PLR0917 what it is put together from
        self,
        endpoints: Endpoints,
        sender: Sends,
        settings: WebhookSettings,
        metrics: Metrics,
        clock: Clock,
        announce: Announce,
        luck: Luck = random,
    ) -> None:
        self.served: Mapping[str, Served] = {}
        self.unreadable: Collection[str] = frozenset()
        self.dispatchers: dict[int, Dispatcher] = {}
        self.processes = 1
        self.looked = asyncio.Event()
        self._endpoints = endpoints
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._announce = announce
        slots, phases = Slots[Job](settings.max_attempts), Phases()
        self._means = Means(slots, phases, sender, self, settings, metrics, clock, luck)
        self._raw: dict[str, bytes] = {}
        self._failing: dict[str, int] = {}
        self._looking = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        metrics.webhook_limit.set(settings.max_owed)

    async def run(self) -> None:
        """Look again and again, until cancelled; then end all lines."""
        try:
            await tend(self.look, EVERY_S, "webhook_store_away")
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def look(self) -> None:
        """Take in what the store has, and tell those whom it concerns.

        Raises:
            StoreError: It does not say.
        """
        async with self._looking:
            known = await self._endpoints.known()
            self._failing = known.failing
            self._refresh(known.endpoints)
            for dispatcher in self.dispatchers.values():
                dispatcher.wake()
            self._measure()
            await self._grant(known)

    def dropped(self, endpoint: str, count: int) -> None:
        """Deliveries were dropped, for a bound."""
        self._metrics.webhook_lost.labels(endpoint, "dropped").inc(count)

    async def failed(self, endpoint: str, at_ms: int) -> int:
        """It did not take something; since when it has taken nothing, ms."""
        since_ms = self._failing.get(endpoint)
        if since_ms is None:
            since_ms = self._failing[endpoint] = at_ms
            await self._endpoints.failed(endpoint, at_ms)
        return since_ms

    async def recovered(self, endpoint: str) -> None:
        """It took something."""
        self._failing.pop(endpoint, None)
        await self._endpoints.recovered(endpoint)

    async def disable(self, endpoint: str, why: WhyDisabled) -> None:
        """Nothing more is to be sent to it."""
        at = datetime.fromtimestamp(self._clock.now_s(), UTC)
        disabled = Disabled(at=at, why=why)

        def into(raw: bytes | None) -> bytes | None:
            known = None if raw is None else Endpoint.model_validate_json(raw)
            if known is None or known.disabled is not None:
                raise _DisabledAlready
            return known.changed(disabled=disabled).model_dump_json().encode()

        with suppress(_DisabledAlready):
            raw = await self._endpoints.change(endpoint, into)
            await self._endpoints.recovered(endpoint)
            log.error("webhook_disabled", endpoint=endpoint, why=why)
            changed = Endpoint.model_validate_json(raw or b"")
            await self._announce(
                told.Disabled(
                    key=changed.key,
                    state="disabled",
                    since=at,
                    why=why,
                    version=changed.version,
                )
            )
            await self.look()

    def _refresh(self, raws: Mapping[str, bytes]) -> None:
        served: dict[str, Served] = {}
        for id_, raw in raws.items():
            now = self.served.get(id_)
            if now is None or self._raw.get(id_) != raw:
                now = self._read(id_, raw, now)
            if now is not None:
                served[id_] = now
                now.line.update(
                    now.endpoint,
                    processes=self.processes,
                    failing=id_ in self._failing,
                )
        for id_, task in self._tasks.items():
            if task.done() and id_ in served:
                log.error(
                    "webhook_line_broken", endpoint=id_, exc_info=task.exception()
                )
                self._tasks[id_] = asyncio.create_task(served[id_].line.run())
        for id_ in self.served.keys() - served.keys():
            self._tasks.pop(id_).cancel()
            self._metrics.forget_webhook(id_)
        self._raw = dict(raws)
        self.served, self.unreadable = served, raws.keys() - served.keys()
        self.looked.set()

    def _read(self, id_: str, raw: bytes, now: Served | None) -> Served | None:
        try:
            endpoint = Endpoint.model_validate_json(raw)
            since = Cursor.parse(endpoint.since)
        except (ValidationError, ValueError):
            if self._raw.get(id_) != raw:
                log.error("webhook_unreadable", endpoint=id_)
            return now
        if now is None:
            line = Line(endpoint, self._means)
            self._tasks[id_] = asyncio.create_task(line.run())
        else:
            line = now.line
        return Served(endpoint, endpoint.query, since, line)

    def _measure(self) -> None:
        now_ms = self._clock.now_ms()
        for id_, served in self.served.items():
            lanes = [backlog.lanes for backlog in served.line.backlogs]
            oldest = [ms for one in lanes if (ms := one.oldest_ms) is not None]
            age_s = max(0.0, (now_ms - min(oldest)) / 1000) if oldest else 0.0
            self._metrics.webhook_owed.labels(id_).set(sum(map(len, lanes)))
            self._metrics.webhook_oldest.labels(id_).set(age_s)
            is_open = served.line.breaker.state != "closed"
            self._metrics.webhook_breaker.labels(id_).set(is_open)

    async def _grant(self, known: Known) -> None:
        """Owe what is wished of the partitions served here; what is nobody's goes."""
        granted: list[str] = []
        for id_, raw in known.wishes.items():
            wish = Wish.model_validate_json(raw)
            dispatcher = self.dispatchers.get(wish.partition)
            is_nobodys = wish.endpoint not in known.endpoints
            if is_nobodys or (dispatcher and await dispatcher.grant(wish)):
                granted.append(id_)
        if granted:
            await self._endpoints.granted(granted)
