"""One application and one socket for all outlets, behind the same middlewares."""

import errno
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web

from tracker.errors import ConfigError, PositionLostError, StoreUnavailableError
from tracker.outlets.auth import ForbiddenError, UnauthorizedError
from tracker.outlets.payload import (
    RETRY_AFTER_S,
    SERVICES,
    SNAPSHOT_REQUIRED,
    ProblemError,
    ServerSettings,
    Services,
    is_loopback,
)

MAX_BODY_BYTES: Final = 64 * 1024
MAX_LINE_BYTES: Final = 64 * 1024  # a cursor of 1,024 partitions is long
SHUTDOWN_S: Final = 1.0

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_server(
    services: Services, outlets: Iterable[Iterable[web.RouteDef]]
) -> web.Application:
    """Put the routes of all *outlets* into one application."""
    middlewares = [measure, answer_problems]
    if services.auth.mode == "none":
        middlewares.append(refuse_strangers)
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY_BYTES)
    app[SERVICES] = services
    app.on_response_prepare.append(_harden)
    for routes in outlets:
        app.add_routes(routes)
    return app


@asynccontextmanager
async def listening(
    app: web.Application, settings: ServerSettings
) -> AsyncIterator[str]:
    """Serve *app* while the context lasts, at the URL that it yields.

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
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(_no_address(error, settings)) from error
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
    """Without authentication, keep out what a browser was talked into sending.

    A page from elsewhere may open a WebSocket to loopback, or come by a name of its own
    that resolves there; both say so in a header.
    """
    for header in (hdrs.HOST, hdrs.ORIGIN):
        for value in request.headers.getall(header, ()):
            host = _hostname(value if header == hdrs.ORIGIN else f"//{value}")
            if not is_loopback(host):
                detail = f"without authentication only loopback may be the {header}"
                raise ProblemError(403, detail)
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


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Tell no versions, and let no browser guess a type."""
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


def _no_address(error: OSError, settings: ServerSettings) -> str:
    place = f"server.port {settings.port} on {settings.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use: stop what listens there, or set another port"
    return f"{place} cannot be listened on: {error.strerror}"
