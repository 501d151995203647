"""The simulated GWS on aiohttp: login, REST, and the CometD long polls."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic_core import to_json

from tracker.simulators.faults import (
    FaultKind,
    Target,
    fault_middleware,
    reset_connection,
)
from tracker.simulators.genesys.logins import CSRF_HEADER, SESSION_COOKIE, Login
from tracker.simulators.genesys.model import Leg, RecordingOperation
from tracker.simulators.genesys.rest import ACCESS_DENIED, NO_SUCH_RESOURCE, Reply
from tracker.simulators.genesys.session import Exchange, parse_messages
from tracker.simulators.genesys.site import Site

PREFIX = "/api/v2"

_NOTIFICATIONS = "/notifications"
_NEVER = frozenset({FaultKind.NEVER})
_LOGIN = web.RequestKey("login", Login)


class GwsServer:
    """Everything below `/api/v2`.

    Args:
        site: Whose requests these are.
        news: Is called whenever a client's standing may have changed.
    """

    def __init__(self, site: Site, news: Callable[[], None]) -> None:
        self._site = site
        self._news = news
        self._held: dict[int, tuple[Exchange, web.Request]] = {}

    def application(self) -> web.Application:
        """To be mounted at `PREFIX`; clients may add a message type to CometD's URL."""
        strike = fault_middleware(self._site.faults, self._target)
        layers = [self._identify, strike, self._admit]
        app = web.Application(middlewares=layers)
        rest = self._site.rest
        app.add_routes(
            [
                web.post(_NOTIFICATIONS, self._post_bayeux),
                web.post(f"{_NOTIFICATIONS}/{{message_type:.*}}", self._post_bayeux),
                web.get("/me", partial(self._get, rest.me)),
                web.get("/me/", partial(self._get, rest.me)),
                web.post("/me", self._post_me),
                web.get("/me/calls", partial(self._get, rest.calls)),
                web.get("/me/devices", partial(self._get, rest.devices)),
                web.get("/me/calls/{id}", self._get_call),
                web.post("/me/calls/{id}", self._post_call),
                web.route("*", "/{rest:.*}", _get_nothing),
            ]
        )
        return app

    def cut(self, agent_id: str | None = None) -> None:
        """Reset the connections of the long polls that wait, of one agent or of all."""
        for exchange, request in list(self._held.values()):
            if exchange.session and agent_id in (None, exchange.session.owner):
                reset_connection(request.transport)

    def release(self) -> None:
        """End every long poll."""
        for exchange, _ in list(self._held.values()):
            exchange.wake()

    @web.middleware
    async def _identify(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        headers = request.headers
        credentials, cookies = headers.get("Authorization"), headers.get("Cookie")
        login = self._site.logins.find(credentials, cookies)
        self._site.counters.note(login.agent.id if login else None)
        if login:
            request[_LOGIN] = login
        return await handler(request)

    async def _target(self, request: web.Request) -> Target:
        """A CometD request's path ends in its first message's type, URL or not."""
        login = request.get(_LOGIN)
        agent_id = login.agent.id if login else None
        path = PREFIX + _NOTIFICATIONS
        if not request.path.startswith(path):
            return Target(request.path, agent_id)
        try:
            channel = str(parse_messages(await request.read())[0].get("channel"))
        except ValueError:
            channel = ""
        return Target(f"{path}/{channel.rpartition('/')[2]}", agent_id)

    @web.middleware
    async def _admit(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        login = request.get(_LOGIN)
        if login is None:
            return _answer(ACCESS_DENIED)
        reads, csrf = request.method == "GET", self._site.options.csrf
        cookie = f"{SESSION_COOKIE}={login.session_id}"
        is_known = cookie in request.headers.get("Cookie", "")
        if csrf and not reads:
            token = request.headers.get(CSRF_HEADER)
            if not is_known or token != login.csrf_token:
                return web.Response(status=403, text="Missing or invalid Csrf token")
        response = await handler(request)
        if not is_known:
            response.headers["Set-Cookie"] = f"{cookie}; Path=/; HttpOnly"
        if csrf and reads:
            response.headers["X-CSRF-HEADER"] = CSRF_HEADER
            response.headers[CSRF_HEADER] = login.csrf_token
        return response

    async def _get(
        self, resource: Callable[..., Reply], request: web.Request
    ) -> web.Response:
        return _answer(resource(request[_LOGIN].agent, request.query))

    async def _get_call(self, request: web.Request) -> web.Response:
        agent = request[_LOGIN].agent
        return _answer(self._site.rest.call(agent, request.match_info["id"]))

    async def _post_me(self, request: web.Request) -> web.Response:
        agent, body = request[_LOGIN].agent, await _json_object(request)
        reply = self._site.rest.operate_session(agent, body)
        if reply.status == HTTPStatus.OK:
            self._site.tell_device(agent)
        return _answer(reply)

    async def _post_call(self, request: web.Request) -> web.Response:
        agent, call_id = request[_LOGIN].agent, request.match_info["id"]
        body = await _json_object(request)
        reply = self._site.rest.operate_call(agent, call_id, body)
        if reply.change and not self._site.faults.take(_NEVER, request.path, agent.id):
            await self._change(*reply.change)
        return _answer(reply)

    async def _change(self, leg: Leg, operation: RecordingOperation) -> None:
        """Let an accepted operation take effect, after the answer or before it."""
        options = self._site.options
        change = partial(self._site.switch.record_leg, leg, operation)
        if options.recording_change == "overtakes":
            change()
            await asyncio.sleep(options.recording_delay_s)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(options.recording_delay_s, change)

    async def _post_bayeux(self, request: web.Request) -> web.Response:
        try:
            messages = parse_messages(await request.read())
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        for message in messages:
            self._site.counters.bayeux[str(message.get("channel"))] += 1
        bayeux, owner = self._site.bayeux, request[_LOGIN].agent.id
        exchange = bayeux.receive(messages, owner, time.monotonic())
        if exchange.hold_s:
            await self._hold(exchange, request)
        body = bayeux.finish(exchange, time.monotonic())
        self._news()
        if body is None:
            return web.Response(status=500)
        return web.Response(body=body, content_type="application/json")

    async def _hold(self, exchange: Exchange, request: web.Request) -> None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        exchange.wake = partial(_end, waiter)
        timer = loop.call_later(exchange.hold_s, exchange.wake)
        self._held[id(exchange)] = exchange, request
        self._news()
        try:
            await waiter
        finally:
            timer.cancel()
            del self._held[id(exchange)]


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _answer(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status,
        body=to_json(reply.body),
        content_type="application/json",
    )


async def _get_nothing(_request: web.Request) -> web.Response:
    return _answer(NO_SUCH_RESOURCE)


async def _json_object(request: web.Request) -> Mapping[str, Any]:
    """The body, or nothing when it is no JSON object."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
