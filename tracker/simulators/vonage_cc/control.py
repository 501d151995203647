"""The simulator's own control over HTTP, `/_sim/…`, for whoever runs it elsewhere.

POST   /_sim/faults      a fault's JSON: arm it
DELETE /_sim/faults      end all
POST   /_sim/expire      every token ends
POST   /_sim/traffic     {"transitions_per_s": …}; 0 ends it
POST   /_sim/switch      {"operation": "begin_call", "agent_id": …, "caller": …}: an
                         operation of the switch, and its arguments; a call is
                         named by its GUID
GET    /_sim/state       what there is, and how often was asked
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tracker.simulators.faults import CONTROL_PREFIX, fault_routes
from tracker.simulators.vonage_cc.model import Call
from tracker.simulators.vonage_cc.switch import Switch

if TYPE_CHECKING:
    from tracker.simulators.vonage_cc.simulator import VonageCcSimulator

Json = dict[str, Any]
Action = Callable[[Json], Awaitable[Json | None] | Json | None]

_SWITCH_OPERATIONS = frozenset(
    {
        "begin_call",
        "pause",
        "resume",
        "show",
        "show_status",
        "transfer_out",
        "end",
        "forget",
        "next_delay",
        "contradict_next",
    }
)


def control_routes(simulator: "VonageCcSimulator") -> list[web.RouteDef]:
    """Everything that the module's docstring lists."""

    async def set_traffic(body: Json) -> None:
        await simulator.stop_traffic()
        if rate := body["transitions_per_s"]:
            simulator.start_traffic(rate)

    actions: Mapping[str, Action] = {
        "expire": lambda _body: simulator.expire_tokens(),
        "traffic": set_traffic,
        "switch": lambda body: _operate(simulator.site.switch, body),
    }

    async def state(_request: web.Request) -> web.Response:
        return web.json_response(_state(simulator))

    posts = [web.post(CONTROL_PREFIX + name, _post(actions[name])) for name in actions]
    faults = fault_routes(simulator.faults)
    return [*posts, *faults, web.get(f"{CONTROL_PREFIX}state", state)]


def _post(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A body that the action cannot use is answered with 422 and the reason."""

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


def _operate(switch: Switch, body: Json) -> Json:
    operation = body.pop("operation")
    if operation not in _SWITCH_OPERATIONS:
        raise ValueError(operation)
    if "call" in body:
        body["call"] = switch.calls[body["call"]]
    result = getattr(switch, operation)(**body)
    return {"call": result.guid} if isinstance(result, Call) else {}


def _state(simulator: "VonageCcSimulator") -> Json:
    calls = simulator.calls.values()
    return {
        "agents": len(simulator.agents),
        "calls": len(calls),
        "live": sum(not call.is_over for call in calls),
        "changes": len(simulator.changes),
        "requests": len(simulator.requests),
        "token_requests": simulator.token_requests,
        "peak_per_s": simulator.peak_per_s(),
    }
