"""One leg's part of a command, pursued until it is settled: asked once, then looked at.

Before the provider is asked, `Sent` goes into the inbox; only who finds its own attempt
let through asks, and soon, or says that it did not. So a command is asked for at most
once, whoever dies on the way; what was sent by somebody else is only looked at.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Literal

import structlog

from tracker.domain.base import later
from tracker.domain.command import Command, Execution, Outcome, Sent
from tracker.domain.entry import Reply
from tracker.errors import (
    CommandRefusedError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.providers.backoff import backoff_s
from tracker.providers.base import Ask, Source

log = structlog.get_logger(__name__)

ASK_WITHIN_S = 2.0
"""From `Sent` to the asking: later, somebody may have given up on it."""

_AGAIN_S = 0.5
_JITTER = 0.2

Result = Literal["accepted", "refused", "lost", "not_taken"]


@dataclass
class Owner:
    """Who pursues.

    Attributes:
        token: Of the source's lease.
        tell: Put an input into the call's inbox; return when it is stored.
        now: The store's time, about.
        why_locked: The source needs a person: nothing more is sent.
    """

    source: Source
    token: int
    tell: Callable[[Sent | Outcome], Awaitable[None]]
    now: Callable[[], datetime]
    why_locked: str | None = None


class Pursuit:
    """One execution of a command.

    Args:
        owner: Of its source.
        call: The call's key.
        command: As it stands.
        leg: The name of the execution's leg at its source.
    """

    def __init__(self, owner: Owner, call: str, command: Command, leg: str) -> None:
        self.command = command
        self._owner = owner
        self._call = call
        self._leg = leg
        self._news = asyncio.Event()
        self._unasked: set[str] = set()
        self._failures = 0
        self._refused: set[str] = set()

    @property
    def execution(self) -> Execution:
        """As it stands."""
        mine = (self._owner.source.key, self._leg)
        executions = self.command.executions
        return next(e for e in executions if (e.source, e.leg) == mine)

    def update(self, command: Command) -> None:
        """The command has come further."""
        self.command = command
        self._news.set()

    def answered(self, reply: Reply) -> None:
        """An attempt of this pursuit was let through, or not."""
        if reply.problem is not None:
            self._refused.add(reply.to)
            self._news.set()

    async def run(self) -> None:
        """Until nothing of it is open, or until cancelled."""
        looked = 0
        while (execution := self.execution).open:
            attempt = execution.attempt
            if execution.stage == "requested":
                await self._begin()
                if self._refused:
                    self._refused.clear()
                    await asyncio.sleep(_AGAIN_S)
            elif attempt in self._unasked:
                await self._say(attempt, "not_taken", "it was not asked in time")
            elif self._is_sent_as(attempt):
                await self._say(attempt, "lost", "whoever asked for it is gone")
            else:
                await self._look(looked)
                looked += 1

    async def _begin(self) -> None:
        """Send it, or find that the provider cannot be asked now."""
        why = self._owner.why_locked
        if why is None:
            try:
                await self._send()
            except ProviderUnavailableError as error:
                await asyncio.sleep(self._pause_s(error))
            except ProviderLockedError as error:
                why = str(error)
        if why is not None:
            await self._say(None, "refused", why)
            await self._until(lambda: self.execution.stage != "requested")

    async def _send(self) -> None:
        """Have one attempt let through, and ask; or find that somebody else does."""
        loop = asyncio.get_running_loop()
        async with self._owner.source.commanding(self.command.requested_at) as ask:
            if self.execution.stage != "requested":
                return
            attempt, told_at_s = token_hex(8), loop.time()
            self._unasked.add(attempt)
            if not await self._is_let_through(attempt):
                return
            if loop.time() - told_at_s > ASK_WITHIN_S:
                return
            self._unasked.discard(attempt)
            result, problem, pause_s = await self._ask(ask)
        await self._say(attempt, result, problem)
        await asyncio.sleep(pause_s)

    async def _is_let_through(self, attempt: str) -> bool:
        """Tell that the provider is about to be asked, and wait for the keeper."""
        sent = Sent(
            call=self._call,
            command=self.command.id,
            source=self._owner.source.key,
            leg=self._leg,
            token=self._owner.token,
            attempt=attempt,
        )
        try:
            async with asyncio.timeout(ASK_WITHIN_S):
                await self._owner.tell(sent)
                await self._until(
                    lambda: (
                        self.execution.stage != "requested" or attempt in self._refused
                    )
                )
        except TimeoutError:
            return False
        execution = self.execution
        return execution.stage == "sent" and execution.attempt == attempt

    async def _ask(self, ask: Ask) -> tuple[Result, str | None, float]:
        """Ask the provider, once.

        Returns:
            What became of it, why, and how long to wait before anything else.
        """
        command, pause_s = self.command, 0.0
        result: Result = "accepted"
        problem: str | None = None
        try:
            await ask(self.execution.leg_id, command.action, command.options)
        except (CommandRefusedError, ProviderLockedError) as error:
            result, problem = "refused", str(error)
        except ProviderUnavailableError as error:
            result, problem = "lost" if error.taken else "not_taken", str(error)
            if not error.taken:
                pause_s = self._pause_s(error)
        except Exception as error:
            log.exception("command_broken", source=self._owner.source.key)
            result, problem = "lost", type(error).__name__
        return result, problem, pause_s

    def _pause_s(self, error: ProviderUnavailableError) -> float:
        """How long to leave the provider alone after one more failure."""
        self._failures += 1
        luck = random.random()  # noqa: S311 - jitter
        return max(backoff_s(self._failures, luck), error.retry_after_s or 0.0)

    async def _say(
        self, attempt: str | None, result: Result, problem: str | None
    ) -> None:
        """Tell what became of *attempt*, and wait until it has taken effect."""
        outcome = Outcome(
            call=self._call,
            command=self.command.id,
            source=self._owner.source.key,
            leg=self._leg,
            attempt=attempt,
            result=result,
            problem=problem,
        )
        await self._owner.tell(outcome)
        await self._until(lambda: not self._is_sent_as(attempt))

    def _is_sent_as(self, attempt: str | None) -> bool:
        """Nothing is known yet of what became of *attempt*."""
        execution = self.execution
        unheard = execution.stage == "sent" and not execution.lost
        return unheard and execution.attempt == attempt

    async def _look(self, looked: int) -> None:
        """Wait as long as is worth while, or for news; then have the source look.

        The last look is at the deadline: what it shows is what the command came to.
        """
        first_s, growth, longest_s = self._owner.source.looks
        pause_s = min(longest_s, first_s * growth ** min(looked, 60))
        pause_s *= 1 + _JITTER * random.random()  # noqa: S311 - jitter
        sent_at = self.execution.sent_at or self.command.requested_at
        deadline_at = later(sent_at, self.command.deadline_s)
        left_s = (deadline_at - self._owner.now()).total_seconds()
        if 0 < left_s < pause_s:
            pause_s = left_s
        try:
            async with asyncio.timeout(pause_s):
                await self._until(lambda: not self.execution.open)
        except TimeoutError:
            self._owner.source.look(self._call)

    async def _until(self, what: Callable[[], bool]) -> None:
        while not what():
            self._news.clear()
            await self._news.wait()
