"""One process with its roles, over one store."""

import asyncio
import gc
from collections.abc import Callable
from functools import partial
from secrets import token_hex
from typing import NamedTuple

import structlog

from tracker.app import ingesting
from tracker.app import roles as wired
from tracker.app.health import telling_health
from tracker.app.opened import OpenedStore, opened_store
from tracker.domain.placement import Role
from tracker.errors import StoreError, StoreUnavailableError
from tracker.settings import Settings
from tracker.store.redis import Keyspace
from tracker.telemetry import Metrics

log = structlog.get_logger(__name__)

_RESTART_S = 1.0


class Running(NamedTuple):
    """A process that has started.

    Attributes:
        url: Where it serves; empty when it does not.
    """

    url: str


OnReady = Callable[[Running], None]


async def run(settings: Settings, roles: frozenset[Role], *, on_ready: OnReady) -> None:
    """Run *roles* until cancelled; an embedded server that ends is started again.

    Args:
        settings: Whole.
        roles: What this process does.
        on_ready: Told once every role works.

    Raises:
        ConfigError: It cannot start, and what to do.
    """
    spare_the_collector()
    if "ingest" in roles:
        await ingesting.read_agents(settings)
    process = Process(settings, roles, on_ready)
    async with telling_health(settings.health, process.metrics, process.why_not):
        while True:
            try:
                async with opened_store(settings.store) as store:
                    await process.run(store)
            except* StoreUnavailableError as gone:
                log.error("store_ended", error=str(gone.exceptions[0]))
            await asyncio.sleep(_RESTART_S)


def spare_the_collector() -> None:
    """Look for cycles less often: calls live for minutes, and hold none.

    With the defaults a third of a keeper's time went into looking (measured).
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 10_000)


class Process:
    """The roles of this process, started anew with every store.

    Args:
        settings: Whole.
        roles: What this process does.
        on_ready: Told the first time that every role works.

    Attributes:
        metrics: Of all roles, over all stores.
    """

    def __init__(
        self, settings: Settings, roles: frozenset[Role], on_ready: OnReady
    ) -> None:
        self._settings = settings
        self._roles = roles
        self._on_ready = on_ready
        self._keeper = token_hex(6)
        self.metrics = Metrics()
        self._redis: Keyspace | None = None
        self._was_ready = False

    async def why_not(self) -> str | None:
        """Why it cannot work now; None = its roles run, and the store answers."""
        if self._redis is None:
            return "it is starting, or waits for its store"
        try:
            await self._redis.time_ms()
        except StoreError as error:
            return str(error)
        return None

    async def run(self, store: OpenedStore) -> None:
        """Run until cancelled, or until the store ends.

        Who keeps has the same name again and gets its partitions back at once; who
        ingests has a new one, for its numbers begin anew.
        """
        settings, metrics = self._settings, self.metrics
        served = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                if store.server is not None:
                    group.create_task(_watch(store))
                if "keep" in self._roles:
                    group.create_task(
                        wired.keep(store, settings, self._keeper, metrics)
                    )
                if "serve" in self._roles:
                    ready = partial(self._ready, served)
                    group.create_task(wired.serve(store, settings, metrics, ready))
                    await served.wait()
                if "ingest" in self._roles:
                    ingest = ingesting.ingest(store, settings, token_hex(6), metrics)
                    group.create_task(ingest)
                if "dispatch" in self._roles:
                    dispatch = wired.dispatch(store, settings, token_hex(6), metrics)
                    group.create_task(dispatch)
                if "serve" not in self._roles:
                    self._ready(served, "")
                self._redis = store.redis
        finally:
            self._redis = None

    def _ready(self, served: asyncio.Event, url: str) -> None:
        served.set()
        if self._was_ready:
            log.info("recovered", url=url)
        else:
            self._on_ready(Running(url))
        self._was_ready = True


async def _watch(store: OpenedStore) -> None:
    """End everything when the embedded server ends.

    Raises:
        StoreUnavailableError: It has ended, by itself.
    """
    if store.server is not None:
        status = await store.server.exited()
        message = f"the embedded server ended with status {status}"
        raise StoreUnavailableError(message)
