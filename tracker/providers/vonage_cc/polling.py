"""One observation: whatever is due is read, several at once, within the budget."""

import asyncio
import math
import random
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import Final

import structlog

from tracker.domain.reading import Checkpoint, Observation, Unreadable
from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.providers.normalise import unreadable
from tracker.providers.vonage_cc.budget import Kind
from tracker.providers.vonage_cc.client import VonageCcClient
from tracker.providers.vonage_cc.normalise import call_key, observation
from tracker.providers.vonage_cc.rota import AgentItem, CallItem, Item, Rota
from tracker.providers.vonage_cc.settings import FollowedAgent
from tracker.providers.wire import Garbled

log = structlog.get_logger(__name__)

MOST_IN_FLIGHT: Final = 32
"""Of looks, and of the rest."""

MOST_UNTOLD: Final = 64
"""So many turns may wait to be taken; then nothing more is read."""

FAILURES_UNTIL_DOWN: Final = 3

_BLIND_PAUSE_S: Final = 1.0

Turn = list[Observation | Checkpoint | Unreadable]


class Polling:
    """Reads what the rota says until it is cancelled.

    Args:
        client: Asks.
        rota: Outlives the observation.
        agents: Those who are followed, by id.
        news: Set whenever something may be due sooner.
    """

    def __init__(
        self,
        client: VonageCcClient,
        rota: Rota,
        agents: Mapping[str, FollowedAgent],
        news: asyncio.Event,
    ) -> None:
        self._client, self._rota, self._agents = client, rota, agents
        self._news = news
        self._turns: deque[tuple[Turn, float]] = deque()
        self._told = asyncio.Event()
        self._in_flight: Counter[Kind] = Counter()
        self._reads: asyncio.TaskGroup | None = None

    async def turns(self) -> AsyncGenerator[Turn]:
        """What is read, for ever; closing it ends all reads."""
        running = asyncio.create_task(self._run())
        running.add_done_callback(lambda _: self._told.set())
        try:
            while self._turns or not running.done():
                if self._turns:
                    yield _aged(*self._turns.popleft())
                    self._news.set()
                else:
                    self._told.clear()
                    await self._told.wait()
            running.result()
        finally:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()

    async def _run(self) -> None:
        self._rota.begin_round(_now_s())
        try:
            async with asyncio.TaskGroup() as self._reads:
                self._reads.create_task(self._dispatch(Kind.LOOK))
                self._reads.create_task(self._dispatch(Kind.POLL))
                self._reads.create_task(self._doubt())
        except BaseExceptionGroup as errors:
            locked, others = errors.split(ProviderLockedError)
            raise (locked or others or errors).exceptions[0] from None

    async def _dispatch(self, kind: Kind) -> None:
        """Have read what is due for that reason, each in a place of its own."""
        while True:
            await self._until(lambda: self._next_at(kind))
            try:
                await self._client.ready()
            except ProviderUnavailableError as error:
                self._raise_if_down(error)
                continue
            place = await self._client.budget.reserve(kind)
            item = self._rota.next_item(kind, _now_s())
            if item is None:
                place.give_back()
            elif place.begin() and self._reads is not None:
                item.begin(_now_s())
                self._in_flight[kind] += 1
                reading = self._reads.create_task(self._read(item, kind))
                reading.add_done_callback(partial(self._is_done, item, kind))

    def _is_done(self, item: Item, kind: Kind, _: asyncio.Task[None]) -> None:
        item.is_reading = False
        self._in_flight[kind] -= 1
        self._news.set()

    def _next_at(self, kind: Kind) -> float:
        too_much = len(self._turns) >= MOST_UNTOLD
        if too_much or self._in_flight[kind] >= MOST_IN_FLIGHT:
            return math.inf
        return self._rota.next_at(kind)

    async def _until(self, at_s: Callable[[], float]) -> None:
        """Wait for an instant that may change with any news."""
        loop = asyncio.get_running_loop()
        while (next_at_s := at_s()) > loop.time():
            self._news.clear()
            limit_s = None if math.isinf(next_at_s) else next_at_s
            try:
                async with asyncio.timeout_at(limit_s):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _read(self, item: Item, kind: Kind) -> None:
        turn: Turn = []
        try:
            turn = await self._ask(item, kind)
        except ProviderUnavailableError as error:
            self._failed(item)
            self._raise_if_down(error)
        self._tell(turn, item.began_at_s)
        if any(isinstance(reading, Unreadable) for reading in turn):
            self._failed(item)
            message = f"{self._client.settings.account}: no answer can be read"
            self._raise_if_down(ProviderUnavailableError(message))
        self._complete_round()

    async def _ask(self, item: Item, kind: Kind) -> Turn:
        if isinstance(item, CallItem):
            return await self._ask_call(item, kind)
        if isinstance(item, AgentItem):
            return await self._ask_agent(item)
        count = await self._client.ready_agents()
        if isinstance(count, Garbled):
            return [unreadable(count)]
        item.went_well()
        return []

    async def _ask_call(self, item: CallItem, kind: Kind) -> Turn:
        before = item.shown
        known, alone = before is not None, self._fails_alone(item)
        call = await self._client.call(item.guid, kind, known=known, alone=alone)
        if isinstance(call, Garbled):
            return [unreadable(call)]
        item.went_well()
        item.is_doubted = False
        if call is None and before is not None:
            seen = before.but(state="ended", recording=None)
        else:
            settings, agents = self._client.settings, self._agents
            seen = observation(item.guid, call, settings, agents, led_by=item.led_by)
        if seen.state != "ended":
            item.shown = seen
            return [seen]
        self._rota.ended(item)
        return [seen] if before is not None or item.is_followed else []

    async def _ask_agent(self, item: AgentItem) -> Turn:
        agent = await self._client.agent(item.id, alone=self._fails_alone(item))
        if isinstance(agent, Garbled):
            return [unreadable(agent)]
        item.went_well()
        if agent is None and not item.is_absent:
            account = self._client.settings.account
            log.warning("agent_not_found", account=account, agent=item.id)
        item.is_absent = agent is None
        self._rota.found(item, agent.current_call if agent else None)
        return []

    def _fails_alone(self, item: Item) -> bool:
        return item.fails_alone(self._client.answered_at_s)

    def _failed(self, item: Item) -> None:
        item.failed(_now_s(), random.random())  # noqa: S311 - jitter
        self._rota.forget_lost(item, _now_s())

    def _complete_round(self) -> None:
        began_at_s = self._rota.complete_round(_now_s())
        if began_at_s is not None:
            keys = (call_key(self._client.settings, c) for c in self._rota.calls)
            checkpoint = Checkpoint(calls=tuple(sorted(keys)), process="")
            self._tell([checkpoint], began_at_s)

    async def _doubt(self) -> None:
        """Say of calls that they were not read for too long, unless nothing was.

        Then the source is blind, which others say.
        """
        overdue_s = self._client.settings.overdue_after_s
        while True:
            await self._until(lambda: self._rota.oldest_at_s() + overdue_s)
            if (self._client.answered_at_s or 0.0) + overdue_s < _now_s():
                await asyncio.sleep(_BLIND_PAUSE_S)
                continue
            for call in self._rota.doubtful(_now_s() - overdue_s):
                call.is_doubted = True
                if call.shown is not None:
                    unseen = call.shown.but(recording="unknown", unseen=True)
                    self._tell([unseen], call.read_at_s)

    def _tell(self, turn: Turn, true_at_s: float) -> None:
        if turn:
            self._turns.append((turn, true_at_s))
            self._told.set()

    def _raise_if_down(self, error: ProviderUnavailableError) -> None:
        """Give up, when nothing at all is answered."""
        if self._client.budget.failures >= FAILURES_UNTIL_DOWN:
            raise error


def _aged(turn: Turn, true_at_s: float) -> Turn:
    """The turn as it is told now."""
    age_s = max(0.0, _now_s() - true_at_s)
    return [
        reading if isinstance(reading, Unreadable) else reading.but(age_s=age_s)
        for reading in turn
    ]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
