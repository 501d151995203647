"""Attempts at one endpoint, and the conclusions from what came of them."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from typing import Any, NamedTuple, Protocol

import structlog

from tracker.domain.delivery import Attempt, Owed
from tracker.domain.endpoint import WhyDisabled
from tracker.errors import StoreError
from tracker.outlets.endpoint import Endpoint
from tracker.outlets.webhooks.backlog import Backlog
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.phases import Phases
from tracker.outlets.webhooks.schedule import (
    PAUSE_MAX_S,
    PAUSE_S,
    Breaker,
    delay_s,
    is_hopeless,
)
from tracker.outlets.webhooks.sender import Answer, Sends
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.outlets.webhooks.signature import headers_of
from tracker.outlets.webhooks.slots import Slots
from tracker.retry_after import parse_retry_after
from tracker.telemetry import Metrics

log = structlog.get_logger(__name__)

PREVIOUS = "tracker-previous-id"
BROKEN_S = 60.0
"""After a fault of ours, until the delivery is tried again."""

AWAY_S = 1.0
"""Likewise, when the store was away."""

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

    slots: Slots[Any]
    phases: Phases
    sender: Sends
    health: Health
    settings: WebhookSettings
    metrics: Metrics
    clock: Clock
    luck: Luck = random.random


class Attempts:
    """Makes them; `Line` says when.

    Args:
        endpoint: As it is now; may be set anew.
        means: What it works with.

    Attributes:
        failing: Whether it is known by `Health` to fail.
        paused_until_s: Before that, nothing is to be sent; seconds since 1970.
    """

    def __init__(self, endpoint: Endpoint, means: Means) -> None:
        self.endpoint = endpoint
        self.breaker = Breaker()
        self.failing = False
        self.paused_until_s = 0.0
        self._means = means
        attempts = means.metrics.webhook_attempts
        self._counted = {
            good: attempts.labels(endpoint.id, outcome)
            for good, outcome in ((True, "succeeded"), (False, "failed"))
        }

    async def make(self, backlog: Backlog, owed: Owed, *, probe: bool) -> None:
        """One request, from the body to what is drawn from its answer."""
        try:
            body = await backlog.body(owed)
            if body is None:
                self.breaker.withdraw()
                await self._give_up(backlog, owed, _LOST)
                return
            clock = self._means.clock
            now_s = clock.now_s()
            now = datetime.fromtimestamp(now_s, UTC)
            signing = self.endpoint.signing(now)
            headers = headers_of(signing, owed.event, int(now_s), body)
            if owed.previous is not None:
                headers[PREVIOUS] = owed.previous
            await self._means.phases.each()
            answer = await self._means.sender.post(self.endpoint.url, headers, body)
            await self._means.phases.gathered()
            owed.tried(_attempt_of(answer, now))
            await self._answered(backlog, owed, answer, probe=probe)
        except StoreError:
            self._postpone(backlog, owed, AWAY_S)
        except Exception:
            log.exception("webhook_attempt_broken", endpoint=self.endpoint.id)
            self._postpone(backlog, owed, BROKEN_S)
        finally:
            if probe:
                self.breaker.withdraw()

    def _postpone(self, backlog: Backlog, owed: Owed, by_s: float) -> None:
        """Nobody has said yet when it is tried again."""
        if owed.event in backlog.lanes:
            due_s = self._means.clock.now_s() + by_s
            backlog.lanes.again(owed, ceil(due_s * 1000))

    async def _answered(
        self, backlog: Backlog, owed: Owed, answer: Answer, *, probe: bool
    ) -> None:
        means, good = self._means, answer.error is None
        self._judge(good=good, probe=probe)
        self._counted[good].inc()
        if good:
            await self._taken(backlog, owed)
        elif answer.status == HTTPStatus.GONE:
            await means.health.disable(self.endpoint.id, "gone")
            await backlog.again(owed, means.clock.now_ms())
        else:
            await self._refused(backlog, owed, answer, probe=probe)

    async def _taken(self, backlog: Backlog, owed: Owed) -> None:
        backlog.delivered(owed)
        if self.failing:
            self.failing = False
            with suppress(StoreError):  # it is found out again
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
        with suppress(StoreError):  # it is found out again
            await self._failed(now_s)

    async def _failed(self, now_s: float) -> None:
        health, settings = self._means.health, self._means.settings
        since_ms = await health.failed(self.endpoint.id, round(now_s * 1000))
        self.failing = True
        if is_hopeless(since_ms / 1000, now_s, settings.disable_after_s):
            await health.disable(self.endpoint.id, "failing")

    async def _give_up(self, backlog: Backlog, owed: Owed, why: str) -> None:
        await backlog.given_up(owed, why)
        self._means.metrics.webhook_lost.labels(self.endpoint.id, "failed").inc()

    def _pause(self, status: int | None, after_s: float | None, now_s: float) -> None:
        """An endpoint that is asked too much is asked nothing for a while."""
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            after_s = after_s or PAUSE_S
        elif status != HTTPStatus.SERVICE_UNAVAILABLE:
            return
        until_s = now_s + min(after_s or 0.0, PAUSE_MAX_S)
        self.paused_until_s = max(self.paused_until_s, until_s)

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
