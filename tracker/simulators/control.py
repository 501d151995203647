"""Actions that a simulator's own control over HTTP, `/_sim/…`, takes as JSON."""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from tracker.simulators.faults import CONTROL_PREFIX
from tracker.simulators.reply import Json

Action = Callable[[Json], Awaitable[Json | None] | Json | None]
"""Does what a body says; what it returns is answered."""


def action_routes(actions: Mapping[str, Action]) -> list[web.RouteDef]:
    """`POST /_sim/<name>` for each.

    A body that the action cannot use is answered with 422 and the reason.
    """
    return [web.post(CONTROL_PREFIX + name, _post(actions[name])) for name in actions]


def state_route(state: Callable[[], Json]) -> web.RouteDef:
    """`GET /_sim/state`."""

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(state())

    return web.get(f"{CONTROL_PREFIX}state", handle)


def _post(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read() or b"{}")
            result = action(body)
            if inspect.isawaitable(result):
                result = await result
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return web.Response(status=422, text=repr(error))
        return web.json_response(result or {})

    return handle
