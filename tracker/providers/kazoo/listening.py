"""One observation over the blackhole: told first, then a full read, then changes.

The one loop here decides what the board is brought up to, in order. Whatever has to be
asked meanwhile, a channel's call, a stored document, a full read, is asked beside it.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from tracker.domain.reading import Checkpoint, Observation, Unreadable
from tracker.errors import ProviderError, ProviderLockedError, ProviderUnavailableError
from tracker.providers.kazoo.bindings import Bindings, bind, verify
from tracker.providers.kazoo.blackhole import Blackhole, Event
from tracker.providers.kazoo.board import Board
from tracker.providers.kazoo.channel import FullRead
from tracker.providers.kazoo.client import KazooClient
from tracker.providers.kazoo.frames import CallEvent, Stored
from tracker.providers.kazoo.normalise import ended_at
from tracker.providers.kazoo.reads import Reads
from tracker.providers.normalise import unreadable

Turn = list[Observation | Checkpoint | Unreadable]

_LATER_S: Final = 1.0
"""The least pause before a read that the server put off is tried again."""


class Wishes:
    """What others want of the observation that runs, kept between two.

    Attributes:
        news: Set when something may have to be done sooner.
        read: A full read is wanted.
        everything: And that it tells everything, not only what has changed.
        heard_at_s: Loop time of the platform's last answer; None before it.

    Args:
        stored: Called whenever a recording was stored.
    """

    def __init__(self, stored: Callable[[], None]) -> None:
        self.stored = stored
        self.news = asyncio.Event()
        self.read = self.everything = False
        self.heard_at_s: float | None = None

    def heard(self) -> None:
        """The platform has answered."""
        self.heard_at_s = _now_s()

    def want_read(self, *, everything: bool) -> None:
        """Have a full read made soon."""
        self.read = True
        self.everything |= everything
        self.news.set()


def full_turn(
    board: Board, read: FullRead, *, first: bool, everything: bool
) -> tuple[Turn, int]:
    """What a full read says, and how many channels nobody had told of."""
    now_s = _now_s()
    applied = board.apply(read, now_s, first=first, everything=everything)
    age_s = max(0.0, now_s - read.began_s)
    garbled = [unreadable(it) for it in read.garbled]
    checkpoint = Checkpoint(age_s=age_s, calls=applied.calls, process="")
    return [*garbled, *applied.observations, checkpoint], applied.missed


class Listening:
    """One connection's worth of observing.

    Args:
        client: Of the account.
        board: Outlives the observation.
        wishes: Likewise.
        hole: Open.
    """

    def __init__(
        self, client: KazooClient, board: Board, wishes: Wishes, hole: Blackhole
    ) -> None:
        self._client, self._board, self._wishes = client, board, wishes
        self._hole = hole
        self._reads = Reads(client, board)
        self._done: deque[Callable[[], Turn]] = deque()
        self._asking: set[asyncio.Task[None]] = set()
        self._identifying: set[str] = set()
        self._is_reading = False
        self._read_at_s = math.inf
        self._put_off_to_s = -math.inf
        self._failure: BaseException | None = None

    async def turns(self) -> AsyncGenerator[Turn]:
        """What is told, from a full read on; closing it ends whatever is asked.

        Raises:
            ProviderError: As the client and the connection do; or something was not
                told that should have been.
        """
        try:
            bindings = await bind(self._hole)
            self._board.begin(records=bindings.records, pauses=bindings.pauses)
            read = await self._reads.all()
            yield full_turn(self._board, read, first=True, everything=True)[0]
            self._plan_read()
            while True:
                if turn := self._step(bindings):
                    yield turn
                else:
                    await self._rest()
        finally:
            for task in self._asking:
                task.cancel()
            if self._asking:
                await asyncio.wait(self._asking)

    def _step(self, bindings: Bindings) -> Turn:
        """Whatever can be told now."""
        turn: Turn = []
        self._wishes.news.clear()
        for event in self._hole.take():
            turn += self._heard(event)
        while self._done:
            turn += self._done.popleft()()
        turn += self._board.expire(_now_s())
        if not turn and self._failure is not None:
            raise self._failure
        if not self._is_reading and (self._wishes.read or self._due_at_s <= _now_s()):
            self._begin_read(bindings)
        return turn

    async def _rest(self) -> None:
        """Wait for news, or until something is due."""
        at_s = self._board.expires_at_s
        if not self._is_reading:
            at_s = min(at_s, self._due_at_s)
        try:
            async with asyncio.timeout_at(None if math.isinf(at_s) else at_s):
                await self._wishes.news.wait()
        except TimeoutError:
            return

    def _heard(self, event: Event) -> Turn:
        if isinstance(event, CallEvent):
            turn: Turn = [*self._board.event(event, _now_s())]
            self._identify(event.call_id)
            return turn
        if isinstance(event, Stored):
            self._wishes.stored()
            if not self._board.records:
                self._ask(self._read_document(event.id))
            return []
        return [unreadable(event)]

    def _identify(self, uuid: str) -> None:
        channel = self._board.channels.get(uuid)
        if channel and channel.key is None and uuid not in self._identifying:
            self._identifying.add(uuid)
            self._ask(self._read_detail(uuid))

    async def _read_detail(self, uuid: str) -> None:
        try:
            detail = await self._reads.detail(uuid)
        finally:
            self._identifying.discard(uuid)
        self._done.append(lambda: [*self._board.identified(uuid, detail)])

    async def _read_document(self, id_: str) -> None:
        """Which channel was recorded; a document that isn't shown proves nothing."""
        try:
            recording = await self._client.recording(id_)
        except ProviderLockedError:
            raise
        except ProviderError:
            return
        end = ended_at(recording) or recording.start
        age_s = (datetime.now(UTC) - end).total_seconds()
        self._done.append(lambda: [*self._board.stored(recording.call_id, age_s)])

    def _begin_read(self, bindings: Bindings) -> None:
        self._is_reading = True
        everything = self._wishes.everything
        self._wishes.read = self._wishes.everything = False
        self._ask(self._verify(bindings, everything=everything))

    async def _verify(self, bindings: Bindings, *, everything: bool) -> None:
        """Have bindings and channels looked through, unless the server is too busy."""
        wait_s = self._client.settings.verify_interval_s
        try:
            await verify(self._hole, bindings)
            read = await self._reads.all()
        except ProviderUnavailableError as error:
            if error.taken:
                raise
            wait_s = max(_LATER_S, error.retry_after_s or 0.0)
            self._put_off_to_s = _now_s() + wait_s
            self._wishes.everything |= everything
        else:
            self._done.append(partial(self._apply, read, everything=everything))
        finally:
            self._is_reading = False
        self._read_at_s = _now_s() + wait_s

    def _apply(self, read: FullRead, *, everything: bool) -> Turn:
        turn, missed = full_turn(self._board, read, first=False, everything=everything)
        if missed:
            self._fail(self._hole.trouble(f"{missed} channels were not told of"))
        return turn

    @property
    def _due_at_s(self) -> float:
        """When to read: sooner where one end may have gone untold."""
        doubted_at_s = max(self._board.doubted_at_s, self._put_off_to_s)
        return min(self._read_at_s, doubted_at_s)

    def _plan_read(self) -> None:
        self._read_at_s = _now_s() + self._client.settings.verify_interval_s

    def _ask(self, asking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(asking)
        self._asking.add(task)
        task.add_done_callback(self._asked)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)
        self._wishes.news.set()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error


def _now_s() -> float:
    return asyncio.get_running_loop().time()
