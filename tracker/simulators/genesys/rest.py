"""What GWS answers to REST requests of a logged-in agent, without HTTP.

The statusCodes are those of the documentation; which HTTP status goes with 1, 2, 5
and 6 was not found and is assumed: 400, 400, 403 and 404.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tracker.simulators.genesys.model import Agent, Leg, RecordingOperation
from tracker.simulators.genesys.switch import Switch
from tracker.simulators.genesys.wire import Json, Wire

OK, MISSING, INVALID, FORBIDDEN, NOT_FOUND, NOT_AUTHENTICATED = 0, 1, 2, 5, 6, 20

_HTTP_STATUS = {MISSING: 400, INVALID: 400, NOT_FOUND: 404}
_SESSION_OPERATIONS = ("StartContactCenterSession", "EndContactCenterSession")


class Reply(NamedTuple):
    """An HTTP answer; `change` is the recording change that was accepted."""

    status: int
    body: Json
    change: tuple[Leg, RecordingOperation] | None = None


def refusal(status_code: int, message: str) -> Reply:
    """An answer that is no success."""
    body = {"statusCode": status_code, "statusMessage": message}
    return Reply(_HTTP_STATUS.get(status_code, 403), body)


ACCESS_DENIED = refusal(NOT_AUTHENTICATED, "Access denied")
NO_SUCH_RESOURCE = refusal(NOT_FOUND, "The requested resource could not be found.")


class Rest:
    """The REST resources below `/api/v2/me`.

    Attributes:
        session_operations: Every Start- and EndContactCenterSession, with its agent;
            the newest decides whether the device is active.
        call_operations: Every operation asked of a call: agent, call's id, name.
    """

    def __init__(
        self, switch: Switch, wire: Wire, clock: Callable[[], datetime]
    ) -> None:
        self.session_operations: list[tuple[str, str]] = []
        self.call_operations: list[tuple[str, str, str]] = []
        self._switch = switch
        self._wire = wire
        self._clock = clock

    def me(self, agent: Agent, query: Mapping[str, str]) -> Reply:
        """The agent, with the subresources that were asked for."""
        wanted = query.get("subresources", "").split(",")
        user = self._wire.user(agent)
        if "devices" in wanted:
            user["devices"] = [self._wire.device(agent)]
        if "calls" in wanted:
            user["calls"] = self._calls(agent)
        for empty in {"channels", "interactions", "chats"}.intersection(wanted):
            user[empty] = []
        return Reply(200, {"statusCode": OK, "user": user})

    def operate_session(self, agent: Agent, body: Mapping[str, Any]) -> Reply:
        """Start or end the contact-centre session."""
        operation = body.get("operationName")
        if operation not in _SESSION_OPERATIONS:
            return refusal(MISSING, "Required parameter operationName is missing.")
        self.session_operations.append((agent.id, str(operation)))
        self._wire.set_active(agent, active=operation == "StartContactCenterSession")
        return Reply(200, {"statusCode": OK})

    def calls(self, agent: Agent, query: Mapping[str, str]) -> Reply:
        """The agent's calls: their URIs, or with `fields=*` all of them."""
        if query.get("fields") == "*":
            return Reply(200, {"statusCode": OK, "calls": self._calls(agent)})
        legs = self._switch.legs_of(agent.id)
        uris = [self._wire.call_uri(leg.call) for leg in legs]
        return Reply(200, {"statusCode": OK, "uris": uris})

    def devices(self, agent: Agent, _query: Mapping[str, str]) -> Reply:
        """The agent's only device."""
        return Reply(200, {"statusCode": OK, "devices": [self._wire.device(agent)]})

    def call(self, agent: Agent, call_id: str) -> Reply:
        """One call of the agent."""
        leg = self._leg(agent, call_id)
        if leg is None:
            return refusal(NOT_FOUND, f"Call '{call_id}' is not found.")
        call = self._wire.call(leg, self._clock())
        return Reply(200, {"statusCode": OK, "call": call})

    def operate_call(
        self, agent: Agent, call_id: str, body: Mapping[str, Any]
    ) -> Reply:
        """Ask for a recording operation: accepted means that it will be tried."""
        name = body.get("operationName")
        if name not in set(RecordingOperation):
            return refusal(MISSING, "Required parameter operationName is missing.")
        self.call_operations.append((agent.id, call_id, str(name)))
        operation, leg = RecordingOperation(name), self._leg(agent, call_id)
        if leg is None:
            return refusal(NOT_FOUND, f"Call '{call_id}' is not found.")
        if not leg.can_record:
            return refusal(FORBIDDEN, "Feature api-voice-recording is not enabled.")
        if operation not in leg.offered():
            return refusal(INVALID, f"{operation} is not valid for the current state.")
        return Reply(200, {"statusCode": OK}, (leg, operation))

    def _leg(self, agent: Agent, call_id: str) -> Leg | None:
        legs = self._switch.legs_of(agent.id)
        return next((leg for leg in legs if leg.call.id == call_id), None)

    def _calls(self, agent: Agent) -> list[Json]:
        now = self._clock()
        legs = self._switch.legs_of(agent.id)
        return [self._wire.call(leg, now) for leg in legs]
