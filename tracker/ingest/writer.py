"""The one way into the inboxes: in order, packed, again until it is stored."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

import structlog

from tracker.errors import StoreUnavailableError
from tracker.store.codec import Input
from tracker.store.inbox import Inbox

log = structlog.get_logger(__name__)

MOST_INPUTS = 500
"""Of one inbox entry: small enough that a live change never waits long behind it."""

_RETRY_S = 0.2


class _Lane:
    """One partition's queue; what waits while an append is under way goes together."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: deque[tuple[Sequence[Input], asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self.open = asyncio.Event()
        self.open.set()

    def put(self, inputs: Sequence[Input]) -> asyncio.Future[None]:
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((inputs, stored))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return stored

    async def _drain(self) -> None:
        while self._waiting:
            packed: list[Input] = []
            waiters = []
            while self._waiting and len(packed) < MOST_INPUTS:
                inputs, stored = self._waiting.popleft()
                packed += inputs
                waiters.append(stored)
            await self._append(packed)
            for stored in waiters:
                if not stored.done():
                    stored.set_result(None)

    async def _append(self, packed: list[Input]) -> None:
        """Append until it is stored: a repeated stamp is dropped by the keeper."""
        away = False
        while True:
            try:
                await self._inbox.append(packed)
            except StoreUnavailableError as error:
                if not away:
                    log.warning("inbox_away", inbox=self._inbox.key, error=str(error))
                away = True
                await asyncio.sleep(_RETRY_S)
            else:
                if away:
                    log.info("inbox_back", inbox=self._inbox.key)
                return

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class Writer:
    """Appends to all inboxes."""

    def __init__(self, inboxes: Sequence[Inbox]) -> None:
        self._lanes = [_Lane(inbox) for inbox in inboxes]

    async def append(self, told: Mapping[int, Sequence[Input]]) -> None:
        """Append *told*, by partition; return when all of it is stored.

        Waits while a partition's keeper is too far behind (`hold`).
        """
        for partition in told:
            await self._lanes[partition].open.wait()
        waiting = [
            self._lanes[partition].put(inputs) for partition, inputs in told.items()
        ]
        await asyncio.gather(*waiting)

    def hold(self, partition: int, *, behind: bool) -> None:
        """Stop, or let go on, what is told to a partition."""
        lane = self._lanes[partition].open
        if behind == lane.is_set():
            log.warning("inbox_behind", partition=partition, behind=behind)
        if behind:
            lane.clear()
        else:
            lane.set()

    async def close(self) -> None:
        """Give up what is under way."""
        for lane in self._lanes:
            await lane.close()
