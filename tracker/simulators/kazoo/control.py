"""The simulator's own control over HTTP, `/_sim/…`, for whoever runs it elsewhere.

POST   /_sim/faults      a fault's JSON: arm it
DELETE /_sim/faults      end all
POST   /_sim/expire      every token ends
POST   /_sim/sockets     {"operation": "drop_bindings"} or "cut_sockets"
POST   /_sim/traffic     {"transitions_per_s": …}; 0 ends it
POST   /_sim/recordings  a recording's fields: it is stored now
POST   /_sim/switch      {"operation": "begin_call", "user_id": …, "other": …}: an
                         operation of the switch, and its arguments; a call is
                         named by its interaction id, a channel by its id
GET    /_sim/state       what there is, and how often was asked
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from tracker.simulators.control import Action, action_routes, state_route
from tracker.simulators.faults import fault_routes
from tracker.simulators.kazoo.model import Call, Channel, Recorded
from tracker.simulators.kazoo.switch import Switch
from tracker.simulators.reply import Json

if TYPE_CHECKING:
    from tracker.simulators.kazoo.simulator import KazooSimulator

_SOCKET_OPERATIONS = frozenset({"drop_bindings", "cut_sockets"})

_SWITCH_OPERATIONS = frozenset(
    {
        "begin_call",
        "answer",
        "hold",
        "unhold",
        "transfer",
        "end",
        "record",
        "stop",
        "mask",
        "unmask",
        "pause",
        "resume",
        "next_delay",
    }
)


def control_routes(simulator: "KazooSimulator") -> list[web.RouteDef]:
    """Everything that the module's docstring lists."""

    async def set_traffic(body: Json) -> None:
        await simulator.stop_traffic()
        if rate := body["transitions_per_s"]:
            simulator.start_traffic(rate)

    def operate_sockets(body: Json) -> None:
        operation = body["operation"]
        if operation not in _SOCKET_OPERATIONS:
            raise ValueError(operation)
        getattr(simulator, operation)()

    actions: Mapping[str, Action] = {
        "expire": lambda _body: simulator.expire_tokens(),
        "sockets": operate_sockets,
        "traffic": set_traffic,
        "recordings": lambda body: {
            "recording": simulator.add_recording(Recorded(**body)).id
        },
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
    if "channel" in body:
        body["channel"] = switch.channels[body["channel"]]
    result = getattr(switch, operation)(**body)
    if isinstance(result, Call):
        channels = [channel.id for channel in result.channels]
        return {"call": result.interaction_id, "channels": channels}
    return {"channel": result.id} if isinstance(result, Channel) else {}


def _state(simulator: "KazooSimulator") -> Json:
    return {
        "users": len(simulator.users),
        "calls": len(simulator.calls),
        "channels": len(simulator.channels),
        "recordings": len(simulator.recordings),
        "changes": len(simulator.changes),
        "sockets": simulator.open_sockets,
        "bindings": len(simulator.bindings),
        "requests": len(simulator.requests),
        "token_requests": simulator.token_requests,
        "peak_per_s": simulator.peak_per_s(),
    }
