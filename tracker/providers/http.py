"""The edge to HTTP: aiohttp's errors and HTTP's statuses become tracker's, once."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import aiohttp

from tracker.domain.archive import Range, Stream
from tracker.errors import (
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
    reason_of,
)
from tracker.retry_after import parse_retry_after

LONGEST_RETRY_S: Final = 3600.0


def open_session(
    *, connect_timeout_s: float, headers: dict[str, str]
) -> aiohttp.ClientSession:
    """Return a session for thousands of accounts' users, inside a running loop.

    It has no limit of connections and no cookie jar: a jar would give every user of
    a server the session of the last one. Time limits are the callers'.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s),
    )


class HttpConnection:
    """Owns a session, and closes it: an async context manager.

    Args:
        http: For nobody else.
    """

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.close()


@contextmanager
def provider_errors(what: str) -> Iterator[None]:
    """Turn what aiohttp raises into ProviderUnavailableError.

    Args:
        what: Who was asked for what. The error's message adds the system's words or
            the error's class, never what the server sent.
    """
    try:
        yield
    except TimeoutError as error:
        msg = f"{what}: no answer in time"
        sent = not isinstance(error, aiohttp.ConnectionTimeoutError)
        raise ProviderUnavailableError(msg, taken=sent) from error
    except aiohttp.ClientConnectorError as error:
        place = f"{error.host}:{error.port}"
        msg = f"{what}: {place} cannot be reached: {reason_of(error)}"
        raise ProviderUnavailableError(msg, taken=False) from error
    except aiohttp.ClientError as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        msg = f"{what}: {reason}"
        raise ProviderUnavailableError(msg) from error


def status_error(
    status: int, what: str, retry_after: str | None = None
) -> ProviderError:
    """Return the error that a refusing HTTP status of a read means.

    Args:
        status: Not 2xx. 401 and 403 lock; everything else is worth another try.
        what: As in `provider_errors`.
        retry_after: The header of that name, as it came.
    """
    msg = f"{what}: HTTP {status}"
    if status in (401, 403):
        return ProviderLockedError(msg)
    retry_after_s = asked_pause_s(retry_after)
    taken = status != HTTPStatus.TOO_MANY_REQUESTS
    return ProviderUnavailableError(msg, retry_after_s, taken=taken)


def asked_pause_s(retry_after: str | None) -> float | None:
    """How long a Retry-After field wants the server to be left alone; None = not.

    Nobody is left alone for more than an hour.
    """
    asked_s = parse_retry_after(retry_after, datetime.now(UTC).timestamp())
    return None if asked_s is None else min(LONGEST_RETRY_S, asked_s)


async def read_body(response: aiohttp.ClientResponse, *, most_bytes: int) -> bytes:
    """Return the whole body.

    Raises:
        ProviderUnavailableError: There is more of it than *most_bytes*.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most_bytes:
            msg = f"an answer of more than {most_bytes} bytes"
            raise ProviderUnavailableError(msg)
    return bytes(body)


BUFFER_BYTES: Final = 2**18
"""Of a file on its way: it goes on in large pieces, and never more is held."""


def range_header(part: Range | None) -> dict[str, str]:
    """The header that asks for a part of a file."""
    if part is None:
        return {}
    return {"Range": f"bytes={part.first}-{'' if part.last is None else part.last}"}


def whole_size(content_range: str) -> int | None:
    """Out of ``bytes */1234``, how large the file is that has no such part."""
    size = content_range.rpartition("/")[2]
    return int(size) if size.isascii() and size.isdecimal() else None


async def file_chunks(
    response: aiohttp.ClientResponse, what: str
) -> AsyncGenerator[bytes]:
    """The pieces of a file, as they come.

    Raises:
        ProviderUnavailableError: It broke off.
    """
    with provider_errors(what):
        async for chunk in response.content.iter_any():
            yield chunk


def file_stream(
    response: aiohttp.ClientResponse, chunks: AsyncIterator[bytes], what: str
) -> Stream:
    """What a good answer is as a file on its way.

    Raises:
        ProviderUnavailableError: It is none.
    """
    told = response.headers
    content_range = told.get("Content-Range")
    is_part = response.status == HTTPStatus.PARTIAL_CONTENT
    if response.status != HTTPStatus.OK and not (is_part and content_range):
        msg = f"{what}: HTTP {response.status} without a file"
        raise ProviderUnavailableError(msg)
    is_as_it_is = told.get("Content-Encoding", "identity") == "identity"
    return Stream(
        chunks=chunks,
        content_type=told.get("Content-Type", "application/octet-stream"),
        status=206 if is_part else 200,
        size=response.content_length if is_as_it_is else None,
        content_range=content_range if is_part else None,
    )


FAILING_WINDOW_S: Final = 1.05
"""In which one client whose server fails sends two requests: at most two in any one
second, also where one arrives late and the next early."""

RELEASED_BY_PROOF: Final = 16
"""How many requests are let through when a client's server has proved itself."""


class Gate:
    """Lets requests through one by one while a server has not proved itself.

    Those who have begun something go before those who have not, and of those the last
    first: one session that gets through all its steps proves the server, many that
    took their first one do not.

    Args:
        per_s: How many a second at most, without `release`.
    """

    def __init__(self, per_s: float) -> None:
        self._interval_s = 1 / per_s
        self._begun: list[asyncio.Future[None]] = []
        self._fresh: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, *, begun: bool) -> None:
        """Wait for one's turn."""
        turn = asyncio.get_running_loop().create_future()
        (self._begun if begun else self._fresh).append(turn)
        if self._timer is None:
            self._tick()
        await turn

    def release(self, count: int) -> int:
        """Let up to *count* who wait through at once; return how many went."""
        released = 0
        while released < count and (self._begun or self._fresh):
            turn = self._begun.pop() if self._begun else self._fresh.popleft()
            if not turn.done():
                turn.set_result(None)
                released += 1
        return released

    def _tick(self) -> None:
        self._timer = None
        if self.release(1):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval_s, self._tick)


class Pace:
    """How fast one client may ask: freely, once its server has proved itself.

    Until then every request passes the gate that it shares with others; and once
    something has failed, there are at most two requests in any second.
    """

    __slots__ = ("_asked_at_s", "_gate", "_has_begun", "_has_failed", "_is_proven")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._has_begun = self._has_failed = self._is_proven = False
        self._asked_at_s = (-math.inf, -math.inf)

    @property
    def is_proven(self) -> bool:
        """The server does all that is wanted of it."""
        return self._is_proven

    async def turn(self) -> None:
        """Wait until a request may be sent."""
        loop = asyncio.get_running_loop()
        if self._has_failed:
            early_s = self._asked_at_s[0] + FAILING_WINDOW_S - loop.time()
            await asyncio.sleep(max(0.0, early_s))
        if not self._is_proven:
            await self._gate.turn(begun=self._has_begun)
        self._asked_at_s = (self._asked_at_s[1], loop.time())

    def went_well(self) -> None:
        """Say that a request was answered, whatever that may prove."""
        self._has_begun = True

    def failed(self) -> None:
        """Say that the server does not answer, or only with errors."""
        self.refused()
        self._has_begun = False

    def refused(self) -> None:
        """Say that the server answers, but does not do what was wanted."""
        self._has_failed = True
        self._is_proven = False

    def doubted(self) -> None:
        """Say that the server has to prove itself again, though nothing failed."""
        self._is_proven = False

    def proved(self) -> None:
        """Say that the server does all that is wanted of it."""
        if not self._is_proven:
            self._gate.release(RELEASED_BY_PROOF)
        self._has_begun = self._is_proven = True
        self._has_failed = False
