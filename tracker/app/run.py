"""One process with its roles, over one store."""

import asyncio
import gc
from collections.abc import Callable
from secrets import token_hex
from typing import NamedTuple

import structlog

from tracker.app import roles as wired
from tracker.app.opened import OpenedStore, opened_store
from tracker.errors import StoreUnavailableError
from tracker.settings import Role, Settings
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
    _spare_the_collector()
    while True:
        try:
            async with opened_store(settings.store) as store:
                await _roles(store, settings, roles, on_ready)
        except* StoreUnavailableError as gone:
            log.error("store_ended", error=str(gone.exceptions[0]))
        await asyncio.sleep(_RESTART_S)


def _spare_the_collector() -> None:
    """Look for cycles less often: calls live for minutes, and hold none.

    With the defaults a third of a keeper's time went into looking (measured).
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _roles(
    store: OpenedStore,
    settings: Settings,
    roles: frozenset[Role],
    on_ready: OnReady,
) -> None:
    process, metrics = token_hex(6), Metrics()
    async with asyncio.TaskGroup() as group:
        if store.server is not None:
            group.create_task(_watch(store))
        if "keep" in roles:
            group.create_task(wired.keep(store, settings, process, metrics))
        if "ingest" in roles:
            group.create_task(wired.ingest(store, settings, process, metrics))
        if "serve" in roles:
            ready = lambda url: on_ready(Running(url))  # noqa: E731
            group.create_task(wired.serve(store, settings, metrics, ready))
        else:
            on_ready(Running(""))


async def _watch(store: OpenedStore) -> None:
    """End everything when the embedded server ends.

    Raises:
        StoreUnavailableError: It has ended, by itself.
    """
    if store.server is not None:
        status = await store.server.exited()
        message = f"the embedded server ended with status {status}"
        raise StoreUnavailableError(message)
