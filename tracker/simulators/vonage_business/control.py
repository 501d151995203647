"""The simulator's own control over HTTP, `/_sim/…`, for whoever runs it elsewhere.

POST   /_sim/faults      a fault's JSON: arm it
DELETE /_sim/faults      end all
POST   /_sim/tokens      {"operation": "expire"}: an operation of the tokens, and its
                         arguments
POST   /_sim/archive     {"operation": "add_recording", "caller_id": …}: an operation of
                         the archive, and its arguments; dates as in the API
POST   /_sim/jobs        {"operation": "complete_job", "job_id": …}: one of the jobs
POST   /_sim/traffic     {"recordings_per_s": …}; 0 ends it
GET    /_sim/state       what there is, and how often was asked
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from tracker.simulators.control import Action, action_routes, state_route
from tracker.simulators.faults import fault_routes
from tracker.simulators.reply import Json
from tracker.simulators.vonage_business.model import Recording

if TYPE_CHECKING:
    from aiohttp import web

    from tracker.simulators.vonage_business.simulator import VonageBusinessSimulator

_TOKEN_OPERATIONS = frozenset(
    {
        "expire",
        "expire_refresh",
        "give_refresh_token",
        "give_code",
        "lose_next_refresh",
    }
)
_ARCHIVE_OPERATIONS = frozenset(
    {"add_recording", "fill", "show_audio", "delete_recording"}
)
_JOB_OPERATIONS = frozenset(
    {"advance_job", "complete_job", "fail_job", "expire_job", "forget_job"}
)


def control_routes(simulator: "VonageBusinessSimulator") -> "list[web.RouteDef]":
    """Everything that the module's docstring lists."""
    site = simulator.site

    async def set_traffic(body: Json) -> None:
        await simulator.stop_traffic()
        if rate := body["recordings_per_s"]:
            simulator.start_traffic(rate)

    actions: Mapping[str, Action] = {
        "tokens": lambda body: _operate(site.tokens, _TOKEN_OPERATIONS, body),
        "archive": lambda body: _operate(site.archive, _ARCHIVE_OPERATIONS, body),
        "jobs": lambda body: _operate(site.jobs, _JOB_OPERATIONS, body),
        "traffic": set_traffic,
    }
    state = state_route(lambda: _state(simulator))
    return [*action_routes(actions), *fault_routes(simulator.faults), state]


def _operate(part: object, operations: frozenset[str], body: Json) -> Json:
    operation = body.pop("operation")
    if operation not in operations:
        raise ValueError(operation)
    for name in {"start_at", "end_at"} & body.keys():
        body[name] = datetime.strptime(body[name], "%Y-%m-%dT%H:%M:%S%z")
    result = getattr(part, operation)(**body)
    if isinstance(result, Recording):
        return {"id": result.id}
    return {"token": result} if isinstance(result, str) else {}


def _state(simulator: "VonageBusinessSimulator") -> Json:
    return {
        "recordings": len(simulator.site.archive),
        "requests": len(simulator.requests),
        "token_requests": simulator.token_requests,
        "peak_per_s": simulator.peak_per_s(),
    }
