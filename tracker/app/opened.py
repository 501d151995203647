"""The store, opened: a connection, its functions, and what all processes agree on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from tracker.domain.changes import Policy
from tracker.errors import ConfigError, StoreError, StoreUnavailableError
from tracker.settings import EMBEDDED, StoreSettings
from tracker.store.embedded import EmbeddedServer, embedded_server
from tracker.store.functions import Functions
from tracker.store.inbox import Inbox
from tracker.store.keys import PartitionKeys
from tracker.store.leases import Leases
from tracker.store.outbox import Outbox
from tracker.store.redis import Keyspace, connect
from tracker.store.registry import Registry
from tracker.store.retention import Limits

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """What every role works with.

    Attributes:
        server: The embedded server; None = somebody else's.
        keys: Of every partition; none = the store is empty, and was only looked at.
        epoch: As it was at the opening.
    """

    redis: Keyspace
    server: EmbeddedServer | None
    settings: StoreSettings
    functions: Functions
    registry: Registry
    keys: tuple[PartitionKeys, ...]
    epoch: str

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self.keys)

    @property
    def limits(self) -> Limits:
        """How much of the past stays."""
        return Limits(
            inbox_s=self.settings.inbox_for_s,
            outbox_s=self.settings.outbox_for_s,
            inbox_bytes=self.settings.outbox_max_bytes,
            outbox_bytes=self.settings.outbox_max_bytes,
        )

    def inboxes(self) -> list[Inbox]:
        """The ways in."""
        return [Inbox(self.redis, keys) for keys in self.keys]

    def leases(self, process: str) -> list[Leases]:
        """The leases of every partition, as *process* takes them."""
        lease_s = self.settings.lease_s
        return [Leases(self.functions, keys, process, lease_s) for keys in self.keys]

    def outbox(self, policy: Policy) -> Outbox:
        """The ways out."""
        return Outbox(self.redis, self.partitions, self.epoch, policy)


@asynccontextmanager
async def opened_store(
    settings: StoreSettings, *, only_look: bool = False
) -> AsyncIterator[OpenedStore]:
    """The store of *settings*, started when it is the embedded one.

    Args:
        settings: Of the store.
        only_look: An empty one stays empty.

    Raises:
        ConfigError: It cannot be had, and what to do.
        StoreUnavailableError: It is there and cannot serve yet, as while it reads its
            files; who only looks is told so as a ConfigError.
    """
    if settings.url != EMBEDDED:
        async with _connected(settings, settings.url, None, only_look) as opened:
            yield opened
        return
    async with (
        embedded_server(
            settings.data_dir, fsync=settings.fsync, on_loading=_loading
        ) as server,
        _connected(settings, server.url, server, only_look) as opened,
    ):
        yield opened


@asynccontextmanager
async def _connected(
    settings: StoreSettings, url: str, server: EmbeddedServer | None, only_look: bool
) -> AsyncIterator[OpenedStore]:
    try:
        redis = await connect(url, settings)
    except StoreUnavailableError as error:
        message = f"{error}: start it, or correct store.url"
        raise ConfigError(message) from error
    try:
        registry = Registry(redis, settings.lease_s)
        epoch, partitions = await _facts(registry, settings.partitions, only_look)
        yield OpenedStore(
            redis=redis,
            server=server,
            settings=settings,
            functions=Functions(redis),
            registry=registry,
            keys=tuple(PartitionKeys(number) for number in range(partitions)),
            epoch=epoch,
        )
    finally:
        await redis.aclose()


async def _facts(
    registry: Registry, partitions: int, only_look: bool
) -> tuple[str, int]:
    """The epoch and the number of partitions; see `opened_store`."""
    begin = registry.look if only_look else registry.open
    try:
        return await begin(partitions) or ("", 0)
    except StoreUnavailableError as error:
        if not only_look:
            raise
        message = f"{error}: try again"
        raise ConfigError(message) from error
    except StoreError as error:
        message = f"{error}; see store.url"
        raise ConfigError(message) from error


def _loading(percent: float) -> None:
    log.info("store_loading", percent=round(percent))
