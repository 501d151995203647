"""The simulated contact centre on aiohttp."""

from collections.abc import Callable
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from tracker.simulators.faults import FaultKind, Target, fault_middleware
from tracker.simulators.reception import Reception, too_many
from tracker.simulators.reply import Reply, to_response
from tracker.simulators.vonage_cc.paths import Place, find_place
from tracker.simulators.vonage_cc.site import Site
from tracker.simulators.vonage_cc.wire import NOT_FOUND

_NEVER = frozenset({FaultKind.NEVER})
_CALL_VERSIONS = ("3", "6")
_UNAUTHORIZED = MappingProxyType({"WWW-Authenticate": "Bearer"})


class VccServer:
    """Everything but the simulator's own control.

    Attributes:
        reception: Where the requests arrive.

    Args:
        site: Whose requests these are.
        news: Is called when a request arrives, and when it was answered.
    """

    def __init__(self, site: Site, news: Callable[[], None]) -> None:
        self._site = site
        self._strike = fault_middleware(site.faults, self._target)
        self.reception = Reception(site.journal, site.faults, self._answer, news)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self._site.limit.is_exceeded():
            return too_many(self._site.options.retry_after_s)
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
            return to_response(
                self._site.tokens.ask(headers.get("Authorization"), form)
            )
        if not self._site.tokens.admit(headers.get("Authorization")):
            return web.Response(status=401, headers=_UNAUTHORIZED)
        if place and request.method == "GET":
            return to_response(self._read(place, request))
        if place and place.kind == "call" and request.method == "POST":
            return to_response(await self._control(place, request))
        return to_response(NOT_FOUND)

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
