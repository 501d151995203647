"""What an account is asked by HTTP, and the files that are streamed from it.

Every request is sent once, and once more after a renewal of a token that the server no
longer takes. The token goes to the server of `base_url` and nowhere else.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import aiohttp
import structlog
from yarl import URL

from tracker.domain.archive import Range, Stream
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
    RangeError,
)
from tracker.providers.http import (
    BUFFER_BYTES,
    file_chunks,
    file_stream,
    open_session,
    provider_errors,
    range_header,
    read_body,
    status_error,
    whole_size,
)
from tracker.providers.vonage_business.query import Filters
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.providers.vonage_business.tokens import Tokens, check_secrets
from tracker.providers.vonage_business.wire import parse_message

_MOST_BYTES: Final = 2**24
"""Of one answer that is no file; a page of 200 recordings has some 200 kB."""

_MOST_NOTES: Final = 100
_GOOD: Final = (200, 201, 202, 204)
_ABSENT: Final = (404, 410)
_LATER: Final = (408, 425, 429)
_PLAIN: Final = re.compile(r"[!-~]+")
_PORTS: Final = {"http": 80, "https": 443}

log = structlog.get_logger(__name__)


class Request(NamedTuple):
    """What to send; *what* names it in errors."""

    method: str
    url: str
    what: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class VonageBusinessClient:
    """One account's requests.

    Raises:
        ConfigError: A secret is missing.
    """

    def __init__(self, settings: VonageBusinessSettings) -> None:
        check_secrets(settings)
        self.settings = settings
        self._http = open_session(
            connect_timeout_s=settings.connect_timeout_s, headers={}
        )
        self._tokens = Tokens(settings, self._http)
        self._noted: set[tuple[str, str]] = set()
        self._account = f"{settings.api}/accounts/{quote(settings.account, safe='')}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tokens.close()
        await self._http.close()

    def note(self, event: str, detail: str) -> None:
        """Log something odd, once."""
        if len(self._noted) < _MOST_NOTES and (event, detail) not in self._noted:
            self._noted.add((event, detail))
            log.warning(event, account=self.settings.account, detail=detail)

    async def get(self, path: str, what: str, query: Filters | None = None) -> bytes:
        """Read something below the account.

        Raises:
            NotFoundError: It isn't there.
            CommandRefusedError: The platform said no, and why.
            ProviderLockedError: The credentials are refused.
            ProviderUnavailableError: No good answer.
        """
        asked = f"?{urlencode(query)}" if query else ""
        headers = {"Accept": "application/json"}
        url = f"{self._account}{path}{asked}"
        return await self._ask(Request("GET", url, what, headers))

    async def delete(self, path: str, what: str) -> None:
        """Delete something below the account. Raises as `get` does."""
        await self._ask(Request("DELETE", f"{self._account}{path}", what))

    async def post(self, path: str, what: str, body: Filters) -> bytes:
        """Ask for something below the account. Raises as `get` does."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        sent = json.dumps(body).encode()
        url = f"{self._account}{path}"
        return await self._ask(Request("POST", url, what, headers, sent))

    @asynccontextmanager
    async def stream(
        self, download_url: str, what: str, part: Range | None = None
    ) -> AsyncIterator[Stream]:
        """A file as it comes. Raises as `get` does, and RangeError."""
        headers = {"Accept-Encoding": "identity", **range_header(part)}
        url = self._own(download_url, what)
        asked, whose = Request("GET", url, what, headers), self._what(what)
        async with (
            self._sent(asked) as response,
            aclosing(file_chunks(response, whose)) as chunks,
        ):
            yield file_stream(response, chunks, whose)

    async def _ask(self, asked: Request) -> bytes:
        async with self._sent(asked) as response:
            return await self._read(response, asked.what)

    @asynccontextmanager
    async def _sent(self, asked: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The good answer, whose body is yet to be read."""
        access = await self._tokens.access()
        response = await self._send(asked, access.token)
        try:
            if response.status == HTTPStatus.UNAUTHORIZED:
                response.close()
                access = await self._tokens.access(access)
                response = await self._send(asked, access.token)
            if response.status not in (*_GOOD, HTTPStatus.PARTIAL_CONTENT):
                raise await self._error(response, asked.what)
            yield response
        finally:
            response.close()

    async def _send(self, asked: Request, token: str) -> aiohttp.ClientResponse:
        with provider_errors(self._what(asked.what)):
            async with asyncio.timeout(self._limit_s):
                return await self._http.request(
                    asked.method,
                    URL(asked.url, encoded=True),
                    data=asked.body,
                    headers={**asked.headers, "Authorization": f"Bearer {token}"},
                    allow_redirects=False,
                    read_bufsize=BUFFER_BYTES,
                    timeout=aiohttp.ClientTimeout(
                        sock_connect=self.settings.connect_timeout_s,
                        sock_read=self._limit_s,
                    ),
                )

    async def _read(self, response: aiohttp.ClientResponse, what: str) -> bytes:
        with provider_errors(self._what(what)):
            async with asyncio.timeout(self._limit_s):
                return await read_body(response, most_bytes=_MOST_BYTES)

    async def _error(
        self, response: aiohttp.ClientResponse, what: str
    ) -> ProviderError:
        """What a status that is not good means; 401 is one of a new token."""
        status, what = response.status, self._what(what)
        if status in _ABSENT:
            return NotFoundError(f"{what}: there is no such thing")
        if status == HTTPStatus.UNAUTHORIZED:
            return ProviderLockedError(f"{what}: a new token is refused")
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return RangeError(whole_size(response.headers.get("Content-Range", "")))
        is_trouble = not 400 <= status < 500 or status in _LATER  # noqa: PLR2004
        if is_trouble or status == HTTPStatus.FORBIDDEN:
            return status_error(status, what, response.headers.get("Retry-After"))
        said = parse_message(await self._read(response, what))
        return CommandRefusedError(f"{what}: {said or f'HTTP {status}'}")

    def _own(self, url: str, what: str) -> str:
        """A URL that the platform told, at the server of the settings.

        Raises:
            ProviderUnavailableError: It leads elsewhere.
        """
        found = _split(url)
        mine = urlsplit(self.settings.base_url)
        if found is None or (found.scheme and _origin(found) != _origin(mine)):
            msg = f"{self._what(what)}: its address leads to another server"
            raise ProviderUnavailableError(msg)
        query = f"?{found.query}" if found.query else ""
        return f"{mine.scheme}://{mine.netloc}{found.path}{query}"

    def _what(self, what: str) -> str:
        return f"{self.settings.account}: {what}"

    @property
    def _limit_s(self) -> float:
        return self.settings.request_timeout_s


def _split(url: str) -> SplitResult | None:
    """The parts of a URL, or of a path alone; None of anything else."""
    try:
        found = urlsplit(url)
        port_is_good = found.port is None or found.port > 0
    except ValueError:
        return None
    is_plain = _PLAIN.fullmatch(url) is not None and found.path.startswith("/")
    is_whole = bool(found.scheme) == bool(found.netloc)
    return found if port_is_good and is_plain and is_whole else None


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
