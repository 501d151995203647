"""The simulated Kazoo server's HTTP on aiohttp."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from tracker.simulators.faults import FaultKind, Target, fault_middleware
from tracker.simulators.kazoo.audio import chunks
from tracker.simulators.kazoo.downloads import (
    audio_headers,
    part_of,
    stream,
    wants_audio,
)
from tracker.simulators.kazoo.metaflow import Flaw
from tracker.simulators.kazoo.model import Document
from tracker.simulators.kazoo.options import NEWER
from tracker.simulators.kazoo.paths import Kind, Place, find_place
from tracker.simulators.kazoo.rest import parse_body
from tracker.simulators.kazoo.site import Site
from tracker.simulators.kazoo.wire import (
    INVALID_CREDENTIALS,
    NOT_ALLOWED,
    NOT_FOUND,
    TOO_MANY,
    Answer,
    Asker,
    bad_identifier,
    invalid,
    no_audio,
)

_LOGINS = ("api_auth", "user_auth")
_NAMELESS = (*_LOGINS, "token_auth", "elsewhere")
_CUT = frozenset({FaultKind.CUT})
_NEVER = frozenset({FaultKind.NEVER})
_NO_BODY = invalid([Flaw("data", "type", "not an object")])


class KazooServer:
    """Everything but the sockets and the simulator's own control.

    Args:
        site: Whose requests these are.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rest = site.rest
        self._strike = fault_middleware(site.faults, self._target)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, unless there were too many or a fault strikes."""
        place, address = self._place(request), request.remote or ""
        names_account = place is not None and place.kind not in _NAMELESS
        account = self._site.options.account if names_account else ""
        left = self._site.buckets.take(address, account)
        asker = Asker(request.headers.get("X-Auth-Token"), left or 0)
        if left is None:
            return self._wrap(TOO_MANY, asker)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(request, place, asker)

        return await self._strike(request, handle)

    async def _target(self, request: web.Request) -> Target:
        """Method and path in one, so that faults can tell a PUT from a GET."""
        return Target(f"{request.method} {request.path}", self._owner(request))

    def _owner(self, request: web.Request) -> str | None:
        """Whom a request is about: the user, or whose channel or recording it is."""
        place = self._place(request)
        if place and place.kind == "channel":
            channel = self._site.switch.channels.get(place.name)
            return channel.owner_id if channel else None
        if place and place.kind == "recording":
            document = self._site.store.archive.by_id.get(place.name)
            return document.of.owner_id if document else None
        return place.user_id if place else None

    def _place(self, request: web.Request) -> Place | None:
        return find_place(request.rel_url.raw_path, self._site.options.account)

    async def _handle(
        self, request: web.Request, place: Place | None, asker: Asker
    ) -> web.StreamResponse:
        if place is None:
            return self._wrap(NOT_FOUND, asker)
        if place.kind in _LOGINS:
            return await self._log_in(request, place, asker)
        if self._site.tokens.admits(asker.token):
            return await self._admitted(request, place, asker)
        return self._wrap(INVALID_CREDENTIALS, asker)

    async def _admitted(
        self, request: web.Request, place: Place, asker: Asker
    ) -> web.StreamResponse:
        if place.kind == "recording":
            return await self._recording(request, place, asker)
        answer = await self._other(request, place, asker)
        if place.kind == "recordings" and not answer.error:
            return await self._list(request, answer, asker)
        return self._wrap(answer, asker)

    async def _other(self, request: web.Request, place: Place, asker: Asker) -> Answer:
        """Everything but single recordings."""
        if place.kind == "elsewhere":
            return bad_identifier(place.name)
        if place.kind == "channel" and request.method in ("PUT", "POST"):
            return await self._control(request, place)
        rest = self._rest
        answers: Mapping[tuple[Kind, str], Callable[[], Answer]] = {
            ("token_auth", "GET"): self._who,
            ("token_auth", "DELETE"): lambda: self._revoke(asker),
            ("recordings", "GET"): lambda: rest.recordings(
                request.query, place.user_id
            ),
            ("channels", "GET"): rest.channels,
            ("channel", "GET"): lambda: rest.channel(place.name),
        }
        return answers.get((place.kind, request.method), lambda: NOT_ALLOWED)()

    async def _log_in(
        self, request: web.Request, place: Place, asker: Asker
    ) -> web.Response:
        if request.method != "PUT":
            return self._wrap(NOT_ALLOWED, asker)
        body = parse_body(await request.read()) or {}
        data, tokens = body.get("data"), self._site.tokens
        if not isinstance(data, dict):
            return self._wrap(_NO_BODY, asker)
        by_key = place.kind == "api_auth"
        login = tokens.by_api_key(data) if by_key else tokens.by_credentials(data)
        return self._wrap(login.answer, asker._replace(token=login.token))

    def _who(self) -> Answer:
        return Answer(HTTPStatus.OK, {"account_id": self._site.options.account})

    def _revoke(self, asker: Asker) -> Answer:
        self._site.tokens.revoke(asker.token or "")
        return Answer(HTTPStatus.OK, {})

    async def _control(self, request: web.Request, place: Place) -> Answer:
        body = parse_body(await request.read())
        if body is None:
            return _NO_BODY
        ask = self._rest.metaflow if request.method == "PUT" else self._rest.order
        answer, accepted = ask(place.name, body)
        if accepted:
            never = self._site.faults.take(_NEVER, *await self._target(request))
            self._site.switch.accept(*accepted, never=never is not None)
        return answer

    async def _recording(
        self, request: web.Request, place: Place, asker: Asker
    ) -> web.StreamResponse:
        document = self._rest.find(place.name)
        if isinstance(document, Answer):
            return self._wrap(document, asker)
        if request.method != "GET" or not wants_audio(request):
            return self._wrap(await self._document(request, document), asker)
        if not self._site.store.has_audio(document):
            return self._wrap(no_audio(document.id), asker)
        return await self._audio(request, document)

    async def _document(self, request: web.Request, document: Document) -> Answer:
        if request.method == "GET":
            return self._rest.recording(document)
        if request.method == "DELETE":
            return self._rest.delete(document)
        if request.method != "PATCH" or self._site.options.release != NEWER:
            return NOT_ALLOWED
        return self._rest.patch(document, parse_body(await request.read()) or {})

    async def _audio(
        self, request: web.Request, document: Document
    ) -> web.StreamResponse:
        has_ranges = self._site.options.has_ranges
        part = part_of(request, document.size_bytes, has_ranges=has_ranges)
        headers = audio_headers(request, document, part, has_ranges=has_ranges)
        response = web.StreamResponse(status=part.status, headers=headers)
        size = response.content_length = part.stop - part.start
        most = await self._cut_after(request, size)
        return await stream(
            request, response, chunks(document, part.start, part.stop), most
        )

    async def _list(
        self, request: web.Request, answer: Answer, asker: Asker
    ) -> web.StreamResponse:
        if not self._site.options.is_chunked:
            return self._wrap(answer, asker)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        parts = [part.encode() for part in self._site.wire.chunks(answer, asker)]
        most = await self._cut_after(request, sum(map(len, parts)))
        return await stream(request, response, parts, most)

    async def _cut_after(self, request: web.Request, size: int) -> int | None:
        """Where a cut *after* strikes what is streamed: in its middle, if at all."""
        target = await self._target(request)
        return size // 2 if self._site.faults.take(_CUT, *target, after=True) else None

    def _wrap(self, answer: Answer, asker: Asker) -> web.Response:
        body = self._site.wire.envelope(answer, asker)
        return web.json_response(body, status=answer.status)
