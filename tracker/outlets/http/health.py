"""Is it alive, is it ready, how is it; and where everything is."""

from typing import Final

from aiohttp import hdrs, web
from prometheus_client.exposition import choose_encoder

from tracker.domain.base import Model
from tracker.outlets.http.operation import Handler, Operation, json_model
from tracker.outlets.payload import SERVICES, ProblemError
from tracker.telemetry import Metrics

HTML: Final = "text/html"
"""In what a browser accepts when it goes to an address; a script says ``*/*``."""


class Alive(Model):
    """The process answers."""

    alive: bool = True


class Ready(Model):
    """The process should get traffic."""

    ready: bool = True


class Index(Model):
    """What there is, and where."""

    name: str = "tracker"
    version: str
    calls: str = "/v1/calls"
    events: str = "/v1/events"
    watches: str = "/v1/watches"
    sources: str = "/v1/sources"
    accounts: str = "/v1/accounts"
    recordings: str = "/v1/recordings"
    exports: str = "/v1/exports"
    webhooks: str = "/v1/webhooks"
    stream: str = "/v1/stream"
    openapi: str = "/openapi.json"
    asyncapi: str = "/asyncapi.json"
    health: str = "/readyz"
    metrics: str = "/metrics"


async def index(request: web.Request) -> web.Response:
    """The first page, for programs."""
    version = request.app[SERVICES].version
    return json_model(Index(version=version), more={hdrs.VARY: hdrs.ACCEPT})


async def livez(_request: web.Request) -> web.Response:
    """Always well: it depends on nothing."""
    return json_model(Alive())


async def readyz(request: web.Request) -> web.Response:
    """Well, or 503 with every reason why not."""
    reasons = request.app[SERVICES].ready()
    if reasons:
        raise ProblemError(503, "; ".join(reasons))
    return json_model(Ready())


async def metrics(request: web.Request) -> web.Response:
    """Everything that is counted, for Prometheus."""
    services = request.app[SERVICES]
    services.metrics.live.set(services.projection.live)
    return exposition(services.metrics, request)


def exposition(metrics: Metrics, request: web.Request) -> web.Response:
    """*metrics* in the form that *request* accepts."""
    encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
    body = encode(metrics.registry)
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})


def operations(front: Handler | None = None) -> tuple[Operation, ...]:
    """The operations; with *front*, a browser gets another first page."""

    async def first(request: web.Request) -> web.StreamResponse:
        if front is None or HTML not in request.headers.get(hdrs.ACCEPT, ""):
            return await index(request)
        page = await front(request)
        page.headers[hdrs.VARY] = hdrs.ACCEPT
        return page

    return (
        Operation("/", first, "What there is, and where", Index),
        Operation("/livez", livez, "Whether the process answers", Alive),
        Operation(
            "/readyz", readyz, "Whether it should get traffic", Ready, problems=(503,)
        ),
        Operation("/metrics", metrics, "Metrics", None, content_type="text/plain"),
    )
