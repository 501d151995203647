"""Requests with a token of the account's, and the files that are streamed.

Every request is sent once, and once more after a renewal of a token that the server no
longer takes; a command only soon. The token goes to the server of the settings and
nowhere else.
"""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Final, Generic, NamedTuple, TypeVar

import aiohttp
import structlog
from yarl import URL

from tracker.domain.archive import Stream
from tracker.errors import (
    ProviderError,
    ProviderUnavailableError,
    RangeError,
)
from tracker.providers.http import (
    BUFFER_BYTES,
    HttpConnection,
    file_chunks,
    file_stream,
    open_session,
    provider_errors,
    read_body,
    status_error,
    whole_size,
)
from tracker.providers.renewal import refused_again
from tracker.providers.settings import AccountSettings
from tracker.providers.wire import Garbled

MOST_BYTES: Final = 2**25
"""Of one answer that is no file; a page of 500 recordings has some 500 kB."""

ABSENT: Final = (404, 410)

_MOST_NOTES: Final = 100
_GOOD: Final = (200, 201, 202, 204, 206)
_LATER: Final = (408, 425, 429)

A = TypeVar("A")
R = TypeVar("R")

log = structlog.get_logger(__name__)


class Request(NamedTuple):
    """What to send.

    Attributes:
        what: Names it in errors.
        repeated_within_s: After a renewal it is sent again only so soon.
    """

    method: str
    url: str
    what: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    repeated_within_s: float = math.inf


class TokenClient(HttpConnection, ABC, Generic[A]):
    """One account's requests; `A` is what its tokens come as.

    Args:
        settings: Whose, and how long anything may take.
    """

    def __init__(self, settings: AccountSettings) -> None:
        super().__init__(
            open_session(connect_timeout_s=settings.connect_timeout_s, headers={})
        )
        self._account_name = settings.account
        self._connect_s = settings.connect_timeout_s
        self._limit_s = settings.request_timeout_s
        self._noted: set[tuple[str, str]] = set()
        self._accepted: A | None = None

    @abstractmethod
    async def access(self, stale: A | None = None) -> A:
        """A token that is good for a while, and is not *stale*."""

    @abstractmethod
    def _signed(self, access: A) -> Mapping[str, str]:
        """The header that shows the token."""

    @abstractmethod
    def _refusal(self, status: int, what: str, body: bytes) -> ProviderError:
        """What the platform's no means."""

    def note(self, event: str, detail: str) -> None:
        """Log something odd, once."""
        if len(self._noted) < _MOST_NOTES and (event, detail) not in self._noted:
            self._noted.add((event, detail))
            log.warning(event, account=self._account_name, detail=detail)

    async def _ask(self, asked: Request) -> bytes:
        async with self._sent(asked) as response:
            return await self._read(response, asked.what)

    @asynccontextmanager
    async def _file(self, asked: Request, not_as: str = "") -> AsyncIterator[Stream]:
        """A good answer's body as it comes; *not_as*: a type that it must not have."""
        what = self._what(asked.what)
        async with self._sent(asked) as response:
            if not_as and response.content_type == not_as:
                msg = f"{what}: its document came instead"
                raise ProviderUnavailableError(msg)
            async with aclosing(file_chunks(response, what)) as chunks:
                yield file_stream(response, chunks, what)

    @asynccontextmanager
    async def _sent(self, asked: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The good answer, whose body is yet to be read."""
        access = await self.access()
        began_at_s = _now_s()
        response = await self._send(asked, access)
        try:
            if response.status == HTTPStatus.UNAUTHORIZED:
                response.close()
                access = await self.access(access)
                if _now_s() - began_at_s > asked.repeated_within_s:
                    msg = self._what(f"{asked.what}: the token was renewed first")
                    raise ProviderUnavailableError(msg, taken=False)
                response = await self._send(asked, access)
            if response.status not in _GOOD:
                raise await self._error(response, asked.what, access)
            self._accepted = access
            yield response
        finally:
            response.close()

    async def _send(self, asked: Request, access: A) -> aiohttp.ClientResponse:
        with provider_errors(self._what(asked.what)):
            async with asyncio.timeout(self._limit_s):
                return await self.http.request(
                    asked.method,
                    URL(asked.url, encoded=True),
                    data=asked.body,
                    headers={**asked.headers, **self._signed(access)},
                    allow_redirects=False,
                    read_bufsize=BUFFER_BYTES,
                    timeout=aiohttp.ClientTimeout(
                        sock_connect=self._connect_s, sock_read=self._limit_s
                    ),
                )

    async def _read(self, response: aiohttp.ClientResponse, what: str) -> bytes:
        with provider_errors(self._what(what)):
            async with asyncio.timeout(self._limit_s):
                return await read_body(response, most_bytes=MOST_BYTES)

    async def _error(
        self, response: aiohttp.ClientResponse, asked: str, access: A
    ) -> ProviderError:
        """What a status that is not good means; 401 is one of a renewed token."""
        status, what = response.status, self._what(asked)
        if status == HTTPStatus.UNAUTHORIZED:
            return refused_again(what, was_accepted=self._accepted is access)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return RangeError(whole_size(response.headers.get("Content-Range", "")))
        is_trouble = not 400 <= status < 500 or status in _LATER  # noqa: PLR2004
        if is_trouble or status == HTTPStatus.FORBIDDEN:
            return status_error(status, what, response.headers.get("Retry-After"))
        return self._refusal(status, what, await self._read(response, asked))

    def _readable(self, read: R | Garbled) -> R:
        """*read*, unless nothing of it could be."""
        if isinstance(read, Garbled):
            msg = self._what(f"the answer cannot be read: {read.kind}: {read.shape}")
            raise ProviderUnavailableError(msg)
        return read

    def _what(self, what: str) -> str:
        return f"{self._account_name}: {what}"


def _now_s() -> float:
    return asyncio.get_running_loop().time()
