"""One application and one socket for all outlets, behind the same middlewares."""

import errno
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web

from tracker.errors import ConfigError, PositionLostError, StoreUnavailableError
from tracker.outlets import origins
from tracker.outlets.auth import (
    ForbiddenError,
    KeysAwayError,
    UnauthorizedError,
    is_loopback,
)
from tracker.outlets.origins import Handler
from tracker.outlets.payload import (
    RETRY_AFTER_S,
    SERVICES,
    SNAPSHOT_REQUIRED,
    ProblemError,
    ServerSettings,
    Services,
)

MAX_BODY_BYTES: Final = 64 * 1024
MAX_LINE_BYTES: Final = 64 * 1024  # a cursor of 1,024 partitions is long
SHUTDOWN_S: Final = 1.0
BACKLOG: Final = 4096
"""Connections that may wait: everybody comes back at once when something was cut."""

TOKEN_NAMES: Final = frozenset({"access_token", "authorization", "bearer", "token"})
"""What a parameter with a token is called by those who put it there (RFC 6750, 2.3)."""

_IN_ADDRESS: Final = (
    "an access token never stands in an address: send it as Authorization: Bearer, or "
    "over the stream as a subprotocol or first frame; and have this one revoked"
)
_NOT_WELCOME: Final = "pages of this origin may not ask: see server.allowed_origins"

log = structlog.get_logger(__name__)


def create_server(
    services: Services, outlets: Iterable[Iterable[web.RouteDef]]
) -> web.Application:
    """Put the routes of all *outlets* into one application."""
    middlewares = [measure, answer_problems, refuse_tokens_in_addresses]
    if services.auth.mode == "none":
        middlewares.append(refuse_strangers)
    middlewares.append(watch_origins)
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY_BYTES)
    app[SERVICES] = services
    app.on_response_prepare.append(_harden)
    for routes in outlets:
        app.add_routes(routes)
    return app


@asynccontextmanager
async def listening(
    app: web.Application, settings: ServerSettings, name: str = "server.port"
) -> AsyncIterator[str]:
    """Serve *app* while the context lasts, at the URL that it yields.

    Args:
        app: What answers.
        settings: Where.
        name: Of the setting that says so.

    Raises:
        ConfigError: The address cannot be had.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=SHUTDOWN_S,
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_LINE_BYTES,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            place = f"{name} {settings.port} on {settings.host}"
            raise ConfigError(_no_address(error, place)) from error
        port = runner.addresses[0][1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with a problem (RFC 9457) that tells nothing of ours."""
    try:
        return await handler(request)
    except Exception as error:
        if isinstance(error, web.HTTPSuccessful | web.HTTPRedirection):
            raise
        problem = _problem_of(error)
        if problem is None:
            log.exception("a request failed", route=_route(request))
            problem = ProblemError(500, "the log has it, at the time of this answer")
        if request.writer.output_size and request.transport is not None:
            request.transport.abort()  # an answer has begun: it can only be cut off
        return problem.response()


@web.middleware
async def refuse_strangers(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Without authentication, keep out who comes by another name than this machine's.

    A page from elsewhere may have a name of its own that resolves to loopback.
    """
    for value in request.headers.getall(hdrs.HOST, ()):
        if not is_loopback(_hostname(f"//{value}")):
            raise ProblemError(403, "without authentication only loopback is the Host")
    return await handler(request)


@web.middleware
async def watch_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep out pages that a browser was talked into opening, as it says itself."""
    if origins.is_public(request):
        return await handler(request)
    services = request.app[SERVICES]
    allowed, local = services.settings.allowed_origins, services.auth.mode == "none"
    for origin in request.headers.getall(hdrs.ORIGIN, ()):
        if not origins.is_welcome(origin, request.host, allowed, local=local):
            raise ProblemError(403, _NOT_WELCOME)
        request[origins.ORIGIN] = origin
    if origins.ORIGIN in request and origins.is_preflight(request):
        return origins.preflight()
    return await handler(request)


@web.middleware
async def refuse_tokens_in_addresses(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Addresses end up in logs and histories: a token never stands in one."""
    if request.query_string and not TOKEN_NAMES.isdisjoint(
        name.lower() for name in request.query
    ):
        raise ProblemError(400, _IN_ADDRESS)
    return await handler(request)


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the answer and the time that it took."""
    begun_s = time.perf_counter()
    response = await handler(request)
    metrics = request.app[SERVICES].metrics
    method, route = _method(request), _route(request)
    metrics.http_requests.labels(method, route, response.status).inc()
    if not isinstance(response, web.WebSocketResponse):
        metrics.http_seconds.labels(method, route).observe(
            time.perf_counter() - begun_s
        )
    return response


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    """Tell no versions, let no browser guess a type, and only its page see it."""
    origins.tell_browser(request, response)
    response.headers[hdrs.SERVER] = "tracker"
    response.headers["X-Content-Type-Options"] = "nosniff"


def _problem_of(error: Exception) -> ProblemError | None:
    """What to tell of *error*; None = it is a fault of ours."""
    headers: dict[str, str] = {}
    problem: ProblemError | None
    match error:
        case ProblemError():
            problem = error
        case UnauthorizedError():
            challenge = f'Bearer realm="tracker", error_description="{error}"'
            headers[hdrs.WWW_AUTHENTICATE] = challenge
            problem = ProblemError(401, str(error), headers=headers)
        case ForbiddenError(scope=scope):
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            headers[hdrs.WWW_AUTHENTICATE] = challenge
            problem = ProblemError(403, str(error), headers=headers)
        case PositionLostError():
            detail = "what followed this position is gone: take a snapshot and go on"
            problem = ProblemError(410, detail, type_=SNAPSHOT_REQUIRED)
        case KeysAwayError():
            headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)
            problem = ProblemError(503, str(error), headers=headers)
        case StoreUnavailableError():
            headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)
            problem = ProblemError(503, "the store is away: try again", headers=headers)
        case web.HTTPException():
            kept = {hdrs.ALLOW, hdrs.RETRY_AFTER} & error.headers.keys()
            headers |= {name: error.headers[name] for name in kept}
            problem = ProblemError(error.status, headers=headers)
        case _:
            problem = None
    return problem


def _route(request: web.Request) -> str:
    """The route's pattern: never a path, which would hold a call's id."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "none"


def _method(request: web.Request) -> str:
    return request.method if request.method in hdrs.METH_ALL else "other"


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _no_address(error: OSError, place: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use: stop what listens there, or set another port"
    return f"{place} cannot be listened on: {error.strerror}"
