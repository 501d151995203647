"""The one way into the inboxes: in order, packed, again until it is stored."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice

import structlog

from tracker.domain.reading import Checkpoint, Observation, Told
from tracker.errors import StoreError
from tracker.store.codec import Input
from tracker.store.inbox import Inbox

log = structlog.get_logger(__name__)

MOST_INPUTS = 500
"""Of one inbox entry: small enough that a live change never waits long behind it."""

_RETRY_S = 0.2
_PRECISE_S = 0.05
"""What waited no longer keeps its age as it was told."""


class _Lane:
    """One partition's queue; what waits while an append is under way goes together."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._queue: deque[tuple[Input, float]] = deque()
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._put = self._stored = 0
        self._task: asyncio.Task[None] | None = None
        self.open = asyncio.Event()
        self.open.set()

    def put(self, inputs: Sequence[Input], told_at_s: float) -> asyncio.Future[None]:
        stored = asyncio.get_running_loop().create_future()
        self._queue.extend((told, told_at_s) for told in inputs)
        self._put += len(inputs)
        self._waiters.append((self._put, stored))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return stored

    async def _drain(self) -> None:
        while self._queue:
            packed = list(islice(self._queue, MOST_INPUTS))
            await self._append(packed)
            self._stored += len(packed)
            for _ in packed:
                self._queue.popleft()
            while self._waiters and self._waiters[0][0] <= self._stored:
                _, stored = self._waiters.popleft()
                if not stored.done():
                    stored.set_result(None)

    async def _append(self, packed: Sequence[tuple[Input, float]]) -> None:
        """Append until it is stored: a repeated stamp is dropped by the keeper."""
        away = False
        now_s = asyncio.get_running_loop().time
        while True:
            try:
                await self._inbox.append([_aged(t, now_s() - s) for t, s in packed])
            except StoreError as error:
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

        Waits while a partition's keeper is too far behind (`hold`). Ages are taken as
        of now; what has to wait grows older.
        """
        told_at_s = asyncio.get_running_loop().time()
        for partition in told:
            await self._lanes[partition].open.wait()
        waiting = [
            self._lanes[partition].put(inputs, told_at_s)
            for partition, inputs in told.items()
        ]
        await asyncio.gather(*waiting)

    def hold(self, partition: int, *, behind: bool) -> None:
        """Stop, or let go on, what is told to a partition."""
        lane = self._lanes[partition].open
        if behind and lane.is_set():
            log.warning("inbox_behind", partition=partition)
            lane.clear()
        elif not behind and not lane.is_set():
            log.info("inbox_caught_up", partition=partition)
            lane.set()

    async def close(self) -> None:
        """Give up what is under way."""
        for lane in self._lanes:
            await lane.close()


def _aged(told: Input, waited_s: float) -> Input:
    """*told*, true for *waited_s* longer than it says."""
    if waited_s <= _PRECISE_S or not isinstance(told, Told):
        return told
    reading = told.reading
    if not isinstance(reading, Observation | Checkpoint):
        return told
    ages = {"age_s": reading.age_s + waited_s}
    if isinstance(reading, Observation) and reading.answered_age_s is not None:
        ages["answered_age_s"] = reading.answered_age_s + waited_s
    return told.but(reading=reading.but(**ages))
