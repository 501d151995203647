"""One request to an endpoint, and what came of it, whatever that is."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol

import aiohttp
from aiohttp import BytesPayload, hdrs
from aiohttp.helpers import get_env_proxy_for_url
from yarl import URL

from tracker.domain.delivery import ANSWER_BYTES
from tracker.outlets.egress import EgressRefusedError, Guard, Lookup, look_up
from tracker.outlets.webhooks.settings import WebhookSettings

CONTENT_TYPE: Final = "application/cloudevents+json"
AGENT: Final = "tracker-webhooks"

READ_ON_BYTES: Final = 64 * 1024
"""A longer answer is cut off, and its connection with it."""

MAX_FIELD_BYTES: Final = 8 * 1024
_GOOD: Final = range(200, 300)
_MOVED: Final = range(300, 400)


class Answer(NamedTuple):
    """What came of a request.

    Attributes:
        status: HTTP's; None = no answer.
        body: The beginning of it.
        error: Why it is no success; None = it is one.
        retry_after: The field of that name.
    """

    status: int | None
    duration_ms: int
    body: str = ""
    error: str | None = None
    retry_after: str | None = None


class Sends(Protocol):
    """Whatever takes an event to an endpoint."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send *body*; every failure is an answer."""


class _Way(NamedTuple):
    """Over which connections a request goes, and by which proxy."""

    http: aiohttp.ClientSession
    proxy: URL | None = None
    proxy_headers: Mapping[str, str] | None = None


class Sender:
    """Sends over connections of its own, to vetted addresses only.

    Args:
        http: The connections, to what *guard* has looked at.
        guard: Looks at every URL before anything is sent to it.
        proxied: Connections to the proxies that the environment names; None = those
            are not used.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        guard: Guard,
        proxied: aiohttp.ClientSession | None,
    ) -> None:
        self._http = http
        self._guard = guard
        self._proxied = proxied

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send *body*; every failure is an answer."""
        begin_s = time.perf_counter()
        status, said, retry_after, error = None, b"", None, None
        try:
            self._guard.vet_url(url)
            way = await self._way(url)
            sent = BytesPayload(body, content_type=CONTENT_TYPE)
            async with way.http.post(
                URL(url),
                data=sent,
                headers=headers,
                allow_redirects=False,
                proxy=way.proxy,
                proxy_headers=way.proxy_headers,
            ) as answer:
                status = answer.status
                retry_after = answer.headers.get(hdrs.RETRY_AFTER)
                said = await _beginning(answer)
            error = _error_of(status)
        except EgressRefusedError as refused:
            error = str(refused)
        except TimeoutError:
            error = "no answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            error = _reason(failed)
        spent_ms = round((time.perf_counter() - begin_s) * 1000)
        if status is not None and error and status in _GOOD:
            status = None  # it broke off: nobody knows what it would have said
        return Answer(
            status, spent_ms, said.decode(errors="replace"), error, retry_after
        )

    async def _way(self, url: str) -> _Way:
        """By a proxy only what it is to take; it looks hosts up once more itself."""
        if self._proxied is None:
            return _Way(self._http)
        try:
            proxy, login = await asyncio.to_thread(get_env_proxy_for_url, URL(url))
        except LookupError:
            return _Way(self._http)
        await self._guard.vet(url)
        headers = {"Proxy-Authorization": login.encode()} if login else None
        return _Way(self._proxied, proxy, headers)


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """What is kept of a body; the rest is read if that is quick, else cut off."""
    said, size = b"", 0
    if answer.content.at_eof():
        return said
    async for chunk in answer.content.iter_any():
        said += chunk[: ANSWER_BYTES - len(said)]
        size += len(chunk)
        if size > READ_ON_BYTES:
            answer.close()
            break
    return said


def _error_of(status: int) -> str | None:
    if status in _GOOD:
        return None
    if status in _MOVED:
        return f"HTTP {status}: redirects are not followed"
    if status == HTTPStatus.GONE:
        return "HTTP 410: it wants no more"
    return f"HTTP {status}"


def _reason(error: Exception) -> str:
    """In words that tell nothing of our network."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "its certificate is not good"
        case aiohttp.ClientConnectorDNSError():
            return "its host is not known"
        case aiohttp.ClientConnectorError():
            return "it cannot be connected to"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "the connection broke off"
        case _:
            return f"no answer that can be read ({type(error).__name__})"


@asynccontextmanager
async def opened_sender(
    settings: WebhookSettings, lookup: Lookup = look_up
) -> AsyncIterator[Sender]:
    """A sender with its connections, closed at the end."""
    guard = Guard(allow_loopback=settings.allow_loopback, lookup=lookup)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(_session(settings, guard))
        proxied = None
        if settings.trust_env:
            proxied = await stack.enter_async_context(_session(settings, None))
        yield Sender(http, guard, proxied)


def _session(
    settings: WebhookSettings, resolver: Guard | None
) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        use_dns_cache=False,
        limit=0,
        ttl_dns_cache=None,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
        auto_decompress=False,
        headers={
            hdrs.USER_AGENT: AGENT,
            hdrs.ACCEPT_ENCODING: "identity",
        },
        max_line_size=MAX_FIELD_BYTES,
        max_field_size=MAX_FIELD_BYTES,
    )
