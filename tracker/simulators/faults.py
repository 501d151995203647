"""What can be made to go wrong in a simulator, where, and how often.

A `Fault` says what; a `FaultBoard` holds the armed ones and is asked at every
point where one could strike; `fault_middleware` lets those of HTTP strike, and
`fault_routes` arms and clears them over HTTP.
"""

import asyncio
import itertools
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Literal, NamedTuple

from aiohttp import web
from aiohttp.payload import Payload
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, Field, ValidationError

CONTROL_PREFIX = "/_sim/"
"""Where a simulator's own HTTP control lives."""

_PIECE_BYTES = 1_000


class FaultKind(StrEnum):
    """What happens. The first five strike requests, the rest what they carry."""

    DELAY = "delay"
    """The answer, or the message, comes `delay_s` late."""
    CUT = "cut"
    """The TCP connection is reset; with `after`, in the middle of the answer."""
    HANG = "hang"
    """Nothing is answered until the fault is over; then the connection is reset."""
    STATUS = "status"
    """`status` is answered: 401, 429 with or without `retry_after_s`, 5xx."""
    GARBAGE = "garbage"
    """`body` is answered with status 200."""
    DROP = "drop"
    """The message never reaches anybody."""
    REORDER = "reorder"
    """The message is overtaken by the next one, or is `delay_s` late."""
    NEVER = "never"
    """A command is accepted and nothing comes of it."""
    REFUSE = "refuse"
    """The subscription is refused."""
    DISMISS = "dismiss"
    """The client is told to go and not to come back (advice none)."""


HTTP_FAULTS = frozenset(
    {
        FaultKind.DELAY,
        FaultKind.CUT,
        FaultKind.HANG,
        FaultKind.STATUS,
        FaultKind.GARBAGE,
    }
)


class Fault(BaseModel):
    """One thing that goes wrong, until it is over.

    Attributes:
        path: Shell pattern of what it strikes: a request's path, or the channel of
            a message, a subscription or a Bayeux meta message.
        agent: The agent it is limited to.
        count: How often it strikes; None: until it is over otherwise.
        for_s: How long it is armed; None: until it is cleared or used up.
        after: A request is first handled, its effects stand, and the answer suffers.
            It also strikes requests that were already held when it was armed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    path: str = "*"
    agent: str | None = None
    count: int | None = Field(default=None, ge=1)
    for_s: float | None = Field(default=None, gt=0)
    after: bool = False
    delay_s: float = Field(default=0.2, ge=0)
    status: int = Field(default=HTTPStatus.SERVICE_UNAVAILABLE, ge=400, le=599)
    retry_after_s: int | None = Field(default=None, ge=0)
    body: Literal["html", "empty", "broken"] = "html"

    def strikes(self, path: str, agent: str | None) -> bool:
        """Whether it is meant for this path and this agent."""
        return (self.agent is None or self.agent == agent) and fnmatchcase(
            path, self.path
        )


class ArmedFault:
    """A fault on the board; `fired` counts how often it struck."""

    def __init__(self, fault_id: int, fault: Fault, now_s: float) -> None:
        self.id = fault_id
        self.fault = fault
        self.fired = 0
        self._until_s = None if fault.for_s is None else now_s + fault.for_s
        self._cleared = asyncio.Event()

    def is_over(self, now_s: float) -> bool:
        """Whether it can strike no more."""
        used_up = self.fault.count is not None and self.fired >= self.fault.count
        late = self._until_s is not None and now_s >= self._until_s
        return self._cleared.is_set() or used_up or late

    def clear(self) -> None:
        """End it; who hangs because of it goes on."""
        self._cleared.set()

    async def wait_over(self, now_s: float) -> None:
        """Return when it was cleared or its time is up, however often it struck."""
        left_s = None if self._until_s is None else max(0.0, self._until_s - now_s)
        try:
            await asyncio.wait_for(self._cleared.wait(), left_s)
        except TimeoutError:
            return


class FaultBoard:
    """The armed faults of one simulator; false when there are none.

    Args:
        clock: Seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._armed: dict[int, ArmedFault] = {}
        self._spent: dict[int, ArmedFault] = {}
        self._ids = itertools.count(1)

    def __bool__(self) -> bool:
        return bool(self._armed)

    def add(self, fault: Fault) -> ArmedFault:
        """Arm a fault; the older of two that match strikes first."""
        armed = ArmedFault(next(self._ids), fault, self._clock())
        self._armed[armed.id] = armed
        return armed

    def clear(self) -> None:
        """End every fault, and every hang with it."""
        for armed in (*self._armed.values(), *self._spent.values()):
            armed.clear()
        self._armed.clear()
        self._spent.clear()

    def take(
        self,
        kinds: frozenset[FaultKind],
        path: str,
        agent: str | None,
        *,
        after: bool = False,
    ) -> ArmedFault | None:
        """The first armed fault that strikes here, counted as struck."""
        now_s = self._clock()
        for armed in list(self._armed.values()):
            fault = armed.fault
            if armed.is_over(now_s):
                self._retire(armed)
            elif (
                fault.kind in kinds
                and fault.after == after
                and fault.strikes(path, agent)
            ):
                armed.fired += 1
                if armed.is_over(now_s):
                    self._retire(armed)
                return armed
        return None

    async def until_over(self, armed: ArmedFault) -> None:
        """Hang until the fault is cleared or its time is up."""
        await armed.wait_over(self._clock())

    def _retire(self, armed: ArmedFault) -> None:
        """Keep a hang's fault, so that clearing still frees those who hang on it."""
        del self._armed[armed.id]
        if armed.fault.kind is FaultKind.HANG:
            self._spent[armed.id] = armed


class Target(NamedTuple):
    """Whom a request is about, as fault patterns see it."""

    path: str
    agent: str | None


def fault_middleware(
    board: FaultBoard, target_of: Callable[[web.Request], Awaitable[Target]]
) -> Middleware:
    """Let the HTTP faults of a board strike an application's requests.

    The simulator's own control belongs outside of that application.

    Args:
        board: The armed faults.
        target_of: Names a request; only asked while faults are armed.
    """

    @web.middleware
    async def strike(request: web.Request, handler: Handler) -> web.StreamResponse:
        if board:
            target = await target_of(request)
            armed = board.take(HTTP_FAULTS, *target)
            if armed and armed.fault.kind is FaultKind.DELAY:
                await asyncio.sleep(armed.fault.delay_s)
            elif armed:
                return await _suffer(board, armed, request, None)
        answer = await handler(request)
        if board:
            target = await target_of(request)
            armed = board.take(HTTP_FAULTS, *target, after=True)
            if armed:
                return await _suffer(board, armed, request, answer)
        return answer

    return strike


async def _suffer(
    board: FaultBoard,
    armed: ArmedFault,
    request: web.Request,
    answer: web.StreamResponse | None,
) -> web.StreamResponse:
    fault = armed.fault
    if fault.kind is FaultKind.STATUS:
        headers = {}
        if fault.retry_after_s is not None:
            headers["Retry-After"] = str(fault.retry_after_s)
        return web.Response(status=fault.status, headers=headers)
    if fault.kind is FaultKind.GARBAGE:
        return _garbage(fault)
    if fault.kind is FaultKind.DELAY:
        await asyncio.sleep(fault.delay_s)
        return answer or web.Response()
    if fault.kind is FaultKind.HANG:
        await board.until_over(armed)
    elif isinstance(answer, web.Response):
        await _send_half(request, answer)
    reset_connection(request.transport)
    return web.Response()


def _garbage(fault: Fault) -> web.Response:
    if fault.body == "html":
        page = "<html><body><h1>Sign in</h1></body></html>"
        return web.Response(text=page, content_type="text/html")
    body = "" if fault.body == "empty" else '[{"channel":"/meta/connect","succ'
    return web.Response(text=body, content_type="application/json")


async def _send_half(request: web.Request, answer: web.Response) -> None:
    """Half of what is known to come; of what is not, a piece."""
    body = answer.body
    torn = web.StreamResponse(status=answer.status, headers=answer.headers)
    if isinstance(body, Payload):
        torn.content_length = body.size
        if writer := await torn.prepare(request):
            await body.write_with_length(writer, (body.size or _PIECE_BYTES) // 2)
        return
    body = body if isinstance(body, bytes) else b""
    torn.content_length = len(body)
    await torn.prepare(request)
    await torn.write(body[: len(body) // 2])


def reset_connection(transport: asyncio.Transport | None) -> None:
    """Reset a TCP connection, if it still stands: the peer sees ECONNRESET."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        no_linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    transport.abort()


def fault_routes(board: FaultBoard) -> list[web.RouteDef]:
    """`POST /_sim/faults` arms one (its JSON) and answers its id; DELETE clears all."""

    async def arm(request: web.Request) -> web.Response:
        try:
            fault = Fault.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=422, text=error.json(include_url=False))
        return web.json_response({"id": board.add(fault).id}, status=201)

    async def clear(_request: web.Request) -> web.Response:
        board.clear()
        return web.Response(status=204)

    path = f"{CONTROL_PREFIX}faults"
    return [web.post(path, arm), web.delete(path, clear)]
