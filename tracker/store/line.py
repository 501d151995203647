"""One connection that many calls share.

What is asked in one turn of the event loop goes out in one write, and what the server
has answered by then comes in with one read: the busier, the cheaper.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError, ResponseError

Value = str | bytes | int | float
Command = Sequence[Value]
Answer = Any
"""As RESP2 has it: bytes, int, None, or a list of them."""

_pack: Any = hiredis.pack_command  # its stub takes a tuple of exactly one


def packed(commands: Sequence[Command]) -> bytes:
    """*commands* as the server reads them."""
    return b"".join([_pack(tuple(command)) for command in commands])


async def read_answer(connection: AbstractConnection) -> Answer:
    """The next answer; a refusal is a value.

    Any other failure, and being cancelled, closes the connection.
    """
    try:
        return await connection.read_response()
    except ResponseError as refused:
        return refused


class _Asked(NamedTuple):
    """Commands whose answers are outstanding."""

    commands: int
    answers: list[Answer]
    answered: asyncio.Future[list[Answer]]
    due_s: float


class Line:
    """A connection in use by everybody, until it breaks or is retired.

    Nothing that blocks may be asked here: all that is asked later waits behind it.

    Args:
        connection: Connected, and for nobody else.
        limit_s: An answer that takes longer will not come: the line breaks.
    """

    def __init__(self, connection: AbstractConnection, limit_s: float) -> None:
        self._connection = connection
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._asked: deque[_Asked] = deque()
        self._unsent: list[bytes] = []
        self._sending: asyncio.Task[None] | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._retired = False
        self._reading = self._loop.create_task(self._read())

    @property
    def is_open(self) -> bool:
        """It takes further commands."""
        return not self._retired

    def exchange(self, commands: Sequence[Command]) -> asyncio.Future[list[Answer]]:
        """Ask *commands* in order; a refusal stands in its answer's place.

        A cancelled future's answers are dropped when they come. A broken line answers
        with what broke it: TimeoutError, a RedisError or an OSError.
        """
        answered: asyncio.Future[list[Answer]] = self._loop.create_future()
        due_s = self._loop.time() + self._limit_s
        if not self._unsent:
            self._sending = self._loop.create_task(self._send())
        self._unsent.append(packed(commands))
        self._asked.append(_Asked(len(commands), [], answered, due_s))
        if self._watching is None:
            self._watching = self._loop.call_at(due_s, self._watch)
        return answered

    async def retire(self) -> None:
        """Take no more; close when all that was asked is answered."""
        self._retired = True
        if not self._asked:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if not self._connection.is_connected:
            return
        try:
            await self._connection.send_packed_command([b"".join(unsent)])
        except (RedisError, OSError) as error:
            self._break(error)

    async def _read(self) -> None:
        try:
            while self._asked or not self._retired:
                self._take(await read_answer(self._connection))
        except (RedisError, OSError) as error:
            self._break(error)
        finally:
            self._break(LostError("the connection was closed"))
            await self._connection.disconnect(nowait=True)

    def _take(self, answer: Answer) -> None:
        asked = self._asked[0]
        asked.answers.append(answer)
        if len(asked.answers) == asked.commands:
            self._asked.popleft()
            if not asked.answered.done():
                asked.answered.set_result(asked.answers)

    def _watch(self) -> None:
        self._watching = None
        if not self._asked:
            return
        due_s = self._asked[0].due_s
        if due_s <= self._loop.time():
            self._break(TimeoutError())
            self._reading.cancel()
        else:
            self._watching = self._loop.call_at(due_s, self._watch)

    def _break(self, error: Exception) -> None:
        self._retired = True
        if self._watching is not None:
            self._watching.cancel()
        while self._asked:
            answered = self._asked.popleft().answered
            if not answered.done():
                answered.set_exception(error)
