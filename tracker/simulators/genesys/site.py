"""Everything that a simulated GWS consists of, but its sockets."""

import asyncio
import random
from datetime import UTC, datetime

from tracker.simulators.faults import FaultBoard, FaultKind
from tracker.simulators.genesys.bayeux import BayeuxServer
from tracker.simulators.genesys.counters import RequestCounters
from tracker.simulators.genesys.logins import Logins
from tracker.simulators.genesys.model import Agent, Leg, RecordingState, make_agents
from tracker.simulators.genesys.options import SimulatorOptions
from tracker.simulators.genesys.rest import Rest
from tracker.simulators.genesys.switch import NotificationType, Switch
from tracker.simulators.genesys.wire import CALLS, DEVICES, Wire

_DROP = frozenset({FaultKind.DROP})
_DELAY = frozenset({FaultKind.DELAY})
_REORDER = frozenset({FaultKind.REORDER})
_REFUSE = frozenset({FaultKind.REFUSE})
_DISMISS = frozenset({FaultKind.DISMISS})


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class Site:
    """The parts, wired: what the switch tells reaches the agents' sessions.

    Between the two strike the faults that concern messages: drop, delay, reorder.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        rng = random.Random(options.seed)  # noqa: S311 repeatable, guards nothing
        self.rng = rng
        first = options.initial_recording_state
        self.options = options
        self.agents = make_agents(options.agents, options.teams, rng)
        self.faults = FaultBoard()
        self.counters = RequestCounters()
        self.switch = Switch(
            self.agents,
            rng,
            utc_now,
            id_is_conn_id=options.call_id == "connId",
            records=options.records,
            first_recording_state=RecordingState(first) if first else None,
        )
        self.switch.listener = self.tell
        self.wire = Wire(options.shape, rng, metrics=options.metrics)
        self.rest = Rest(self.switch, self.wire, utc_now)
        self.open()

    def open(self) -> None:
        """Forget every client, as a server does that starts again."""
        options = self.options
        self.logins = Logins(self.agents)
        self.bayeux = BayeuxServer(
            timeout_ms=options.timeout_ms,
            interval_ms=options.interval_ms,
            max_interval_ms=options.max_interval_ms,
            acks=options.acks,
        )
        self.bayeux.may_subscribe = self._may_subscribe
        self.bayeux.may_stay = self._may_stay
        self._overtaken: dict[tuple[str, str], bytes] = {}

    def tell(self, leg: Leg, notification_type: NotificationType) -> None:
        """Tell an agent of a change of a leg; a supervisor's device changes as well."""
        agent = leg.agent
        if self.bayeux.has_subscriber(agent.id, CALLS):
            message = self.wire.notification(leg, notification_type, utc_now())
            self._send(agent, CALLS, message)
        if leg.monitoring and self.bayeux.has_subscriber(agent.id, DEVICES):
            self.tell_device(agent, supervisorMonitoringState=_listening(leg))

    def tell_device(self, agent: Agent, **more: object) -> None:
        """Tell an agent of the device; *more* goes into it."""
        self._send(agent, DEVICES, self.wire.device_change(agent, utc_now(), **more))

    def tell_error(self, agent: Agent) -> None:
        """Tell an agent that something is wrong with the device, but not what."""
        self._send(agent, DEVICES, self.wire.device_error(agent, utc_now()))

    def _send(self, agent: Agent, channel: str, message: bytes) -> None:
        if self.faults:
            self._send_badly(agent.id, channel, message)
        else:
            self.bayeux.publish(agent.id, channel, message)

    def _send_badly(self, agent_id: str, channel: str, message: bytes) -> None:
        key = (agent_id, channel)
        if self.faults.take(_DROP, channel, agent_id):
            return
        loop = asyncio.get_running_loop()
        if delayed := self.faults.take(_DELAY, channel, agent_id):
            delay_s = delayed.fault.delay_s
            loop.call_later(delay_s, self.bayeux.publish, *key, message)
        elif reordered := self.faults.take(_REORDER, channel, agent_id):
            self._flush(key)
            self._overtaken[key] = message
            loop.call_later(reordered.fault.delay_s, self._flush, key)
        else:
            self.bayeux.publish(*key, message)
            self._flush(key)

    def _flush(self, key: tuple[str, str]) -> None:
        message = self._overtaken.pop(key, None)
        if message is not None:
            self.bayeux.publish(*key, message)

    def _may_subscribe(self, owner: str, channel: str) -> bool:
        return not (self.faults and self.faults.take(_REFUSE, channel, owner))

    def _may_stay(self, owner: str, channel: str) -> bool:
        return not (self.faults and self.faults.take(_DISMISS, channel, owner))


def _listening(leg: Leg) -> dict[str, str]:
    watched = next((other for other in leg.call.legs if other.supervised), None)
    target = watched.agent.device_id if watched else ""
    return {
        "state": "ListenIn",
        "mode": "AllCalls",
        "scope": "Call",
        "targetDeviceUri": f"/api/v2/devices/{target}",
    }
