"""The simulated contact centre on aiohttp."""

from collections.abc import Callable
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from tracker.simulators.faults import (
    FaultKind,
    Target,
    fault_middleware,
    reset_connection,
)
from tracker.simulators.vonage_cc.paths import Place, find_place
from tracker.simulators.vonage_cc.site import Site
from tracker.simulators.vonage_cc.wire import NOT_FOUND, Reply

_NEVER = frozenset({FaultKind.NEVER})
_CALL_VERSIONS = ("3", "6")
_UNAUTHORIZED = MappingProxyType({"WWW-Authenticate": "Bearer"})


class VccServer:
    """Everything but the simulator's own control.

    Args:
        site: Whose requests these are.
        news: Is called when a request arrives, and when it was answered.
    """

    def __init__(self, site: Site, news: Callable[[], None]) -> None:
        self._site = site
        self._news = news
        self._strike = fault_middleware(site.faults, self._target)
        self._under_way: dict[int, web.Request] = {}

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer whatever comes, and write it down."""
        number = self._site.journal.note(request.method, request.path)
        self._under_way[number] = request
        self._news()
        try:
            answer = await self._answer(request)
        finally:
            del self._under_way[number]
        if request.transport and not request.transport.is_closing():
            self._site.journal.settle(number, answer.status)
        self._news()
        return answer

    def cut(self) -> None:
        """Reset the connections of the requests that are under way."""
        for request in list(self._under_way.values()):
            reset_connection(request.transport)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self._site.limit.is_exceeded():
            wait_s = self._site.options.retry_after_s
            headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
            return web.Response(status=429, headers=headers, text="Too Many Requests")
        return await self._strike(request, self._handle)

    async def _target(self, request: web.Request) -> Target:
        """Method and path in one, so that faults can tell a POST from a GET."""
        place = self._place(request)
        path = place.path if place else request.path
        return Target(f"{request.method} {path}", self._agent(place))

    def _agent(self, place: Place | None) -> str | None:
        """Whom a request is about: the agent who is named, or on the call."""
        if place and place.kind == "call":
            call = self._site.switch.calls.get(place.name)
            return call.agent_id if call else None
        return place.name if place and place.kind == "agent" else None

    def _place(self, request: web.Request) -> Place | None:
        return find_place(request.path, self._site.options.account)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        place, headers = self._place(request), request.headers
        if place and place.kind == "token" and request.method == "POST":
            form = await request.post()
            return _answer(self._site.tokens.ask(headers.get("Authorization"), form))
        if not self._site.tokens.admit(headers.get("Authorization")):
            return web.Response(status=401, headers=_UNAUTHORIZED)
        if place and request.method == "GET":
            return _answer(self._read(place, request))
        if place and place.kind == "call" and request.method == "POST":
            return _answer(await self._control(place, request))
        return _answer(NOT_FOUND)

    def _read(self, place: Place, request: web.Request) -> Reply:
        rest = self._site.rest
        if place.kind == "agent":
            return rest.agent(place.name)
        if place.kind == "agents":
            return rest.agents(request.query)
        if place.kind == "token":
            return NOT_FOUND
        if not _accepts_call(request.headers.get("Accept", "")):
            return Reply(HTTPStatus.NOT_ACCEPTABLE)
        return rest.call(place.name)

    async def _control(self, place: Place, request: web.Request) -> Reply:
        if request.content_type != "application/json":
            return Reply(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        reply, accepted = self._site.rest.control(place.name, await request.read())
        if accepted:
            never = self._site.faults.take(_NEVER, *await self._target(request))
            self._site.switch.accept(*accepted, never=never is not None)
        return reply


def _accepts_call(accept: str) -> bool:
    """Whether a header asks for a version of the call detail that there is."""
    wanted = {f"version={version}" for version in _CALL_VERSIONS}
    for choice in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in choice.split(";"))
        if kind == "application/json" and not wanted.isdisjoint(parameters):
            return True
    return False


def _answer(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status)
    return web.json_response(reply.body, status=reply.status)
