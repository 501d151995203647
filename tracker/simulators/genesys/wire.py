"""What the simulated GWS says, in the shapes of the captures (A2, A3, A5, A7 to A9)."""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from tracker.simulators.genesys.model import Agent, Call, CallState, Leg, make_uuid
from tracker.simulators.genesys.options import Shape
from tracker.simulators.genesys.switch import NotificationType

CALLS, DEVICES = "/v2/me/calls", "/v2/me/devices"

Json = dict[str, Any]

_USER_DATA = [
    "UpdateUserData",
    "DeleteUserData",
    "DeleteUserDataPair",
    "AttachUserData",
]
_CAPABILITIES = {
    CallState.DIALING: [*_USER_DATA, "Hangup"],
    CallState.RINGING: ["Answer", *_USER_DATA],
    CallState.ESTABLISHED: [
        *_USER_DATA,
        "SendDtmf",
        "InitiateConference",
        "Hold",
        "SingleStepTransfer",
        "InitiateTransfer",
        "SingleStepConference",
        "Hangup",
    ],
    CallState.HELD: [*_USER_DATA, "Retrieve", "Hangup"],
    CallState.RELEASED: [],
}
_CLEARABLE = (CallState.RINGING, CallState.ESTABLISHED)


class Wire:
    """Says it for one server.

    Attributes:
        base_url: What the URIs in messages begin with, without a slash at the end.

    Args:
        shape: The year of the capture that sets the shape.
        rng: Ids of things that only the wire knows follow from it.
        metrics: Shape 2026: messages carry `metrics`.
    """

    def __init__(
        self, shape: Shape, rng: random.Random, *, metrics: bool = True
    ) -> None:
        self.base_url = ""
        self._shape = shape
        self._metrics = metrics
        self._contact_center = make_uuid(rng)
        self._environment = make_uuid(rng)
        self._user_state = make_uuid(rng).upper()
        self._logged_out: set[str] = set()

    def notification(
        self, leg: Leg, notification_type: NotificationType, now: datetime
    ) -> bytes:
        """A CallStateChangeMessage with its envelope, ready to send."""
        data: Json = {
            "notificationType": notification_type,
            "call": self.call(leg, now),
            "phoneNumber": leg.agent.phone_number,
            "messageType": "CallStateChangeMessage",
        }
        if self._shape != "2015":
            data["extensions"] = self._extensions(leg)
        return self._sent(CALLS, data, now)

    def device_change(self, agent: Agent, now: datetime, **more: object) -> bytes:
        """A DeviceStateChangeMessage; *more* goes into the device."""
        device = self.device(agent) | more
        data = {"devices": [device], "messageType": "DeviceStateChangeMessage"}
        return self._sent(DEVICES, data, now)

    def device_error(self, agent: Agent, now: datetime) -> bytes:
        """An ErrorMessage, which says nothing but whose device it was."""
        path = f"/devices/{agent.device_id}"
        data = {
            "messageType": "ErrorMessage",
            "devicePath": path,
            "deviceUri": f"{self.base_url}/api/v2{path}",
        }
        return self._sent(DEVICES, data, now)

    def call(self, leg: Leg, now: datetime) -> Json:
        """The call resource as this leg's agent sees it."""
        call = leg.call
        resource: Json = {
            "id": call.id,
            "state": leg.state,
            "callUuid": call.uuid,
            "connId": call.conn_id,
            "deviceUri": f"{self.base_url}/api/v2/devices/{leg.agent.device_id}",
            **self._participants(leg),
            "dnis": call.dnis,
            "callType": call.type,
            "capabilities": self._capabilities(leg),
            "userData": self._user_data(leg),
            "duration": str(int((now - call.created_at).total_seconds())),
            "mute": "Off",
            "uri": self.call_uri(call),
        }
        if self._tells_ani(leg):
            resource["ani"] = call.ani
        if call.parent and leg.agent.phone_number == call.ani:
            resource["parentCallUri"] = self.call_uri(call.parent)
        if leg.recording:
            resource["recordingState"] = leg.recording
        if self._shape != "2013":
            resource["supervisorListeningIn"] = leg.supervised
            resource["monitoredUserMuted"] = False
            resource["monitoring"] = leg.monitoring
            resource["path"] = f"/calls/{call.id}"
        if self._shape == "2026":
            resource["case"] = []
        return resource

    def call_uri(self, call: Call) -> str:
        """Where a call resource is, for each of its agents."""
        return f"{self.base_url}/api/v2/me/calls/{call.id}"

    def set_active(self, agent: Agent, *, active: bool) -> None:
        """Log an agent's device in or out; everybody begins logged in."""
        if active:
            self._logged_out.discard(agent.id)
        else:
            self._logged_out.add(agent.id)

    def device(self, agent: Agent) -> Json:
        """An agent's device: ready, unless the agent was logged out."""
        environment = f"/api/v2/voice-environments/{self._environment}"
        logged_out = agent.id in self._logged_out
        return {
            "id": agent.device_id,
            "deviceState": "Inactive" if logged_out else "Active",
            "userState": {
                "id": self._user_state,
                "displayName": "Logged Out" if logged_out else "Ready",
                "state": "LoggedOut" if logged_out else "Ready",
            },
            "phoneNumber": agent.phone_number,
            "description": "",
            "e164Number": "",
            "telephonyNetwork": "Private",
            "doNotDisturb": "Off",
            "voiceEnvironmentUri": self.base_url + environment,
            "capabilities": ["DoNotDisturbOn", "ForwardCallsOn"],
            "channels": ["voice"],
            "dynamicPhoneNumber": "",
        }

    def user(self, agent: Agent) -> Json:
        """The agent, without any subresource."""
        path = f"/users/{agent.user_id}"
        return {
            "id": agent.user_id,
            "userName": agent.username,
            "firstName": "agent",
            "lastName": agent.id.rpartition("-")[2],
            "emailAddress": "",
            "roles": ["ROLE_AGENT"],
            "enabled": True,
            "changePasswordOnFirstLogin": False,
            "contactCenterId": self._contact_center,
            "uri": f"{self.base_url}/api/v2{path}",
            "path": path,
        }

    def _sent(self, channel: str, data: Json, now: datetime) -> bytes:
        if self._metrics and self._shape == "2026":
            data["metrics"] = {
                "eventProcessing": {
                    "nodeProcessingTimeNanos": 240_015,
                    "serverGenerationTimestamp": int(now.timestamp() * 1000),
                    "serverProcessingTimeTotalMs": 2,
                }
            }
        return to_json({"data": data, "channel": channel})

    def _extensions(self, leg: Leg) -> Json:
        if self._shape == "2013":
            return {"WrapUpTime": 0, "BusinessCall": 0}
        if leg.state is not CallState.RINGING:
            return {"BusinessCall": 1, "WrapUpTime": 20}
        return {
            "NO_ANSWER_ACTION": "notready",
            "BusinessCall": 1,
            "OriginationDN": leg.call.ani,
        }

    def _capabilities(self, leg: Leg) -> list[str]:
        capabilities = list(_CAPABILITIES[leg.state])
        if self._shape == "2026" and leg.state in _CLEARABLE:
            capabilities.append("ClearCall")
        return capabilities + leg.offered()

    def _participants(self, leg: Leg) -> Json:
        released = leg.state is CallState.RELEASED
        numbers = [] if released else leg.other_numbers()
        if self._shape == "2013":
            infos = [_participant_2013(number) for number in numbers]
            return {"participants": numbers, "participantsInfo": infos}
        return {"participants": _participants(numbers)}

    def _user_data(self, leg: Leg) -> Json:
        """With the nested objects that newer servers attach for each agent."""
        if self._shape != "2026":
            return leg.call.user_data
        others = (other.agent for other in leg.call.legs if other is not leg)
        parties = {f"WWE_PARTY_{agent.phone_number}": _party(agent) for agent in others}
        return leg.call.user_data | parties

    def _tells_ani(self, leg: Leg) -> bool:
        """The captures: not to who called, and not to both on newer internal calls."""
        if leg.call.type == "Inbound":
            return True
        return self._shape == "2013" and leg.agent.phone_number != leg.call.ani


def _participants(numbers: Sequence[str]) -> list[Json]:
    return [
        {
            "e164Number": "",
            "formattedPhoneNumber": number,
            "phoneNumber": number,
            "digits": number,
        }
        for number in numbers
    ]


def _participant_2013(number: str) -> Json:
    return {
        "country": {"name": "", "code": "", "callingCode": ""},
        "formattedPhoneNumber": number,
        "location": None,
        "E164digits": number,
        "isValidNumber": False,
    }


def _party(agent: Agent) -> Json:
    return {
        "path": f"/users/{agent.user_id}",
        "firstname": "agent",
        "username": agent.username,
        "lastname": agent.id.rpartition("-")[2],
    }
