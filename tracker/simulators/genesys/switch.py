"""The telephony of the simulated site, pure: what happens to calls, and who is told.

Every method is something that somebody does, at once and completely; each leg that
it changes is told to the listener, one notification each, in the order in which the
device of that leg would report it. Agents are named by id, everybody else by number.
"""

import random
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

from tracker.simulators.genesys.model import (
    GSIP_RECORD,
    RECORDING_CHANGES,
    Agent,
    Call,
    CallNumbers,
    CallState,
    CallType,
    Leg,
    RecordingOperation,
    RecordingState,
    make_uuid,
)

NotificationType = Literal[
    "StatusChange",
    "CallRecordingStateChange",
    "AttachedDataChanged",
    "ParticipantsUpdated",
    "PropertiesUpdated",
]
Listener = Callable[[Leg, NotificationType], None]

_PARTIES_OF_A_CALL = 2


class Switch:
    """All calls of the site.

    Attributes:
        calls: The live calls, by resource id.
        told: How many notifications there have been.
        listener: Is told of every change of a leg.

    Args:
        agents: Everybody with a phone.
        rng: Ids follow from it.
        clock: The time of day, aware.
        id_is_conn_id: A call's resource id is its connId.
        records: Whether calls can be recorded.
        first_recording_state: Of a leg that was not recorded yet.
    """

    def __init__(
        self,
        agents: Iterable[Agent],
        rng: random.Random,
        clock: Callable[[], datetime],
        *,
        id_is_conn_id: bool = False,
        records: bool = True,
        first_recording_state: RecordingState | None = RecordingState.STOPPED,
    ) -> None:
        self.calls: dict[str, Call] = {}
        self.told = 0
        self.listener: Listener = lambda _leg, _type: None
        self._agents = {agent.id: agent for agent in agents}
        self._legs: dict[str, list[Leg]] = {agent_id: [] for agent_id in self._agents}
        self._rng = rng
        self._clock = clock
        self._id_is_conn_id = id_is_conn_id
        self._records = records
        self._first_recording_state = first_recording_state
        self._numbers = CallNumbers(rng)

    def legs_of(self, agent_id: str) -> list[Leg]:
        """An agent's live legs, oldest first."""
        return self._legs[agent_id]

    def dial(self, caller: str, callee: str) -> Call:
        """An agent calls an agent, or a number outside; the other side rings."""
        source = self._agents[caller].phone_number
        target = self._agents.get(callee)
        if target is None:
            call = self._new_call("Outbound", source, callee, outside=callee)
        else:
            call = self._new_call("Internal", source, target.phone_number)
        return self._ring(call, caller, target)

    def dial_in(self, number: str, callee: str) -> Call:
        """Somebody outside calls an agent, who rings."""
        target = self._agents[callee]
        call = self._new_call("Inbound", number, target.phone_number, outside=number)
        return self._ring(call, None, target)

    def answer(self, call: Call) -> None:
        """Whoever rings picks up; whoever talks already sees a participant more."""
        waiting = [leg for leg in call.legs if not leg.is_talking]
        talking = [leg for leg in call.legs if leg.is_talking]
        for leg in waiting:
            self._move(leg, CallState.ESTABLISHED)
        for leg in talking:
            self._tell(leg, "ParticipantsUpdated")

    def hold(self, call: Call, agent: str) -> None:
        """An agent puts a call on hold; its recording state does not change."""
        self._move(call.leg_of(agent), CallState.HELD)

    def retrieve(self, call: Call, agent: str) -> None:
        """An agent takes a call back from hold."""
        self._move(call.leg_of(agent), CallState.ESTABLISHED)

    def consult(self, call: Call, agent: str, target: str) -> Call:
        """An agent holds a call and asks another agent about it, in a call of its own.

        The attached data goes along, GSIP_RECORD included.
        """
        self.hold(call, agent)
        source, other = self._agents[agent], self._agents[target]
        consult = self._new_call("Consult", source.phone_number, other.phone_number)
        consult.parent = call
        call.consultation = consult
        consult.user_data |= call.user_data
        return self._ring(consult, agent, other)

    def complete_transfer(self, consult: Call) -> None:
        """Who asked leaves both calls; who was asked goes on in the first one.

        That the second agent sees the consultation released and the first call
        established, under its own id, is an assumption: no log of it was found.
        """
        call = consult.parent
        if call is None:
            msg = "only a consultation can be made a transfer"
            raise ValueError(msg)
        asking, asked = consult.legs
        for leg in (asking, asked, call.leg_of(asking.agent.id)):
            self._leave(leg)
        self.join(call, asked.agent.id)

    def join(self, call: Call, agent: str) -> None:
        """An agent is on a call; one that was over is there again, under its id."""
        self.calls[call.id] = call
        leg = self._new_leg(call, self._agents[agent], CallState.ESTABLISHED)
        self._tell(leg, "StatusChange")
        self._tell_others(leg, "ParticipantsUpdated")

    def conference(self, call: Call, target: str) -> None:
        """Call another agent into a call in one step; `answer` makes them talk."""
        leg = self._new_leg(call, self._agents[target], CallState.RINGING)
        self._tell(leg, "StatusChange")

    def monitor(self, call: Call, agent: str, supervisor: str) -> None:
        """A supervisor listens in on an agent's leg, with a leg of their own."""
        watched = call.leg_of(agent)
        watched.supervised = True
        leg = self._new_leg(call, self._agents[supervisor], CallState.ESTABLISHED)
        leg.monitoring, leg.can_record, leg.recording = True, False, None
        self._tell(leg, "StatusChange")
        self._tell(watched, "PropertiesUpdated")

    def end_monitoring(self, call: Call) -> None:
        """Every supervisor leaves the call."""
        for leg in [leg for leg in call.legs if leg.monitoring]:
            self._leave(leg)
        for leg in [leg for leg in call.legs if leg.supervised]:
            leg.supervised = False
            self._tell(leg, "PropertiesUpdated")

    def attach(self, call: Call, user_data: dict[str, Any]) -> None:
        """Attach data to a call; every leg sees it."""
        call.user_data |= user_data
        for leg in call.legs:
            self._tell(leg, "AttachedDataChanged")

    def record(self, call: Call, agent: str, operation: RecordingOperation) -> bool:
        """Start, pause, resume or stop the recording of an agent's leg.

        The other legs keep their states; they see GSIP_RECORD change, since it is
        attached data of the call.

        Returns:
            False, and nothing happens, when the leg's state does not offer it.
        """
        return self.record_leg(call.leg_of(agent), operation)

    def record_leg(self, leg: Leg, operation: RecordingOperation) -> bool:
        """As `record`; a leg that was released offers nothing."""
        if operation not in leg.offered():
            return False
        call, now = leg.call, leg.recording or RecordingState.STOPPED
        leg.recording = RECORDING_CHANGES[now, operation]
        call.user_data["GSIP_RECORD"] = GSIP_RECORD[leg.recording]
        if not leg.was_recorded:
            leg.was_recorded = True
            call.user_data["GSIP_REC_FN"] = self._recording_name(leg)
        self._tell(leg, "CallRecordingStateChange")
        self._tell_others(leg, "AttachedDataChanged")
        return True

    def start_recording(self, call: Call, agent: str) -> bool:
        """As `record`, by somebody outside: routing, a DN option, another client."""
        return self.record(call, agent, RecordingOperation.START)

    def pause_recording(self, call: Call, agent: str) -> bool:
        """As `start_recording`."""
        return self.record(call, agent, RecordingOperation.PAUSE)

    def resume_recording(self, call: Call, agent: str) -> bool:
        """As `start_recording`."""
        return self.record(call, agent, RecordingOperation.RESUME)

    def stop_recording(self, call: Call, agent: str) -> bool:
        """As `start_recording`."""
        return self.record(call, agent, RecordingOperation.STOP)

    def hang_up(self, call: Call, agent: str | None = None) -> None:
        """An agent leaves, or None: all; nobody stays behind alone."""
        if agent is not None:
            self._leave(call.leg_of(agent))
        if agent is None or call.parties < _PARTIES_OF_A_CALL:
            for leg in list(call.legs):
                self._leave(leg)
        for leg in call.legs:
            self._tell(leg, "ParticipantsUpdated")

    def vanish(self, call: Call) -> None:
        """The call is gone and nobody is told: it never says that it ended."""
        for leg in list(call.legs):
            self._forget(leg)

    def _ring(self, call: Call, caller: str | None, callee: Agent | None) -> Call:
        legs = []
        if caller:
            legs.append(self._new_leg(call, self._agents[caller], CallState.DIALING))
        if callee:
            legs.append(self._new_leg(call, callee, CallState.RINGING))
        for leg in legs:
            self._tell(leg, "StatusChange")
        return call

    def _new_call(
        self, call_type: CallType, ani: str, dnis: str, outside: str | None = None
    ) -> Call:
        uuid, conn_id = self._numbers.next()
        call = Call(
            id=conn_id if self._id_is_conn_id else uuid,
            uuid=uuid,
            conn_id=conn_id,
            type=call_type,
            ani=ani,
            dnis=dnis,
            outside=outside,
            created_at=self._clock(),
            user_data={
                "IW_CaseUid": make_uuid(self._rng),
                "IW_BundleUid": make_uuid(self._rng),
            },
        )
        self.calls[call.id] = call
        return call

    def _new_leg(self, call: Call, agent: Agent, state: CallState) -> Leg:
        recording = self._first_recording_state if self._records else None
        leg = Leg(agent, call, state, self._records, recording)
        call.legs.append(leg)
        self._legs[agent.id].append(leg)
        return leg

    def _move(self, leg: Leg, state: CallState) -> None:
        leg.state = state
        self._tell(leg, "StatusChange")

    def _leave(self, leg: Leg) -> None:
        self._forget(leg)
        self._move(leg, CallState.RELEASED)

    def _forget(self, leg: Leg) -> None:
        leg.call.legs.remove(leg)
        self._legs[leg.agent.id].remove(leg)
        if leg.call.is_over:
            del self.calls[leg.call.id]

    def _tell(self, leg: Leg, notification_type: NotificationType) -> None:
        self.told += 1
        self.listener(leg, notification_type)

    def _tell_others(self, leg: Leg, notification_type: NotificationType) -> None:
        for other in leg.call.legs:
            if other is not leg:
                self._tell(other, notification_type)

    def _recording_name(self, leg: Leg) -> str:
        call, day = leg.call, self._clock().strftime("%Y-%m-%d_%H-%M-%S")
        numbers = f"{leg.agent.phone_number}_{call.ani}_{call.dnis}"
        return f"{call.uuid}_{numbers}_{day}_sim-voicevm__%3Ccont_center_id%3E"
