"""What is answered to whoever has a token, without HTTP."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from tracker.simulators.reply import Reply
from tracker.simulators.vonage_cc.model import PAUSED, STARTED, Call
from tracker.simulators.vonage_cc.switch import Switch
from tracker.simulators.vonage_cc.wire import INVALID, NOT_FOUND, Wire

_READY = "readyForPhoneCall"


class Accepted(NamedTuple):
    """A change of a recording that will be tried."""

    call: Call
    status_value: str


class Rest:
    """The resources of one account."""

    def __init__(self, switch: Switch, wire: Wire, accepted_status: int) -> None:
        self._switch = switch
        self._wire = wire
        self._accepted_status = accepted_status

    def call(self, guid: str) -> Reply:
        """One call, live or ended."""
        call = self._switch.calls.get(guid)
        if call is None:
            return NOT_FOUND
        return Reply(HTTPStatus.OK, self._wire.call(call))

    def control(self, guid: str, body: bytes) -> tuple[Reply, Accepted | None]:
        """Ask for a change of a recording.

        Returns:
            The answer, and what was accepted, if anything was.
        """
        call = self._switch.calls.get(guid)
        if call is None:
            return NOT_FOUND, None
        asked = _recording_status(body)
        if asked is None or not call.has_agent:
            return INVALID, None
        reply = Reply(self._accepted_status, {"recordingStatus": asked})
        return reply, Accepted(call, asked)

    def agent(self, agent_id: str) -> Reply:
        """One agent, and which call is or was the last."""
        if agent_id not in self._switch.agents:
            return NOT_FOUND
        guid = self._switch.latest.get(agent_id)
        return Reply(HTTPStatus.OK, self._wire.agent(agent_id, guid))

    def agents(self, query: Mapping[str, str]) -> Reply:
        """The agents who are ready for a call."""
        if query.get("availability") != _READY:
            return INVALID
        is_busy = self._switch.is_busy
        ready = [agent for agent in self._switch.agents if not is_busy(agent)]
        counted = query.get("fields") == "count"
        return Reply(HTTPStatus.OK, self._wire.agents(ready, counted=counted))


def _recording_status(body: bytes) -> str | None:
    """What a body asks for; None when it is not one of the two values."""
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    value = asked.get("recordingStatus") if isinstance(asked, dict) else None
    return value if value in (STARTED, PAUSED) else None
