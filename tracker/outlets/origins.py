"""Which pages a browser may have ask, and what their browsers are told (CORS)."""

from collections.abc import Awaitable, Callable, Collection
from functools import wraps
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from tracker.outlets.auth import is_loopback

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ORIGIN: Final = web.RequestKey("origin", str)
"""Of the page that asks, once it is known that it may."""

_PUBLIC: Final = "tracker_public"
_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
_HEARD: Final = "Authorization, Content-Type, Idempotency-Key, Prefer, Range"
_TOLD: Final = (
    "Content-Disposition, Content-Range, Location, Preference-Applied, Retry-After, "
    "Tracker-Live, WWW-Authenticate"
)
_REMEMBERED_S: Final = "600"


def public(handler: Handler) -> Handler:
    """Serve with *handler* what any page may load: scripts, and nobody's data."""

    @wraps(handler)
    async def served(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    setattr(served, _PUBLIC, True)
    return served


def is_public(request: web.Request) -> bool:
    """Whether any page may load what *request* asks for."""
    return bool(getattr(request.match_info.handler, _PUBLIC, False))


def is_preflight(request: web.Request) -> bool:
    """A browser asks whether a page may ask (Fetch, 3.3)."""
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )


def is_welcome(
    origin: str, host: str, allowed: Collection[str], *, local: bool
) -> bool:
    """Whether a page from *origin* may ask.

    Args:
        origin: As its browser says it.
        host: That it asks, as the request says it: pages of ours may always ask.
        allowed: Further origins.
        local: Any page of this machine may, too.
    """
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    if origin.lower() in allowed:
        return True
    if local:
        return is_loopback(page.hostname or "")
    return bool(page.netloc) and page.netloc.lower() == host.lower()


def preflight() -> web.Response:
    """The answer to a browser whose page may ask."""
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _HEARD,
        hdrs.ACCESS_CONTROL_MAX_AGE: _REMEMBERED_S,
    }
    return web.Response(status=204, headers=headers)


def tell_browser(request: web.Request, response: web.StreamResponse) -> None:
    """Let the page that asked see the answer; no cookie is ever asked for."""
    headers = response.headers
    if is_public(request):
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return
    varies = (headers.get(hdrs.VARY), hdrs.ORIGIN)
    headers[hdrs.VARY] = ", ".join(filter(None, varies))
    if (origin := request.get(ORIGIN)) is not None:
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _TOLD


def parse_origin(value: str) -> str:
    """An origin as an operator writes it, as browsers say it.

    Raises:
        ValueError: It is none.
    """
    url = urlsplit(value)
    origin = f"{url.scheme}://{url.netloc}".lower()
    if url.scheme not in ("http", "https") or not url.hostname or url.username:
        raise ValueError("write an origin as https://host or https://host:port")
    if value.lower().rstrip("/") != origin:
        raise ValueError("an origin has no path: write https://host or https://host:1")
    return origin
