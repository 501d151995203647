"""The commands that one socket's client asks for: each beside everything else."""

import asyncio
from http import HTTPStatus

from tracker.domain.key import make_key, split_key
from tracker.domain.wanted import Wanted
from tracker.errors import StoreError
from tracker.outlets.asking import Asked, Asker, Asking
from tracker.outlets.payload import ProblemError
from tracker.outlets.websocket import frames
from tracker.outlets.websocket.actions import Ask
from tracker.outlets.websocket.session import Session


class Commands:
    """Those under way; they end with the socket.

    Args:
        asking: Of the process.
        session: Gets the answers.
    """

    __slots__ = ("_asking", "_session", "_tasks")

    def __init__(self, asking: Asking, session: Session) -> None:
        self._asking = asking
        self._session = session
        self._tasks: list[asyncio.Task[None]] = []  # a set is heavy, this mostly empty

    def begin(self, ask: Ask) -> None:
        """Ask for one."""
        task = asyncio.create_task(self._ask(ask))
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)

    async def end(self) -> None:
        """Nobody is there to be told any more; what was taken goes on."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, ask: Ask) -> None:
        command, asker = ask.command, Asker.of(ask.access)
        wanted = Wanted.model_construct(
            **{name: getattr(command, name) for name in Wanted.model_fields}
        )
        call = make_key(*split_key(command.call))
        asked = Asked(call, wanted, command.idempotency_key)
        try:
            taken = await self._asking.ask(asker, asked)
        except ProblemError as error:
            frame = frames.problem(error.problem.members(), command.id)
        except StoreError:
            away = HTTPStatus.SERVICE_UNAVAILABLE
            refused = frames.FrameError(
                away, "the store is away: try again", command.id
            )
            frame = refused.frame()
        else:
            frame = frames.taken(command.id, taken)
        self._session.answer(frame)
