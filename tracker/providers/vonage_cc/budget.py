"""How many requests an account may be asked, and whose turn it is.

`Ledger` keeps the books and is told the time; `Budget` has everybody wait who may not
go yet. A place is first reserved, so that it is certain, and begun when the request
really is; between the two it counts as used.
"""

import asyncio
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Collection
from enum import IntEnum
from typing import Final

from tracker.providers.backoff import backoff_s

WINDOW_S: Final = 1.05
"""In which the budget is not exceeded: so a server sees no more in any one second,
also where one request arrives late and the next early."""

STEP_S: Final = 5.0
"""After a 429 the halved rate grows by a tenth of the whole this often."""

LONGEST_PAUSE_S: Final = 3600.0
"""Of what a Retry-After may ask for; more is nonsense."""

_FREE_SHARE: Final = 5
"""One place of so many is left free by what nobody waits for."""


class Kind(IntEnum):
    """What a request is for."""

    TOKEN = 0
    """Everything else depends on it."""
    COMMAND = 1
    LOOK = 2
    """A read that an open command waits for; takes turns with commands."""
    POLL = 3


class Ledger:
    """What was begun, what is reserved, and what the platform thinks of it.

    Args:
        per_s: How many requests may begin in any one second.
    """

    def __init__(self, per_s: int) -> None:
        self._most = self._rate = per_s
        self._begun: deque[float] = deque()
        self._reserved = 0
        self._last_urgent = Kind.LOOK
        self._paused_until_s = self._trouble_at_s = -math.inf
        self.failures = 0

    def limit(self, now_s: float) -> int:
        """How many may begin in a window now."""
        steps = max(0.0, now_s - self._paused_until_s) // STEP_S
        if not math.isfinite(steps):
            return self._most
        return min(self._most, self._rate + int(steps) * max(1, self._most // 10))

    def paused_for_s(self, now_s: float) -> float:
        """How long nothing may begin."""
        return max(0.0, self._paused_until_s - now_s)

    def wait_s(self, kind: Kind, now_s: float) -> float | None:
        """How long until a place is free; 0 = now, None = when one is given back."""
        if paused_s := self.paused_for_s(now_s):
            return paused_s
        while self._begun and self._begun[0] + WINDOW_S <= now_s:
            self._begun.popleft()
        limit = self.limit(now_s)
        if kind is Kind.POLL:
            limit -= -(-limit // _FREE_SHARE) if limit > 1 else 0
        too_many = len(self._begun) + self._reserved - limit
        if too_many < 0:
            return 0.0
        if too_many >= len(self._begun):
            return None
        return self._begun[too_many] + WINDOW_S - now_s

    def next_kind(self, waiting: Collection[Kind]) -> Kind | None:
        """Whose turn it is, of the kinds that wait."""
        urgent = {Kind.COMMAND, Kind.LOOK}
        if Kind.TOKEN not in waiting and urgent <= set(waiting):
            return min(urgent - {self._last_urgent})
        return min(waiting, default=None)

    def reserve(self, kind: Kind) -> None:
        """Use a free place."""
        self._reserved += 1
        if kind in (Kind.COMMAND, Kind.LOOK):
            self._last_urgent = kind

    def begin(self, now_s: float) -> None:
        """Begin a request in a reserved place."""
        self._reserved -= 1
        self._begun.append(now_s)

    def give_back(self) -> None:
        """Leave a reserved place unused."""
        self._reserved -= 1

    def went_well(self, began_at_s: float) -> None:
        """A request that began then was answered."""
        if began_at_s >= self._trouble_at_s:
            self.failures = 0

    def failed(
        self, began_at_s: float, now_s: float, luck: float, asked_s: float | None
    ) -> bool:
        """Pause: a request that began then was not answered, or by a 429 or a 5xx.

        What had begun before the last trouble is part of it.

        Args:
            began_at_s: When the request did.
            now_s: When that is known.
            luck: Uniform in [0, 1).
            asked_s: What the platform asked for, or None.

        Returns:
            Whether it is a new trouble.
        """
        is_new = began_at_s >= self._trouble_at_s
        pause_s = min(asked_s or 0.0, LONGEST_PAUSE_S)
        if is_new:
            limit = self.limit(now_s)
            self.failures += 1
            self._trouble_at_s = now_s
            self._rate = limit
            if asked_s is None:
                pause_s = backoff_s(self.failures, luck)
        self._paused_until_s = max(self._paused_until_s, now_s + pause_s)
        return is_new

    def slowed(
        self, began_at_s: float, now_s: float, luck: float, asked_s: float | None
    ) -> None:
        """As `failed`, of a 429: afterwards, half as fast."""
        if self.failed(began_at_s, now_s, luck, asked_s):
            self._rate = max(1, self._rate // 2)


class Place:
    """One request's, reserved."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self._is_held = True

    def begin(self) -> bool:
        """Say that the request begins now.

        Returns:
            False: it may not, the account is to be left alone; the place is gone.
        """
        if not self._is_held or self._budget.paused_for_s() > 0:
            self.give_back()
            return False
        self._is_held = False
        self._budget.begin()
        return True

    def give_back(self) -> None:
        """Leave it to others, unless the request has begun."""
        if self._is_held:
            self._is_held = False
            self._budget.give_back()


_Waiter = tuple[float, int, asyncio.Future[Place]]


class Budget:
    """One account's, shared by everything that asks it; make it in a running loop.

    Args:
        per_s: How many requests may begin in any one second.
        random: Uniform in [0, 1), for the jitter.
    """

    def __init__(self, per_s: int, random: Callable[[], float]) -> None:
        self._ledger = Ledger(per_s)
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Kind, list[_Waiter]] = {kind: [] for kind in Kind}
        self._arrivals = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def failures(self) -> int:
        """How many troubles in a row, nothing answered in between."""
        return self._ledger.failures

    def paused_for_s(self) -> float:
        """How long nothing may begin."""
        return self._ledger.paused_for_s(self._loop.time())

    async def reserve(self, kind: Kind, rank: float = 0.0) -> Place:
        """Wait for a place: by kind, then by rank (the lower first), then in order."""
        turn: asyncio.Future[Place] = self._loop.create_future()
        heapq.heappush(self._waiting[kind], (rank, next(self._arrivals), turn))
        self._serve()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                turn.result().give_back()
            raise

    async def take(self, kind: Kind, rank: float = 0.0) -> None:
        """Wait for a place, and begin."""
        while not (await self.reserve(kind, rank)).begin():
            pass

    def begin(self) -> None:
        """See `Place.begin`."""
        self._ledger.begin(self._loop.time())
        self._serve()

    def give_back(self) -> None:
        """See `Place.give_back`."""
        self._ledger.give_back()
        self._serve()

    def went_well(self, began_at_s: float) -> None:
        """A request that began then was answered."""
        self._ledger.went_well(began_at_s)

    def failed(self, began_at_s: float, asked_s: float | None = None) -> None:
        """It was not, or with a 5xx, or by nonsense: everybody waits a while."""
        now_s = self._loop.time()
        self._ledger.failed(began_at_s, now_s, self._random(), asked_s)
        self._serve()

    def slowed(self, began_at_s: float, asked_s: float | None) -> None:
        """It was answered by a 429: everybody waits, and goes more slowly then."""
        now_s = self._loop.time()
        self._ledger.slowed(began_at_s, now_s, self._random(), asked_s)
        self._serve()

    def _serve(self) -> None:
        """Give places to those whose turn it is; come back when the next is free."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (kind := self._ledger.next_kind(self._kinds())) is not None:
            wait_s = self._ledger.wait_s(kind, self._loop.time())
            if wait_s is None:
                return
            if wait_s > 0:
                self._timer = self._loop.call_later(wait_s, self._serve)
                return
            self._ledger.reserve(kind)
            heapq.heappop(self._waiting[kind])[2].set_result(Place(self))

    def _kinds(self) -> list[Kind]:
        """Those that somebody waits for; who gave up waiting is forgotten."""
        for queue in self._waiting.values():
            while queue and queue[0][2].done():
                heapq.heappop(queue)
        return [kind for kind, queue in self._waiting.items() if queue]
