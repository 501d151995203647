"""The simulated account on aiohttp."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from tracker.simulators.faults import Target, fault_middleware, reset_connection
from tracker.simulators.reception import Reception, too_many
from tracker.simulators.reply import Reply, to_response
from tracker.simulators.vonage_business.download import audio_response, zip_response
from tracker.simulators.vonage_business.paths import TOKEN_PATH, Place, find_place
from tracker.simulators.vonage_business.site import Site
from tracker.simulators.vonage_business.wire import RefusedError

_UNAUTHORIZED = MappingProxyType({"WWW-Authenticate": "Bearer"})

Read = Callable[[Place, web.Request], Reply]


class VbcServer:
    """Everything but the simulator's own control.

    Attributes:
        reception: Where the requests arrive.

    Args:
        site: Whose requests these are.
        news: Is called when a request arrives, and when it was answered.
    """

    def __init__(self, site: Site, news: Callable[[], None]) -> None:
        self._site = site
        self._strike = fault_middleware(site.faults, _target)
        self.reception = Reception(site.journal, site.faults, self._answer, news)
        rest = site.rest
        self._replies: Mapping[tuple[str, str], Read] = {
            ("GET", "recordings"): lambda at, it: rest.recordings(at, it.query),
            ("GET", "recording"): lambda at, _it: rest.recording(at),
            ("DELETE", "recording"): lambda at, _it: rest.delete(at),
            ("GET", "jobs"): lambda at, it: rest.jobs(at, it.query),
            ("GET", "job"): lambda at, _it: rest.job(at),
        }

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self._site.limit.is_exceeded():
            return too_many(self._site.options.retry_after_s)
        return await self._strike(request, self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if (request.method, request.path) == ("POST", TOKEN_PATH):
            return await self._give_tokens(request)
        authorization = request.headers.get("Authorization")
        if self._site.tokens.bearer(authorization) is None:
            refusal = self._site.wire.refusal(HTTPStatus.UNAUTHORIZED)
            return to_response(refusal, _UNAUTHORIZED)
        try:
            return await self._admit(request)
        except RefusedError as error:
            return to_response(self._site.wire.refusal(error.status))

    async def _give_tokens(self, request: web.Request) -> web.Response:
        form = await request.post()
        authorization = request.headers.get("Authorization")
        reply = self._site.tokens.ask(authorization, form)
        if self._site.tokens.is_lost(form, reply):
            reset_connection(request.transport)
        return to_response(reply)

    async def _admit(self, request: web.Request) -> web.Response:
        """Answer somebody who has a token."""
        place = find_place(request.path)
        if place is None:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        if read := self._replies.get((request.method, place.kind)):
            return to_response(read(place, request))
        if (request.method, place.kind) == ("POST", "export"):
            body = await request.read()
            return to_response(self._site.rest.export(place, body))
        if request.method == "GET" and place.kind in ("audio", "zip"):
            return self._file(place, request)
        raise RefusedError(HTTPStatus.NOT_FOUND)

    def _file(self, place: Place, request: web.Request) -> web.Response:
        if place.kind == "zip":
            return zip_response(self._site.rest.result(request.query))
        recording = self._site.rest.audio(place)
        options = self._site.options
        asked = request.headers.get("Range", "") if options.ranges else None
        return audio_response(recording, asked, options.audio_bytes_per_s)


async def _target(request: web.Request) -> Target:
    """Method and path in one; the agent is the user of whom the path tells."""
    place = find_place(request.path)
    return Target(f"{request.method} {request.path}", place.user if place else None)
