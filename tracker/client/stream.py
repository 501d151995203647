"""The socket: it comes back when it is lost, later and later, until it may not."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Final

from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
)
from websockets.typing import Subprotocol

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

_LATER: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
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


async def follow(
    url: str, token: str | None, follower: Follower
) -> AsyncGenerator[Message, None]:
    """Everything that *follower* understands, over as many connections as it takes.

    Args:
        url: Of the stream, ``ws://`` or ``wss://``.
        token: An access token; None = the server wants none.
        follower: What to ask for and how to understand it.

    Raises:
        RefusedError: The server will not have us.
        PositionLostError: Events are missing and no snapshot was wanted.
    """
    failures = 0
    while True:
        try:
            async with aclosing(_once(url, token, follower)) as messages:
                async for message in messages:
                    if isinstance(message, Begun):
                        failures = 0
                    yield message
            reason = "the server has closed"
        except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError) as error:
            reason = _reason(error)
        except SubscriptionError as error:
            if not error.retryable:
                raise RefusedError(error.status, str(error)) from error
            reason = str(error)
        yield Lost(reason)
        failures += 1
        await asyncio.sleep(pause_s(failures, random.random()))  # noqa: S311 no secret


def pause_s(failures: int, luck: float) -> float:
    """How long to wait after so many *failures* in a row.

    Args:
        failures: From 1.
        luck: Uniform in [0, 1): it takes away up to half.
    """
    longest_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 60))
    return longest_s * (0.5 + luck / 2)


async def _once(
    url: str, token: str | None, follower: Follower
) -> AsyncGenerator[Message, None]:
    """One connection, from its handshake to its end."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(
        url,
        additional_headers=headers,
        subprotocols=[SUBPROTOCOL],
        compression=None,
        max_size=MAX_FRAME_BYTES,
    ) as socket:
        await socket.send(follower.subscribe())
        async for text in socket:
            message = _understood(follower, text)
            if message is not None:
                yield message


def _understood(follower: Follower, text: str | bytes) -> Message | None:
    try:
        return follower.receive(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(0, "it does not speak as tracker does") from error


def _reason(error: Exception) -> str:
    """Why the connection is gone.

    Raises:
        RefusedError: For good.
    """
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LATER:
            raise RefusedError(status, f"HTTP {status}") from error
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        if error.rcvd.code in FINAL_CODES:
            raise RefusedError(error.rcvd.code, error.rcvd.reason) from error
        return error.rcvd.reason or f"closed with {error.rcvd.code}"
    return str(error) or type(error).__name__
