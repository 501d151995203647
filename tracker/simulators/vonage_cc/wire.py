"""What the simulated contact centre says, in the shapes of the documents."""

from collections.abc import Sequence
from http import HTTPStatus

from tracker.simulators.reply import Json, Reply
from tracker.simulators.vonage_cc.model import Call

INVALID = Reply(HTTPStatus.BAD_REQUEST, {"message": "The request is invalid."})
NOT_FOUND = Reply(
    HTTPStatus.NOT_FOUND, {"message": "The requested resource was not found."}
)


class Wire:
    """Says it for one account.

    Attributes:
        base_url: What the links begin with, without a slash at the end.

    Args:
        account: Its key.
    """

    def __init__(self, account: str) -> None:
        self.base_url = ""
        self._account = account

    def call(self, call: Call) -> Json:
        """The detail of a call, live or ended."""
        caller = {"telephoneNumber": call.caller}
        if call.agent_id is not None:
            caller["agentId"] = call.agent_id
        return {
            "id": call.guid,
            "links": [self._link("v0", "Calls", call.guid, "_self")],
            "from": caller,
            "to": {"telephoneNumber": call.number},
            "status": None if call.is_over else call.status,
            "recordingStatus": None if call.is_over else call.recording,
            "result": call.result and call.result._asdict(),
            "dispositionCode": call.disposition,
        }

    def agent(self, agent_id: str, guid: str | None) -> Json:
        """The detail of an agent; *guid*: the current or previous call, if any."""
        links = [self._link("V0", "Agents", agent_id, "_self")]
        if guid is None:
            return {"id": agent_id, "links": links}
        links.append(self._link("V0", "Calls", guid, "currentCall"))
        return {"id": agent_id, "links": links, "currentCallGuid": guid}

    def agents(self, agent_ids: Sequence[str], *, counted: bool) -> Json:
        """A list of agents."""
        agents = [{"id": agent_id, "links": []} for agent_id in agent_ids]
        count = {"count": len(agents)} if counted else {}
        return {**count, "agents": agents}

    def _link(self, version: str, kind: str, name: str, rel: str) -> Json:
        path = f"/{version}/{self._account}/{kind}/{name}"
        return {"href": self.base_url + path, "rel": rel}
