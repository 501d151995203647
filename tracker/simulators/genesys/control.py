"""The simulator's own control over HTTP, `/_sim/…`, for whoever runs it elsewhere.

POST   /_sim/faults      a fault's JSON: arm it
DELETE /_sim/faults      end all
POST   /_sim/expire      {"what": "sessions" | "logins", "agent": …}
POST   /_sim/cut         {"agent": …}: reset the waiting long polls
POST   /_sim/csrf        every CSRF token is invalid
POST   /_sim/advice      {"timeout_ms": …, "interval_ms": …}
POST   /_sim/traffic     {"transitions_per_s": …}; 0 ends it
POST   /_sim/switch      {"operation": "dial", "caller": …, "callee": …}: an
                         operation of the switch or of recording, and its
                         arguments; a call is named by its id
GET    /_sim/state       what there is, and who asked how often
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tracker.simulators.faults import CONTROL_PREFIX, fault_routes
from tracker.simulators.genesys.model import Call, RecordingOperation
from tracker.simulators.genesys.switch import Switch

if TYPE_CHECKING:
    from tracker.simulators.genesys.simulator import GenesysSimulator

Json = dict[str, Any]
Action = Callable[[Json], Awaitable[Json | None] | Json | None]

_SWITCH_OPERATIONS = frozenset(
    {
        "dial",
        "dial_in",
        "answer",
        "hold",
        "retrieve",
        "consult",
        "complete_transfer",
        "conference",
        "join",
        "monitor",
        "end_monitoring",
        "attach",
        "hang_up",
        "vanish",
    }
)


def control_routes(simulator: "GenesysSimulator") -> list[web.RouteDef]:
    """Everything that the module's docstring lists."""
    expire = {
        "sessions": simulator.expire_sessions,
        "logins": simulator.expire_logins,
    }

    async def set_traffic(body: Json) -> None:
        await simulator.stop_traffic()
        if rate := body["transitions_per_s"]:
            simulator.start_traffic(rate)

    actions: Mapping[str, Action] = {
        "expire": lambda body: expire[body["what"]](body.get("agent")),
        "cut": lambda body: simulator.cut_connections(body.get("agent")),
        "csrf": lambda _body: simulator.rotate_csrf(),
        "advice": lambda body: simulator.advise(**body),
        "traffic": set_traffic,
        "switch": lambda body: _operate(simulator.switch, body),
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
        except (KeyError, TypeError, ValueError) as error:
            return web.Response(status=422, text=repr(error))
        return web.json_response(result or {})

    return handle


def _operate(switch: Switch, body: Json) -> Json:
    operation = body.pop("operation")
    for named in {"call", "consult"}.intersection(body):
        body[named] = switch.calls[body[named]]
    if operation in set(RecordingOperation):
        accepted = switch.record(operation=RecordingOperation(operation), **body)
        return {"accepted": accepted}
    if operation not in _SWITCH_OPERATIONS:
        raise ValueError(operation)
    result = getattr(switch, operation)(**body)
    return {"call": result.id} if isinstance(result, Call) else {}


def _state(simulator: "GenesysSimulator") -> Json:
    bayeux, counters = simulator.site.bayeux, simulator.counters
    return {
        "agents": len(simulator.agents),
        "calls": len(simulator.switch.calls),
        "told": simulator.switch.told,
        "held": bayeux.held,
        "subscribed": bayeux.subscribed,
        "requests": counters.total,
        "peak_per_s": counters.peak_per_s(),
        "busiest_agent_per_s": counters.busiest_agent_per_s(),
        "bayeux": counters.bayeux,
    }
