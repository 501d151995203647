"""One endpoint, as one process serves it: what is due, how fast, when not at all."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from typing import NamedTuple, Protocol

import structlog

from tracker.domain.delivery import Attempt, Owed
from tracker.domain.endpoint import WhyDisabled
from tracker.errors import StoreError
from tracker.outlets.endpoint import Endpoint
from tracker.outlets.webhooks.backlog import Backlog
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.schedule import (
    PAUSE_MAX_S,
    PAUSE_S,
    Breaker,
    delay_s,
    is_hopeless,
    parse_retry_after,
)
from tracker.outlets.webhooks.sender import Answer, Sends
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.outlets.webhooks.signature import headers_of
from tracker.outlets.webhooks.slots import Slots
from tracker.telemetry import Metrics

log = structlog.get_logger(__name__)

PREVIOUS = "tracker-previous-id"
BROKEN_S = 60.0
"""After a fault of ours, until the delivery is tried again."""

UNSAVED = 256
"""Deliveries that were taken while it is not stored yet: a crash repeats them."""

_LOST = "the store no longer has its event"

Luck = Callable[[], float]


class Health(Protocol):
    """Who keeps in mind how endpoints are."""

    async def failed(self, endpoint: str, at_ms: int) -> int:
        """It did not take something; since when it has taken nothing, ms."""

    async def recovered(self, endpoint: str) -> None:
        """It took something."""

    async def disable(self, endpoint: str, why: WhyDisabled) -> None:
        """Nothing more is to be sent to it."""


class Means(NamedTuple):
    """What lines work with."""

    slots: Slots
    sender: Sends
    health: Health
    settings: WebhookSettings
    metrics: Metrics
    clock: Clock
    luck: Luck = random.random


class Line:
    """Starts attempts, and draws the conclusions.

    Args:
        endpoint: As it is now; later by `update`.
        means: What it works with.
    """

    def __init__(self, endpoint: Endpoint, means: Means) -> None:
        self.endpoint = endpoint
        self.breaker = Breaker()
        self._means = means
        self._backlogs: dict[int, Backlog] = {}
        self._turn = 0
        self._tasks: dict[asyncio.Task[None], int] = {}
        self._wake = asyncio.Event()
        self._ending = False
        self._failing = False
        self._paused_until_s = 0.0
        self._rate_per_s: float | None = endpoint.rate_per_s
        self._next_s = 0.0
        attempts = means.metrics.webhook_attempts
        self._attempts = {
            good: attempts.labels(endpoint.id, outcome)
            for good, outcome in ((True, "succeeded"), (False, "failed"))
        }

    @property
    def backlogs(self) -> list[Backlog]:
        """Of the partitions that this process serves."""
        return list(self._backlogs.values())

    def update(self, endpoint: Endpoint, *, processes: int, failing: bool) -> None:
        """The endpoint as it is now, and how many processes share its rate."""
        self._failing = failing
        rate = endpoint.rate_per_s
        self._rate_per_s = None if rate is None else rate / max(1, processes)
        if endpoint != self.endpoint:
            self.endpoint = endpoint
            self.wake()

    def attach(self, partition: int, backlog: Backlog) -> None:
        """Serve *partition* as well; the same again changes nothing."""
        if self._backlogs.get(partition) is not backlog:
            self._backlogs[partition] = backlog
            self.wake()

    async def detach(self, partition: int, grace_s: float) -> None:
        """Serve it no more; what is under way may end within *grace_s*."""
        self._backlogs.pop(partition, None)
        tasks = {task for task, number in self._tasks.items() if number == partition}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def turn(self) -> None:
        """Begin what may begin now; when more may, `run` has to know."""
        if not self._ending and self._begin_due() is not None:
            self.wake()

    async def run(self) -> None:
        """Serve, until cancelled."""
        try:
            while True:
                self._wake.clear()
                wait_s = self._begin_due()
                await self._means.clock.sleep(wait_s, self._wake)
        finally:
            self._ending = True
            self._means.slots.leave(self)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin_due(self) -> float | None:
        """Begin what may begin; the seconds until more may, None = when woken."""
        concurrency = self._means.settings.concurrency
        while (
            len(self._tasks) < concurrency
            and self._unsaved < UNSAVED
            and self.endpoint.disabled is None
        ):
            now_s = self._means.clock.now_s()
            if not self.breaker.admits(now_s):
                probe_at_s = self.breaker.probe_at_s
                return None if probe_at_s is None else probe_at_s - now_s
            until_s = max(self._paused_until_s, self._next_s)
            if until_s > now_s:
                return until_s - now_s
            if not self._means.slots.has_one(self):
                return None
            found = self._take()
            if found is None:
                return self._until_due_s(now_s)
            self._begin(*found, now_s)
        return None

    @property
    def _unsaved(self) -> int:
        return sum([backlog.unsaved for backlog in self._backlogs.values()])

    def _take(self) -> tuple[int, Owed] | None:
        """The next one that is due, of each partition in its turn."""
        numbers, now_ms = list(self._backlogs), self._means.clock.now_ms()
        for step in range(len(numbers)):
            number = numbers[(self._turn + step) % len(numbers)]
            owed = self._backlogs[number].lanes.take(now_ms)
            if owed is not None:
                self._turn += step + 1
                return number, owed
        return None

    def _until_due_s(self, now_s: float) -> float | None:
        times = (backlog.lanes.next_due_ms() for backlog in self._backlogs.values())
        first_ms = min((ms for ms in times if ms is not None), default=None)
        return None if first_ms is None else first_ms / 1000 - now_s

    def _begin(self, number: int, owed: Owed, now_s: float) -> None:
        if self._rate_per_s is not None:
            self._next_s = max(self._next_s, now_s - 1) + 1 / self._rate_per_s
        probe = self.breaker.begin()
        attempt = self._attempt(self._backlogs[number], owed, probe=probe)
        task = asyncio.create_task(attempt)
        self._means.slots.take()
        self._tasks[task] = number
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._means.slots.give()
        self.turn()

    async def _attempt(self, backlog: Backlog, owed: Owed, *, probe: bool) -> None:
        """One request, from the body to what is stored of its end."""
        try:
            body = await backlog.body(owed)
            if body is None:
                self.breaker.withdraw()
                await backlog.given_up(owed, _LOST)
                return
            clock = self._means.clock
            now_s = clock.now_s()
            now = datetime.fromtimestamp(now_s, UTC)
            signing = self.endpoint.signing(now)
            headers = headers_of(signing, owed.event, int(now_s), body)
            if owed.previous is not None:
                headers[PREVIOUS] = owed.previous
            answer = await self._means.sender.post(self.endpoint.url, headers, body)
            owed.tried(_attempt_of(answer, now))
            await self._answered(backlog, owed, answer, probe=probe)
        except StoreError:
            return  # the partition is being given up, or loaded anew
        except Exception:
            log.exception("webhook_attempt_broken", endpoint=self.endpoint.id)
            if owed.event in backlog.lanes:
                due_s = self._means.clock.now_s() + BROKEN_S
                backlog.lanes.again(owed, ceil(due_s * 1000))
        finally:
            if probe:
                self.breaker.withdraw()

    async def _answered(
        self, backlog: Backlog, owed: Owed, answer: Answer, *, probe: bool
    ) -> None:
        means, good = self._means, answer.error is None
        self._judge(good=good, probe=probe)
        self._attempts[good].inc()
        if good:
            await self._taken(backlog, owed)
        elif answer.status == HTTPStatus.GONE:
            await means.health.disable(self.endpoint.id, "gone")
            await backlog.again(owed, means.clock.now_ms())
        else:
            await self._refused(backlog, owed, answer, probe=probe)

    async def _taken(self, backlog: Backlog, owed: Owed) -> None:
        backlog.delivered(owed, self.turn)
        if self._failing:
            self._failing = False
            await self._means.health.recovered(self.endpoint.id)

    async def _refused(
        self, backlog: Backlog, owed: Owed, answer: Answer, *, probe: bool
    ) -> None:
        clock, settings = self._means.clock, self._means.settings
        now_s = clock.now_s()
        after_s = parse_retry_after(answer.retry_after, now_s)
        self._pause(answer.status, after_s, now_s)
        owed.spent += not probe
        wait_s = delay_s(owed.spent, self._means.luck(), after_s)
        held = backlog.lanes.held_by(owed)
        if wait_s is None or held >= settings.max_held:
            why = "its last attempt failed" if wait_s is None else "it held back others"
            await self._give_up(backlog, owed, why)
        else:
            due_s = now_s + (0 if probe else wait_s)
            await backlog.again(owed, ceil(due_s * 1000))
        since_ms = await self._means.health.failed(
            self.endpoint.id, round(now_s * 1000)
        )
        self._failing = True
        if is_hopeless(since_ms / 1000, now_s, settings.disable_after_s):
            await self._means.health.disable(self.endpoint.id, "failing")

    async def _give_up(self, backlog: Backlog, owed: Owed, why: str) -> None:
        self._means.metrics.webhook_lost.labels(self.endpoint.id, "failed").inc()
        await backlog.given_up(owed, why)

    def _pause(self, status: int | None, after_s: float | None, now_s: float) -> None:
        """An endpoint that is asked too much is asked nothing for a while."""
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            after_s = after_s or PAUSE_S
        elif status != HTTPStatus.SERVICE_UNAVAILABLE:
            return
        until_s = now_s + min(after_s or 0.0, PAUSE_MAX_S)
        self._paused_until_s = max(self._paused_until_s, until_s)

    def _judge(self, *, good: bool, probe: bool) -> None:
        before = self.breaker.state
        now_s, luck = self._means.clock.now_s(), self._means.luck()
        self.breaker.end(now_s, luck, good=good, probe=probe)
        state, endpoint = self.breaker.state, self.endpoint.id
        if before == "closed" and state == "open":
            log.warning("webhook_breaker_opened", endpoint=endpoint)
        elif before == "half_open" and state == "closed":
            log.info("webhook_breaker_closed", endpoint=endpoint)


def _attempt_of(answer: Answer, at: datetime) -> Attempt:
    return Attempt(
        at=at,
        status=answer.status,
        duration_ms=answer.duration_ms,
        answer=answer.body,
        error=answer.error,
    )
