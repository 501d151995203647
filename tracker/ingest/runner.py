"""One source, observed for as long as its lease holds."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing

import structlog

from tracker.domain.reading import Checkpoint, SourceReport, Unreadable
from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.ingest.story import Reading, Story
from tracker.ingest.writer import Writer
from tracker.providers.backoff import backoff_s
from tracker.providers.base import Source

log = structlog.get_logger(__name__)

OnUnreadable = Callable[[str, Unreadable], None]


class Runner:
    """Observes one source, backs off when it fails, and stops when it is locked.

    Args:
        source: What to observe.
        story: Numbers what it tells.
        writer: Where it goes.
        on_unreadable: Told of every message that could not be read.
    """

    def __init__(
        self,
        source: Source,
        story: Story,
        token: int,
        writer: Writer,
        on_unreadable: OnUnreadable,
    ) -> None:
        self.source = source
        self.token = token
        self.locked = False
        self._story = story
        self._writer = writer
        self._on_unreadable = on_unreadable
        self._began_at_s = asyncio.get_running_loop().time()
        self._failures = 0
        self._reported_down = False

    def overdue_s(self, now_s: float) -> float | None:
        """Seconds since the provider's last answer, when that is too long ago."""
        answered_at_s = self.source.answered_at_s
        age_s = now_s - (self._began_at_s if answered_at_s is None else answered_at_s)
        return age_s if age_s > self.source.overdue_after_s else None

    async def run(self) -> None:
        """Observe until cancelled, or until a person is needed."""
        while not self.locked:
            try:
                await self._observe()
            except ProviderLockedError as error:
                self.locked = True
                log.error("source_locked", source=self.source.key, error=str(error))
                await self._tell([SourceReport(state="locked", error=str(error))])
            except ProviderUnavailableError as error:
                await self._back_off(str(error), error.retry_after_s)
            except Exception as error:
                log.exception("source_broken", source=self.source.key)
                await self._back_off(type(error).__name__, None)

    async def retire(self) -> None:
        """The source is gone from the settings; say so in every partition."""
        await self._tell([SourceReport(state="down", retired=True)])

    async def _observe(self) -> None:
        async with aclosing(self.source.observe()) as turns:
            async for turn in turns:
                await self._tell(turn)
                if any(isinstance(reading, Checkpoint) for reading in turn):
                    self._recovered()

    def _recovered(self) -> None:
        if self._failures:
            log.info("source_back", source=self.source.key)
        self._failures = 0
        self._reported_down = False

    async def _back_off(self, error: str, retry_after_s: float | None) -> None:
        self._failures += 1
        if self._failures == 1:
            log.warning("source_failing", source=self.source.key, error=error)
        if self._is_blind() and not self._reported_down:
            self._reported_down = True
            await self._tell([SourceReport(state="down", error=error)])
        pause_s = backoff_s(self._failures, random.random())  # noqa: S311 - jitter
        await asyncio.sleep(max(pause_s, retry_after_s or 0.0))

    def _is_blind(self) -> bool:
        """It never answered, or too long ago."""
        now_s = asyncio.get_running_loop().time()
        return self.source.answered_at_s is None or self.overdue_s(now_s) is not None

    async def _tell(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            if isinstance(reading, Unreadable):
                self._on_unreadable(self.source.key, reading)
        await self._writer.append(self._story.tell(readings))
