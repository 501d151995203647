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

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from tracker.simulators.control import Action, action_routes, state_route
from tracker.simulators.faults import fault_routes
from tracker.simulators.reply import Json
from tracker.simulators.vonage_cc.model import Call, Result
from tracker.simulators.vonage_cc.switch import Switch

if TYPE_CHECKING:
    from tracker.simulators.vonage_cc.simulator import VonageCcSimulator

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
        rate = float(body["transitions_per_s"])
        await simulator.stop_traffic()
        if rate:
            simulator.start_traffic(rate)

    actions: Mapping[str, Action] = {
        "expire": lambda _body: simulator.expire_tokens(),
        "traffic": set_traffic,
        "switch": lambda body: _operate(simulator.site.switch, body),
    }

    state = state_route(lambda: _state(simulator))
    return [*action_routes(actions), *fault_routes(simulator.faults), state]


def _operate(switch: Switch, body: Json) -> Json:
    operation = body.pop("operation")
    if operation not in _SWITCH_OPERATIONS:
        raise ValueError(operation)
    if "call" in body:
        body["call"] = switch.calls[body["call"]]
    if "result" in body:
        body["result"] = Result(**body["result"])
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
