"""The socket: it comes back when it is lost, later and later, until it may not."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
)
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from tracker.client.access import Access, NoTokenError, Shown
from tracker.client.follower import (
    Begun,
    Follower,
    Lost,
    Message,
    SubscriptionError,
)
from tracker.errors import TrackerError

SUBPROTOCOL: Final = Subprotocol("tracker.v1")
MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
FINAL_CODES: Final = range(4500, 5000)
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
SPARING: Final[Mapping[int, float]] = MappingProxyType(
    {4001: 4, 4008: 2, 4011: 4, 4029: 20, 429: 20, 503: 4}
)
"""By close code or status: how many times `FIRST_PAUSE_S` a first pause has, so that
thousands who lost the same server do not come back as one."""

AT_ONCE: Final = (4009, 4010)
"""The first time: only another token, or another subscription, was wanted."""

TOKEN_REFUSED: Final = (4009, 4503, HTTPStatus.UNAUTHORIZED)
"""By close code or status: who has another token may come back."""

_LATER: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)


_LOSSES: Final = (
    OSError,
    InvalidHandshake,
    ConnectionClosed,
    TimeoutError,
    NoTokenError,
)


class RefusedError(TrackerError):
    """The server does not want us as we are: coming back would not help.

    Args:
        code: An HTTP status, or a close code; 0 when it does not speak our language.
        message: The server's reason.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Loss(NamedTuple):
    """Why a connection is gone.

    Attributes:
        code: Of the close, or of the HTTP answer; 0 = neither came.
        after_s: The server wants to be left alone for so long.
    """

    reason: str
    code: int = 0
    after_s: float = 0.0


async def follow(
    url: str, access: Access, follower: Follower
) -> AsyncGenerator[Message, None]:
    """Everything that *follower* understands, over as many connections as it takes.

    Args:
        url: Of the stream, ``ws://`` or ``wss://``.
        access: Who asks.
        follower: What to ask for and how to understand it.

    Raises:
        RefusedError: The server will not have us.
        PositionLostError: Events are missing and no snapshot was wanted.
    """
    failures, shown = 0, Shown(access)
    while True:
        try:
            async with aclosing(_once(url, shown, follower)) as messages:
                async for message in messages:
                    if isinstance(message, Begun):
                        failures = 0
                        shown.taken()
                    yield message
            raise AssertionError("an error ends it")
        except _LOSSES as error:
            loss = _loss(error)
            if loss.code in TOKEN_REFUSED:
                shown.refuse(RefusedError(loss.code, loss.reason))
        except SubscriptionError as error:
            if not error.retryable:
                raise RefusedError(error.status, str(error)) from error
            loss = Loss(str(error), error.status)
        yield Lost(loss.reason)
        failures += 1
        luck = random.random()  # noqa: S311 no secret
        await asyncio.sleep(max(loss.after_s, pause_s(failures, luck, loss.code)))


def pause_s(failures: int, luck: float, code: int = 0) -> float:
    """How long to wait after so many *failures* in a row.

    Args:
        failures: From 1.
        luck: Uniform in [0, 1): it takes away up to half.
        code: Of the last close, or of the last HTTP answer; 0 = neither came.
    """
    if failures == 1 and code in AT_ONCE:
        return 0.0
    first_s = FIRST_PAUSE_S * SPARING.get(code, 1)
    longest_s = min(LONGEST_PAUSE_S, first_s * 2.0 ** min(failures - 1, 60))
    return longest_s * (0.5 + luck / 2)


async def _once(
    url: str, shown: Shown, follower: Follower
) -> AsyncGenerator[Message, None]:
    """One connection, from its handshake to its end, which is an error.

    It is ended without awaiting: a caller may `break`, and the event loop end at once.
    """
    socket = await connect(
        url,
        additional_headers=await shown.headers(),
        subprotocols=[SUBPROTOCOL],
        compression=None,
        max_size=MAX_FRAME_BYTES,
    )
    renewing = asyncio.create_task(_renew(socket, shown))
    renewing.add_done_callback(lambda task: task.cancelled() or task.exception())
    try:
        await socket.send(follower.subscribe())
        while True:
            message = _understood(follower, await socket.recv())
            if message is not None:
                yield message
    finally:
        renewing.cancel()
        _leave(socket)


def _leave(socket: ClientConnection) -> None:
    """Say goodbye, and wait for no answer."""
    if socket.state is State.OPEN:
        socket.protocol.send_close(CloseCode.NORMAL_CLOSURE)
        socket.transport.write(b"".join(socket.protocol.data_to_send()))
    socket.transport.abort()


async def _renew(socket: ClientConnection, shown: Shown) -> None:
    """Give the server a new token before the one it has ends.

    When there is none to be had, the server closes, and who comes back needs one.
    """
    while (in_s := shown.renews_in_s()) is not None:
        await asyncio.sleep(in_s)
        await socket.send(json.dumps({"op": "auth", "token": await shown.renewed()}))


def _understood(follower: Follower, text: str | bytes) -> Message | None:
    try:
        return follower.receive(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(0, "it does not speak as tracker does") from error


def _loss(error: Exception) -> Loss:
    """Why the connection is gone.

    Raises:
        RefusedError: For good.
    """
    if isinstance(error, InvalidStatus):
        answer = error.response
        status, words = answer.status_code, _words(answer)
        if status == HTTPStatus.UNAUTHORIZED:
            return Loss(words, status)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LATER:
            raise RefusedError(status, words) from error
        after_s = seconds_of(answer.headers.get("Retry-After", ""))
        return Loss(words, status, min(LONGEST_PAUSE_S, after_s))
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        code, reason = error.rcvd.code, error.rcvd.reason
        if code in FINAL_CODES and code not in TOKEN_REFUSED:
            raise RefusedError(code, reason) from error
        return Loss(reason or f"closed with {code}", code)
    return Loss(str(error) or type(error).__name__)


def _words(answer: Response) -> str:
    """The detail of its RFC 9457 body; without one, its status."""
    try:
        detail = json.loads(answer.body or b"")["detail"]
    except (ValueError, LookupError, TypeError, RecursionError):
        detail = None
    return str(detail or f"HTTP {answer.status_code}")


def seconds_of(retry_after: str) -> float:
    """What the header asks for; 0 = nothing that is understood."""
    return float(retry_after) if retry_after.isdecimal() else 0.0
