"""The flow of a command: let in, put to its keeper, waited for, judged."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import ceil
from secrets import token_hex
from typing import Final

from tracker.domain.base import later
from tracker.domain.command import Request
from tracker.domain.entry import Reply
from tracker.domain.key import account_of, split_key
from tracker.domain.snapshot import CallSnapshot, CommandPart
from tracker.domain.terms import PLATFORMS
from tracker.domain.wanted import Wanted
from tracker.domain.watch import Unwatch, Watch
from tracker.errors import StoreUnavailableError
from tracker.fanout.waiting import Ticket
from tracker.outlets.asking.asker import Asked, Asker
from tracker.outlets.asking.problems import problem_of, refuse_wrong_options
from tracker.outlets.auth import ForbiddenError
from tracker.outlets.payload import Extra, ProblemError, Services, audit
from tracker.store.requests import KeptCommand

ANSWER_S: Final = 10.0
"""For a keeper to answer; a request that is older when it is read has expired."""

APPEARS_S: Final = 5.0
"""For a call to be found on a platform that lists none."""

LOOK_EVERY_S: Final = 0.25
MAX_KEY: Final = 1024

_NO_CALL: Final = "no such call"
_EXPIRED: Final = "it was not taken in time, and the platform was not asked"
_NO_ANSWER: Final = "no answer in time: look whether there is a command with this id"
_NOT_SHOWN: Final = "the platform has not shown the call in time; nothing was asked"
_REUSED: Final = "Idempotency-Key: it was used for another action or agent"


class Asking:
    """Of a process.

    Args:
        services: Of the process.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._projection = services.projection
        self._requests = services.requests
        self._waiting = services.waiting
        self._quota = services.quota

    async def ask(self, asker: Asker, asked: Asked) -> CommandPart:
        """Have a command taken, and wait for its end if that is wanted.

        Returns:
            The command as it stands; the first one, when its idempotency key was used.

        Raises:
            ProblemError: It was not taken, or nobody knows.
            StoreUnavailableError: Nothing was asked.
        """
        outcome = "nobody knows"
        try:
            self.admit(asker)
            command = await self._taken(asker, asked)
            outcome = f"taken as {command.id}"
        except ProblemError as error:
            outcome = str(error)
            raise
        finally:
            audit(asker.subject, asked.wanted.action, asked.call, outcome)
        return await self._end_of(command, asked.call, asked.wait_s)

    def admit(self, asker: Asker) -> None:
        """Let *asker* ask, who may and has not asked too often.

        Raises:
            ProblemError: 403, or 429.
        """
        if not asker.controls:
            raise ProblemError(403, str(ForbiddenError("calls:control")))
        after_s = ceil(self._quota.take_command(asker.subject))
        if after_s:
            detail = f"too many commands and watches: try again in {after_s} s"
            headers = {"Retry-After": str(after_s)}
            raise ProblemError(429, detail, headers=headers)

    async def command(self, asker: Asker, call: str, id_: str) -> CommandPart | None:
        """A command of the last day; None = there is none that *asker* may see."""
        kept = await self._requests.command(call, id_)
        return kept.command if kept and self._shows(asker, call, kept) else None

    async def commands(self, asker: Asker, call: str) -> list[CommandPart] | None:
        """Those of the last day, the newest first; None = no call that *asker* sees."""
        kept = await self._requests.commands(call)
        if not self._shows(asker, call, kept[0] if kept else None):
            return None
        return [one.command for one in kept]

    async def watch(self, told: Watch | Unwatch) -> bool:
        """Begin or end a watch; False when there is none to end.

        Raises:
            ProblemError: Nobody answered.
            StoreUnavailableError: It may have been told all the same.
        """

        async def look(ticket: Ticket) -> None:
            watched = await self._requests.watch(told.id, told.call)
            if (watched is not None) == isinstance(told, Watch):
                ticket.reply = Reply(to=told.id, key=told.call)

        with self._waiting.expecting(told.id) as ticket:
            await self._requests.put(told)
            await _hear(ticket, _answered, ANSWER_S, look)
        if ticket.reply is None:
            await look(ticket)
        if ticket.reply is None:
            raise problem_of(504, "no_answer", "no answer in time: look, and ask again")
        return ticket.reply.problem is None

    async def _taken(self, asker: Asker, asked: Asked) -> CommandPart:
        """The command, or the first one of its idempotency key."""
        command = await self._first(asker, asked)
        if command is not None:
            return command
        await self._find(asker, asked)
        check = self._services.options.get(account_of(asked.call))
        refuse_wrong_options(asked.wanted, check)
        return await self._take(asker, asked)

    async def _first(self, asker: Asker, asked: Asked) -> CommandPart | None:
        """What the same asker asked before under the same key."""
        if asked.idempotency_key is None:
            return None
        kept = await self._requests.asked_before(
            asked.call, asker.subject, asked.idempotency_key
        )
        if kept is None or not self._shows(asker, asked.call, kept):
            return None
        return _same(kept.command, asked.wanted)

    def _shows(self, asker: Asker, call: str, kept: KeptCommand | None) -> bool:
        """Whether *asker* sees the call; a forgotten one, as *kept* has it."""
        known = self._projection.get("call", call) or kept
        return known is not None and asker.sees(known.view)

    async def _find(self, asker: Asker, asked: Asked) -> None:
        """Let in who asks something of a live call that they may see."""
        if self._projection.get("call", asked.call) is None:
            await self._have_shown(asker, asked)
        stored = self._projection.get("call", asked.call)
        if stored is None or not asker.sees(stored.view):
            raise ProblemError(404, _NO_CALL)
        if stored.view.ended:
            raise problem_of(409, "call_ended")

    async def _have_shown(self, asker: Asker, asked: Asked) -> None:
        """Have an unknown call looked for, where the platform lists none by itself."""
        account = account_of(asked.call)
        platform = PLATFORMS.get(split_key(asked.call)[0])
        if platform is None or platform.lists_calls or len(asked.call) > MAX_KEY:
            return
        if not asker.has_account(account) or not self._services.knows_account(account):
            return
        if asker.knows_calls_by_who_is_on_them:
            return
        if asked.wanted.action not in platform.actions:
            raise problem_of(409, "unsupported_by_platform")
        watch = Watch(
            id=token_hex(16),
            call=asked.call,
            deadline_s=0.0,
            requested_by=asker.subject,
        )
        with self._waiting.expecting(asked.call) as ticket:
            try:
                async with asyncio.timeout(APPEARS_S):
                    await self.watch(watch)
                    await self._shown(watch, ticket)
            except TimeoutError as error:
                raise problem_of(504, "not_shown", _NOT_SHOWN) from error
            finally:
                with suppress(StoreUnavailableError):
                    await self._requests.put(Unwatch(id=watch.id, call=watch.call))

    async def _shown(self, watch: Watch, ticket: Ticket) -> None:
        """Return when the call is known, or known not to be."""
        call = watch.call

        def known(_: Ticket) -> bool:
            return self._projection.get("call", call) is not None

        while not await ticket.until(known, LOOK_EVERY_S):
            watched = await self._requests.watch(watch.id, call)
            if watched is None or watched.state == "not_found":
                return

    async def _take(self, asker: Asker, asked: Asked) -> CommandPart:
        """Put the request to its keeper, and hear whether it is a command now."""
        id_ = token_hex(16)
        now = await self._requests.now(asked.call)
        request = Request(
            **asked.wanted.model_dump(),
            id=id_,
            call=asked.call,
            requested_by=asker.subject,
            not_after=later(now, ANSWER_S),
            idempotency_key=asked.idempotency_key,
        )
        try:
            return await self._judged(asker, asked, request)
        except StoreUnavailableError as error:
            raise problem_of(504, "no_answer", _NO_ANSWER, id_) from error

    async def _judged(
        self, asker: Asker, asked: Asked, request: Request
    ) -> CommandPart:
        id_ = request.id
        with self._waiting.expecting(id_) as ticket:
            await self._requests.put(request)
            await _hear(ticket, _answered, ANSWER_S, self._look(asked.call, id_))
        reply = ticket.reply or Reply(to=id_, key=asked.call, command=id_)
        if reply.problem is not None:
            raise await self._refusal(asker, asked, reply)
        kept = await self._requests.command(asked.call, reply.command or id_)
        if kept is None:
            raise problem_of(504, "no_answer", _NO_ANSWER, id_)
        return _same(kept.command, asked.wanted)

    async def _end_of(
        self, command: CommandPart, call: str, wait_s: float
    ) -> CommandPart:
        """*command* when it is settled, or as it is after *wait_s*."""
        if command.settled_at is not None or not wait_s:
            return command
        with self._waiting.expecting(command.id) as ticket:
            ticket.doubtful = True  # it may have been settled before the ticket
            with suppress(StoreUnavailableError):
                look = self._look(call, command.id)
                await _hear(ticket, _settled, wait_s, look)
                kept = await self._requests.command(call, command.id)
                return kept.command if kept else command
        return command

    def _look(self, call: str, id_: str) -> Callable[[Ticket], Awaitable[None]]:
        """What the store knows of a command, for who waits for it."""

        async def look(ticket: Ticket) -> None:
            kept = await self._requests.command(call, id_)
            if kept is not None:
                ticket.command = True
                ticket.settled |= kept.command.settled_at is not None

        return look

    async def _refusal(self, asker: Asker, asked: Asked, reply: Reply) -> ProblemError:
        """What the keeper's no is to the one who asked."""
        stored = self._projection.get("call", asked.call)
        shown = stored if stored and asker.sees(stored.view) else None
        match reply.problem:
            case "unknown_call":
                gone = ProblemError(404, _NO_CALL)
                return problem_of(409, "call_ended") if shown else gone
            case "expired":
                return problem_of(504, "expired", _EXPIRED, reply.to)
            case "command_open" if asker.reads and reply.command is not None:
                kept = await self._requests.command(asked.call, reply.command)
                extra = Extra(command=kept.command if kept else None)
                return problem_of(409, "command_open", extra=extra)
            case "not_allowed_now" if shown and asker.reads:
                allowed = _what_is_allowed(shown.snapshot)
                return problem_of(409, "not_allowed_now", allowed)
            case problem:
                return problem_of(409, problem or "refused")


async def _hear(
    ticket: Ticket,
    what: Callable[[Ticket], bool],
    within_s: float,
    look: Callable[[Ticket], Awaitable[None]],
) -> None:
    """Wait for *what*; where something may have been missed, *look* finds out."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not what(ticket):
                await ticket.until(lambda t: what(t) or t.doubtful, within_s)
                if ticket.doubtful:
                    ticket.doubtful = False
                    await look(ticket)


def _what_is_allowed(snapshot: bytes) -> str:
    call = CallSnapshot.model_validate_json(snapshot)
    allowed = ", ".join(call.allowed_actions) or "nothing"
    return f"the recording is {call.recording.state}: what can be done is {allowed}"


def _answered(ticket: Ticket) -> bool:
    return ticket.answered


def _settled(ticket: Ticket) -> bool:
    return ticket.settled


def _same(first: CommandPart, wanted: Wanted) -> CommandPart:
    if (first.action, first.agent) != (wanted.action, wanted.agent):
        raise problem_of(422, "key_reused", _REUSED)
    return first
