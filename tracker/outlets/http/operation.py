"""One thing that can be asked for: what serves it is what the document says of it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from pydantic import BaseModel

from tracker.outlets.auth import Principal, Scope, bearer
from tracker.outlets.payload import JSON, SERVICES, ProblemError

PRINCIPAL: Final = web.RequestKey("principal", Principal)
LIVE_HEADER: Final = "Tracker-Live"
RETRY_AFTER_S: Final = 1

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A GET.

    Attributes:
        handler: Finds the request's `PRINCIPAL` when there is a *scope*.
        answer: The model of the answer; None = it is no JSON.
        query: Its fields are the query's parameters.
        problems: Statuses that are its own, beside those of every operation.
        scope: What the caller needs; None = anybody may, at any time.
    """

    path: str
    handler: Handler
    summary: str
    answer: type[BaseModel] | None
    query: type[BaseModel] | None = None
    content_type: str = JSON
    problems: tuple[int, ...] = ()
    scope: Scope | None = None

    def route(self) -> web.RouteDef:
        """As the server takes it; a part of a path may hold anything but a slash."""
        path = re.sub(r"{(\w+)}", r"{\1:[^/]+}", self.path)
        return web.get(path, self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        if self.scope is None:
            return await self.handler(request)
        services = request.app[SERVICES]
        token = bearer(request.headers.get(hdrs.AUTHORIZATION))
        request[PRINCIPAL] = principal = services.auth.principal(token)
        principal.require(self.scope)
        if not services.projection.loaded:
            retry = {str(hdrs.RETRY_AFTER): str(RETRY_AFTER_S)}
            raise ProblemError(503, "not ready yet: try again", headers=retry)
        response = await self.handler(request)
        response.headers[LIVE_HEADER] = str(services.projection.live).lower()
        return response


def json_answer(body: bytes) -> web.Response:
    """Ready-made JSON that nobody may keep: it is of this moment."""
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(body=body, content_type=JSON, headers=headers)


def json_model(model: BaseModel) -> web.Response:
    """*model*, likewise."""
    return json_answer(model.model_dump_json(by_alias=True).encode())
