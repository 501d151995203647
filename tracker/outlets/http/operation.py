"""One thing that can be asked for: what serves it is what the document says of it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from aiohttp import hdrs, web
from pydantic import BaseModel

from tracker.domain.terms import Scope
from tracker.outlets.auth import ForbiddenError, Principal, bearer
from tracker.outlets.http.query import NoQuery, parse_query
from tracker.outlets.payload import (
    JSON,
    RETRY_AFTER_S,
    SERVICES,
    ProblemError,
    audit,
)

PRINCIPAL: Final = web.RequestKey("principal", Principal)
LIVE_HEADER: Final = "Tracker-Live"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Header(NamedTuple):
    """A header field that an operation understands, or answers with."""

    name: str
    description: str
    schema: Mapping[str, Any] = MappingProxyType({"type": "string"})


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path.

    Attributes:
        handler: Finds the request's `PRINCIPAL` when there is a *scope*.
        answer: The model of the answer; None = it is no JSON, or nothing.
        query: Its fields are the query's parameters; None = there are none.
        problems: Statuses that are its own, beside those of every operation.
        scope: What the caller needs; None = anybody may, at any time.
        body: The model of the request's body; None = it has none.
        statuses: Of good answers; what a 204 has is nothing.
        hears: Header fields of the request, all optional.
        tells: Header fields of good answers.
    """

    path: str
    handler: Handler
    summary: str
    answer: type[BaseModel] | None
    query: type[BaseModel] | None = None
    content_type: str = JSON
    problems: tuple[int, ...] = ()
    scope: Scope | None = None
    method: Literal["GET", "POST", "PATCH", "DELETE"] = "GET"
    body: type[BaseModel] | None = None
    statuses: tuple[int, ...] = (200,)
    hears: tuple[Header, ...] = ()
    tells: tuple[Header, ...] = ()

    def route(self) -> web.RouteDef:
        """As the server takes it; a part of a path may hold anything but a slash."""
        path = re.sub(r"{(\w+)}", r"{\1:[^/]+}", self.path)
        if self.method == "GET":
            return web.get(path, self._serve)
        return web.route(self.method, path, self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.scope is None:
            return await self.handler(request)
        services = request.app[SERVICES]
        token = bearer(request.headers.get(hdrs.AUTHORIZATION))
        request[PRINCIPAL] = principal = await services.auth.authenticate(token)
        try:
            principal.require(self.scope)
        except ForbiddenError as error:
            what, key = (
                f"{self.method} {self.path}",
                "/".join(request.match_info.values()),
            )
            audit(principal.subject, what, key, str(error))
            raise
        if not services.projection.loaded:
            retry = {str(hdrs.RETRY_AFTER): str(RETRY_AFTER_S)}
            raise ProblemError(503, "not ready yet: try again", headers=retry)
        if self.query is None:
            parse_query(NoQuery, request.query)
        response = await self.handler(request)
        if not response.prepared:
            response.headers[LIVE_HEADER] = str(services.projection.live).lower()
        return response


def json_answer(
    body: bytes, status: int = 200, more: Mapping[str, str] | None = None
) -> web.Response:
    """Ready-made JSON that nobody may keep: it is of this moment.

    Args:
        body: The JSON.
        status: Of the answer.
        more: Header fields.
    """
    headers = {hdrs.CACHE_CONTROL: "no-store", **(more or {})}
    return web.Response(body=body, status=status, content_type=JSON, headers=headers)


def json_model(
    model: BaseModel, status: int = 200, more: Mapping[str, str] | None = None
) -> web.Response:
    """*model*, likewise."""
    return json_answer(model.model_dump_json(by_alias=True).encode(), status, more)
