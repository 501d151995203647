"""Recordings of live channels: started, masked, paused and stopped."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from tracker.simulators.kazoo.metaflow import (
    MASK,
    PAUSE,
    RESUME,
    START,
    STOP,
    UNMASK,
)
from tracker.simulators.kazoo.model import (
    Change,
    Channel,
    LiveRecording,
    Recorded,
    State,
)
from tracker.simulators.kazoo.options import KazooOptions
from tracker.simulators.kazoo.store import RecordingStore

Later = Callable[[float, Callable[[], object]], object]
"""Does something after so many seconds."""

Listener = Callable[[Channel, LiveRecording, str], None]
"""Told of a recording of a channel, and by which name its event goes."""

_MOST_CHANGES = 100_000

_TURNS: Mapping[str, tuple[State, State]] = {
    MASK: (State.RECORDING, State.MASKED),
    UNMASK: (State.MASKED, State.RECORDING),
    PAUSE: (State.RECORDING, State.PAUSED),
    RESUME: (State.PAUSED, State.RECORDING),
}


class Recorder:
    """Does to recordings what is asked, where it makes sense.

    Attributes:
        changes: The newest 50,000 at least, in order.
        listener: Told of everything that a RECORD event tells of.

    Args:
        options: What kind of server it is.
        clock: Unix seconds.
        later: How things wait for their time.
        store: Where recordings go.
    """

    def __init__(
        self,
        options: KazooOptions,
        clock: Callable[[], float],
        later: Later,
        store: RecordingStore,
    ) -> None:
        self.changes: list[Change] = []
        self.listener: Listener = lambda _channel, _recording, _name: None
        self._options = options
        self._clock = clock
        self._later = later
        self._store = store

    def control(
        self, channel: Channel, parameters: Mapping[str, Any], origin: str
    ) -> None:
        """Do what parameters ask for; what makes no sense now has no effect."""
        if channel.is_over or parameters["skip_module"]:
            return
        action, recording = parameters["action"], channel.recording
        if action == START:
            if recording is None:
                self._start(channel, parameters, origin)
        elif recording is None:
            return
        elif action == STOP:
            self._stop_if_able(channel, recording)
        elif recording.state is _TURNS[action][0]:
            self._turn(channel, recording, _TURNS[action][1], action.upper())

    def notice(self, channel: Channel) -> None:
        """Begin a recording that waited for the channel's answer or bridge."""
        recording = channel.recording
        if recording is None or recording.state is not State.WAITING:
            return
        wanted = recording.parameters
        if wanted["record_on_bridge"] and channel.bridged_at_s is None:
            return
        if wanted["record_on_answer"] and channel.answered_at_s is None:
            return
        self._turn(channel, recording, State.RECORDING, "START")
        expire = partial(self._reach_limit, channel, recording)
        self._later(wanted["time_limit"], expire)

    def stop(self, channel: Channel) -> None:
        """End a channel's recording, if it has one, and save what it has."""
        recording, channel.recording = channel.recording, None
        if recording is None:
            return
        waited = recording.state is State.WAITING
        before, now_s = recording.state, self._clock()
        recording.turn(State.STOPPED, now_s)
        if waited:
            return
        self._note(channel, before, State.STOPPED)
        self.listener(channel, recording, "RECORD_STOP")
        if self._is_kept(recording):
            recording.id = self._store.id_when_saved(recording.id)
            channel.media_recordings.append(recording.id)
            save = partial(self._store.add, _recorded(channel, recording))
            self._later(self._options.save_delay_s, save)

    def _start(
        self, channel: Channel, parameters: Mapping[str, Any], origin: str
    ) -> None:
        document_id = self._store.make_id(self._clock())
        label = parameters.get("label")
        channel.recording = LiveRecording(document_id, parameters, label or origin)
        self.notice(channel)

    def _stop_if_able(self, channel: Channel, recording: LiveRecording) -> None:
        is_named = "media_name" in recording.parameters
        if not (is_named and self._options.ignores_stop_of_named):
            self.stop(channel)

    def _turn(
        self, channel: Channel, recording: LiveRecording, to: State, name: str
    ) -> None:
        before = recording.state
        recording.turn(to, self._clock())
        if before is State.WAITING:
            before = State.STOPPED
        self._note(channel, before, to)
        self.listener(channel, recording, f"RECORD_{name}")

    def _reach_limit(self, channel: Channel, recording: LiveRecording) -> None:
        if channel.recording is recording:
            self.stop(channel)

    def _is_kept(self, recording: LiveRecording) -> bool:
        wanted = recording.parameters
        stored = self._options.stores_recordings or "url" in wanted
        return stored and recording.recorded_s >= wanted.get("record_min_sec", 0)

    def _note(self, channel: Channel, before: State, after: State) -> None:
        if len(self.changes) >= _MOST_CHANGES:
            del self.changes[: _MOST_CHANGES // 2]
        self.changes.append(Change(self._clock(), channel.id, before, after))


def _recorded(channel: Channel, recording: LiveRecording) -> Recorded:
    wanted = recording.parameters
    format_: Literal["mp3", "wav"] = wanted.get("format", "mp3")
    return Recorded(
        id=recording.id,
        call_id=channel.id,
        interaction_id=channel.interaction_id,
        direction=channel.direction,
        from_number=channel.from_number,
        to_number=channel.to_number,
        owner_id=channel.owner_id,
        start_at_s=recording.started_at_s,
        duration_ms=round(recording.recorded_s * 1000),
        format=format_,
        url=wanted.get("url"),
        origin=recording.origin,
        name=wanted.get("media_name"),
    )
