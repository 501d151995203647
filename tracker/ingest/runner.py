"""One source, observed for as long as its lease holds."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Literal

import structlog

from tracker.domain.reading import (
    Checkpoint,
    Overdue,
    SourceReport,
    Unread,
    Unreadable,
)
from tracker.errors import (
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.ingest.story import Story, Tellable
from tracker.ingest.writer import Writer
from tracker.providers.backoff import backoff_s
from tracker.providers.base import Source

log = structlog.get_logger(__name__)

RETIRED = SourceReport(state="down", retired=True)

OnUnreadable = Callable[[str, Unreadable], None]

Lock = Callable[[str], None]
"""Told why a source needs a person."""

Serving = Callable[[Source, int], AbstractAsyncContextManager[Lock]]
"""What else is done for a source under the token of its lease, while it is owned."""

STEADY_S = 10.0
"""An observation that lasted so long since all was read had recovered."""


class Runner:
    """Observes one source, backs off when it fails, and stops when it is locked.

    Args:
        source: What to observe.
        story: Numbers what it tells.
        token: Of its lease.
        writer: Where it goes.
        on_unreadable: Told of every message that could not be read.
        serving: Entered before the first observation.
    """

    def __init__(
        self,
        source: Source,
        story: Story,
        token: int,
        writer: Writer,
        on_unreadable: OnUnreadable,
        serving: Serving,
    ) -> None:
        self.source = source
        self.token = token
        self.locked = False
        self._story = story
        self._writer = writer
        self._on_unreadable = on_unreadable
        self._serving = serving
        self._began_at_s = asyncio.get_running_loop().time()
        self._failures = 0
        self._read_at_s = math.inf
        self._said_failing = False
        self._bug = self._why_locked = ""
        self._telling: asyncio.Task[None] | None = None
        self._reported_down = False
        self._said_overdue = False
        self._resyncing = False
        self._has_read = False

    @property
    def unread(self) -> Unread | None:
        """What to say of the source until all of it was read once."""
        return None if self._has_read else Unread(self.source.key, self.token)

    def tell_again(self) -> None:
        """Have everything read again, and told to every partition; its health, too."""
        self._story.begin_again()
        self._reported_down = False
        self.source.resync()
        if self.locked:
            self._telling = asyncio.create_task(self._tell_locked())

    def overdue(self) -> Overdue | None:
        """What to say of the source when its last answer is too long ago.

        Its calls turn unknown by that, so all is read again once it answers, whether
        it then tells something or not.
        """
        age_s = self._answered_ago_s()
        if age_s <= self.source.overdue_after_s:
            self._make_up()
            return None
        self._said_overdue = True
        return Overdue(self.source.key, self.token, round(age_s, 3))

    def _answered_ago_s(self) -> float:
        """Seconds since the provider's last answer, or since the beginning."""
        last_at_s = max(self.source.answered_at_s or 0.0, self._began_at_s)
        return asyncio.get_running_loop().time() - last_at_s

    @property
    def state(self) -> Literal["seen", "blind", "locked"]:
        """How it is with the source, for metrics."""
        if self.locked:
            return "locked"
        return "blind" if self._is_blind() else "seen"

    async def run(self) -> None:
        """Observe until cancelled; what needs a person is left alone from then on."""
        async with self._serving(self.source, self.token) as lock:
            await self._run()
            lock(self._why_locked)
            await asyncio.Event().wait()

    async def _run(self) -> None:
        while not self.locked:
            try:
                await self._observe()
                await self._back_off("its observation ended", None)
            except ProviderLockedError as error:
                self.locked, self._why_locked = True, str(error)
                log.error("source_locked", source=self.source.key, error=str(error))
                await self._tell_locked()
            except ProviderUnavailableError as error:
                await self._back_off(str(error), error.retry_after_s)
            except ProviderError as error:
                await self._back_off(str(error), None)
            except Exception as error:
                if repr(error) != self._bug:
                    self._bug = repr(error)
                    log.exception("source_broken", source=self.source.key)
                await self._back_off(type(error).__name__, None)

    async def _tell_locked(self) -> None:
        await self._tell([SourceReport(state="locked", error=self._why_locked)])

    async def retire(self) -> None:
        """The source is gone from the settings; say so in every partition."""
        await self._tell([RETIRED])

    async def _observe(self) -> None:
        self._resyncing = True
        async with aclosing(self.source.observe()) as turns:
            async for turn in turns:
                complete = any(isinstance(reading, Checkpoint) for reading in turn)
                if complete and self._resyncing:
                    self._resyncing = self._said_overdue = False
                await self._tell(turn)
                if complete:
                    self._has_read = True
                    self._recovered()
                self._make_up()

    def _make_up(self) -> None:
        """Have all read again that turned unknown, unless that is under way."""
        if self._said_overdue and not self._resyncing:
            self._resyncing = True
            self.source.resync()

    def _recovered(self) -> None:
        """All has been read; that it does not fail at once, only time will show."""
        self._read_at_s = min(self._read_at_s, asyncio.get_running_loop().time())
        if self._said_failing:
            log.info("source_back", source=self.source.key)
        self._said_failing = self._reported_down = False

    async def _back_off(self, error: str, retry_after_s: float | None) -> None:
        steady_s = asyncio.get_running_loop().time() - self._read_at_s
        self._failures = 1 if steady_s > STEADY_S else self._failures + 1
        self._read_at_s = math.inf
        if not self._said_failing:
            self._said_failing = True
            log.warning("source_failing", source=self.source.key, error=error)
        if self._is_blind() and not self._reported_down:
            self._reported_down = True
            await self._tell([SourceReport(state="down", error=error)])
        pause_s = backoff_s(self._failures, random.random())  # noqa: S311 - jitter
        await asyncio.sleep(max(pause_s, retry_after_s or 0.0))

    def _is_blind(self) -> bool:
        """It never answered, or too long ago."""
        never = self.source.answered_at_s is None
        return never or self._answered_ago_s() > self.source.overdue_after_s

    async def _tell(self, readings: Sequence[Tellable]) -> None:
        for reading in readings:
            if isinstance(reading, Unreadable):
                self._on_unreadable(self.source.key, reading)
        await self._writer.append(self._story.tell(readings))
