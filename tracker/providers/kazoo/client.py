"""What an account is asked by HTTP: channels, recordings, and audio on its way.

Every request is sent once, and once more after a renewal of a token that the server no
longer takes. The token goes to the server of `base_url` and nowhere else.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

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
    HttpConnection,
    file_chunks,
    file_stream,
    open_session,
    provider_errors,
    range_header,
    read_body,
    status_error,
    whole_size,
)
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.kazoo.tokens import Access, Tokens
from tracker.providers.kazoo.wire import (
    ChannelDetail,
    Listed,
    Recording,
    is_audio_missing,
    parse_channel,
    parse_channels,
    parse_invalid_fields,
    parse_problem,
    parse_recording,
    parse_recordings,
)
from tracker.providers.wire import Garbled

_MOST_BYTES: Final = 2**25
"""Of one answer that is no audio; a page of 500 recordings has some 500 kB."""

_MOST_NOTES: Final = 100
_GOOD: Final = (200, 201, 202, 204, 206)
_ABSENT: Final = (404, 410)
_LATER: Final = (408, 425, 429)
_AUDIO: Final = "audio/mpeg"
_JSON: Final = {"Accept": "application/json"}

Query = Mapping[str, str | int]

R = TypeVar("R", Recording, ChannelDetail, Listed, list[ChannelDetail | Garbled])

log = structlog.get_logger(__name__)


class InvalidError(CommandRefusedError):
    """A 400; *fields* are those that it finds wrong."""

    def __init__(self, message: str, fields: frozenset[str]) -> None:
        super().__init__(message)
        self.fields = fields


class _Request(NamedTuple):
    """What to send; *what* names it in errors."""

    method: str
    url: str
    what: str
    headers: Mapping[str, str] = _JSON
    body: bytes | None = None


class KazooClient(HttpConnection):
    """One account's requests.

    Raises:
        ConfigError: There is no secret, and where it should be.
    """

    def __init__(self, settings: KazooSettings) -> None:
        super().__init__(
            open_session(connect_timeout_s=settings.connect_timeout_s, headers={})
        )
        self.settings = settings
        self._tokens = Tokens(settings, self.http)
        self._noted: set[tuple[str, str]] = set()
        account = quote(settings.account, safe="")
        self._account = f"{settings.base_url}/v2/accounts/{account}"

    def note(self, event: str, detail: str) -> None:
        """Log something odd, once."""
        if len(self._noted) < _MOST_NOTES and (event, detail) not in self._noted:
            self._noted.add((event, detail))
            log.warning(event, account=self.settings.account, detail=detail)

    async def access(self, stale: Access | None = None) -> Access:
        """See `Tokens.access`."""
        return await self._tokens.access(stale)

    async def channels(self) -> list[ChannelDetail | Garbled]:
        """All live channels.

        Raises:
            NotFoundError: There is no such account.
            ProviderLockedError: The credentials are refused.
            ProviderUnavailableError: No good answer.
        """
        body = await self._get("/channels", "channels", {"paginate": "false"})
        return self._readable(parse_channels(body))

    async def channel(self, uuid: str) -> ChannelDetail | None:
        """One live channel; None = it lives no more. Raises as `channels` does."""
        try:
            body = await self._get(f"/channels/{_part(uuid)}", "a channel")
        except NotFoundError:
            return None
        return self._readable(parse_channel(body))

    async def metaflow(self, uuid: str, data: Mapping[str, Any]) -> None:
        """Ask a channel to do something to its recording, which proves nothing.

        Raises:
            InvalidError: A 400.
            CommandRefusedError: It was not taken, and why.
            ProviderLockedError: The credentials are refused; it was not taken.
            ProviderUnavailableError: See its *taken*.
        """
        flow = {"module": "record_call", "data": data}
        body = json.dumps({"action": "metaflow", "data": flow}).encode()
        url = f"{self._account}/channels/{_part(uuid)}"
        headers = {**_JSON, "Content-Type": "application/json"}
        try:
            await self._ask(_Request("PUT", url, "a command", headers, body))
        except NotFoundError as error:
            message = "the channel lives no more"
            raise CommandRefusedError(message) from error

    async def recordings(self, user: str | None, query: Query) -> Listed:
        """A page of the account's recordings, or of a *user*'s. Raises as `channels`.

        Raises:
            CommandRefusedError: The range or the start key is none.
        """
        whose = "" if user is None else f"/users/{_part(user)}"
        body = await self._get(f"{whose}/recordings", "recordings", query)
        return self._readable(parse_recordings(body))

    async def recording(self, id_: str) -> Recording:
        """One recording's document; also raises NotFoundError."""
        body = await self._get(f"/recordings/{_part(id_)}", "a recording")
        return self._readable(parse_recording(body))

    async def delete(self, id_: str) -> None:
        """Delete one recording's document; also raises NotFoundError."""
        url = f"{self._account}/recordings/{_part(id_)}"
        await self._ask(_Request("DELETE", url, "a recording"))

    @asynccontextmanager
    async def audio(self, id_: str, part: Range | None = None) -> AsyncIterator[Stream]:
        """A recording's audio as it comes.

        Wanted by header and by query: a proxy may drop the one, a server not know the
        other.

        Raises:
            NotFoundError: There is none, or none yet.
            RangeError: It has no such part.
        """
        query = urlencode({"accept": _AUDIO, "inline": "false"})
        url = f"{self._account}/recordings/{_part(id_)}?{query}"
        headers = {
            "Accept": _AUDIO,
            "Accept-Encoding": "identity",
            **range_header(part),
        }
        what = self._what("the audio")
        async with self._sent(_Request("GET", url, "the audio", headers)) as response:
            if response.content_type == "application/json":
                msg = f"{what}: its document came instead"
                raise ProviderUnavailableError(msg)
            async with aclosing(file_chunks(response, what)) as chunks:
                yield file_stream(response, chunks, what)

    async def _get(self, path: str, what: str, query: Query | None = None) -> bytes:
        asked = f"?{urlencode(query)}" if query else ""
        return await self._ask(_Request("GET", f"{self._account}{path}{asked}", what))

    async def _ask(self, asked: _Request) -> bytes:
        async with self._sent(asked) as response:
            return await self._read(response, asked.what)

    @asynccontextmanager
    async def _sent(self, asked: _Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The good answer, whose body is yet to be read."""
        access = await self._tokens.access()
        response = await self._send(asked, access)
        try:
            if response.status == HTTPStatus.UNAUTHORIZED:
                response.close()
                access = await self._tokens.access(access)
                response = await self._send(asked, access)
            if response.status not in _GOOD:
                raise await self._error(response, asked.what)
            yield response
        finally:
            response.close()

    async def _send(self, asked: _Request, access: Access) -> aiohttp.ClientResponse:
        with provider_errors(self._what(asked.what)):
            async with asyncio.timeout(self._limit_s):
                return await self.http.request(
                    asked.method,
                    URL(asked.url, encoded=True),
                    data=asked.body,
                    headers={**asked.headers, "X-Auth-Token": access.token},
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
        self, response: aiohttp.ClientResponse, asked: str
    ) -> ProviderError:
        """What a status that is not good means; 401 is one of a new token."""
        status, what = response.status, self._what(asked)
        if status == HTTPStatus.UNAUTHORIZED:
            return ProviderLockedError(f"{what}: a new token is refused")
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return RangeError(whole_size(response.headers.get("Content-Range", "")))
        is_trouble = not 400 <= status < 500 or status in _LATER  # noqa: PLR2004
        if is_trouble or status == HTTPStatus.FORBIDDEN:
            return status_error(status, what, response.headers.get("Retry-After"))
        return _refusal(status, what, await self._read(response, asked))

    def _readable(self, read: R | Garbled) -> R:
        """*read*, unless nothing of it could be."""
        if isinstance(read, Garbled):
            msg = self._what(f"the answer cannot be read: {read.kind}: {read.shape}")
            raise ProviderUnavailableError(msg)
        return read

    def _what(self, what: str) -> str:
        return f"{self.settings.account}: {what}"

    @property
    def _limit_s(self) -> float:
        return self.settings.request_timeout_s


def _refusal(status: int, what: str, body: bytes) -> ProviderError:
    """What the platform's no means."""
    if status in _ABSENT:
        absent = "there is no such thing"
        if is_audio_missing(body):
            absent = "there is none with the recording: it may come later"
        return NotFoundError(f"{what}: {absent}")
    said = f"{what}: {parse_problem(body) or f'HTTP {status}'}"
    if status == HTTPStatus.BAD_REQUEST:
        return InvalidError(said, parse_invalid_fields(body))
    return CommandRefusedError(said)


def _part(text: str) -> str:
    """One part of a path, which leads nowhere else.

    Raises:
        NotFoundError: It would.
    """
    if not text.strip("."):
        raise NotFoundError("there is no such thing")
    return quote(text, safe="")
