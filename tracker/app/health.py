"""How a process is, for whoever operates it: also one that serves nobody else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from tracker.outlets.http.health import Ready, exposition, livez
from tracker.outlets.http.operation import json_model
from tracker.outlets.payload import ProblemError, ServerSettings
from tracker.outlets.server import answer_problems, listening
from tracker.telemetry import HealthSettings, Metrics


@asynccontextmanager
async def telling_health(
    settings: HealthSettings,
    metrics: Metrics,
    why_not: Callable[[], Awaitable[str | None]],
) -> AsyncIterator[None]:
    """Answer ``/livez``, ``/readyz`` and ``/metrics`` while the context lasts.

    Args:
        settings: Where; without a port, nowhere.
        metrics: Of this process.
        why_not: Why it cannot work now; None = it can.

    Raises:
        ConfigError: The address cannot be had.
    """
    if settings.port is None:
        yield
        return

    async def readyz(_request: web.Request) -> web.Response:
        reason = await why_not()
        if reason is not None:
            raise ProblemError(503, reason)
        return json_model(Ready())

    async def counted(request: web.Request) -> web.Response:
        return exposition(metrics, request)

    app = web.Application(middlewares=[answer_problems])
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", counted)
    place = ServerSettings(host=settings.host, port=settings.port)
    async with listening(app, place, "health.port"):
        yield
