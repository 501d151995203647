"""This process's signs of life, in every inbox; and how far behind the keepers are."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from tracker.domain.reading import Alive
from tracker.errors import StoreError
from tracker.ingest.writer import Writer
from tracker.store.codec import at_ms, is_earlier
from tracker.store.inbox import Inbox
from tracker.store.redis import Keyspace

log = structlog.get_logger(__name__)

EVERY_S = 2.0
BEHIND_MS = 10_000
"""A keeper further behind than this makes its partition's sources wait."""


class _Seen(NamedTuple):
    """Of a partition, at the last sign of life."""

    offset: str
    lost_at: bytes | None


class Pulse:
    """Appends `Alive`, and looks where the keepers are.

    Args:
        redis: The store.
        inboxes: All of them.
        metas: The keys of the partitions' meta hashes, in the same order.
        alive: This process's sign of life.
        on_loss: Told when a partition has lost what was told to it.
        writer: Held back where a keeper is too far behind.
    """

    def __init__(
        self,
        redis: Keyspace,
        inboxes: Sequence[Inbox],
        metas: Sequence[str],
        alive: Callable[[], Alive],
        on_loss: Callable[[], None],
        writer: Writer,
    ) -> None:
        self._redis = redis
        self._inboxes = inboxes
        self._metas = metas
        self._alive = alive
        self._on_loss = on_loss
        self._known: dict[int, _Seen] = {}
        self._writer = writer
        self._store_away = False
        self._beating = False

    async def run(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began_at_s = loop.time()
            alive = self._alive()
            beats = [self._beat(n, alive) for n in range(len(self._inboxes))]
            for result in await asyncio.gather(*beats, return_exceptions=True):
                if isinstance(result, StoreError):
                    self._edge(away=True, error=str(result))
                    break
                if isinstance(result, BaseException):
                    raise result
            else:
                self._edge(away=False)
            self._beating = True
            await asyncio.sleep(max(0.0, began_at_s + EVERY_S - loop.time()))

    async def _beat(self, partition: int, alive: Alive) -> None:
        """One sign of life; what it finds handled is at most that much behind.

        The first one finds where the keepers were when all was down: no news.
        """
        inbox, meta = self._inboxes[partition], self._metas[partition]
        appended, (offset, lost_at) = await self._redis.pipeline(
            inbox.key, [inbox.command([alive]), ("HMGET", meta, "offset", "lost")]
        )
        seen = _Seen((offset or b"0-0").decode(), lost_at)
        last, self._known[partition] = self._known.get(partition, seen), seen
        if seen.lost_at != last.lost_at or is_earlier(seen.offset, last.offset):
            log.warning("inputs_lost", partition=partition)
            self._on_loss()
        known = at_ms(offset.decode()) if offset else 0
        behind = offset is not None and at_ms(appended.decode()) - known > BEHIND_MS
        if self._beating:
            self._writer.hold(partition, behind=behind)

    def _edge(self, *, away: bool, error: str | None = None) -> None:
        if away and not self._store_away:
            log.warning("store_away", error=error)
        elif self._store_away and not away:
            log.info("store_back")
        self._store_away = away
