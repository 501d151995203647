"""What people do and what becomes of it: calls, their channels, their recordings."""

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

from tracker.simulators.kazoo.metaflow import (
    MASK,
    PAUSE,
    RESUME,
    START,
    STOP,
    UNMASK,
    parameters_of,
)
from tracker.simulators.kazoo.model import Call, Channel, Delay, to_gregorian
from tracker.simulators.kazoo.options import KazooOptions
from tracker.simulators.kazoo.recorder import Later, Recorder

_MOST_ENDED = 1_000


class Switch:
    """Calls and their channels.

    Attributes:
        users: Everybody's id.
        calls: By interaction id; of those that ended, the newest 1,000.
        channels: By id, the live ones.
        recorder: What is done to their recordings.
        listener: Told of everything in a channel's life, by the event's name.
        news: Called after everything that happened here.

    Args:
        options: What kind of server it is.
        clock: Unix seconds.
        later: How accepted metaflows wait for their time.
        recorder: Does what they ask for.
    """

    def __init__(
        self,
        options: KazooOptions,
        clock: Callable[[], float],
        later: Later,
        recorder: Recorder,
    ) -> None:
        self._ids = random.Random(options.seed)  # noqa: S311 guards nothing
        self.users = tuple(self._make_id() for _ in range(options.users))
        self.calls: dict[str, Call] = {}
        self.channels: dict[str, Channel] = {}
        self.recorder = recorder
        self.listener: Callable[[Channel, str], None] = lambda _channel, _name: None
        self.news: Callable[[], None] = lambda: None
        self._options = options
        self._clock = clock
        self._later = later
        self._ended: deque[str] = deque()
        self._delays: deque[Delay] = deque()

    def begin_call(
        self,
        user_id: str,
        other: str = "15550100",
        *,
        direction: Literal["inbound", "outbound"] = "inbound",
        call_id: str | None = None,
        metaflows: bool | None = None,
    ) -> Call:
        """A call of a user begins to ring: two channels of one interaction.

        The first is the one who calls, and the switch's inbound leg either way.

        Args:
            user_id: Whose device rings or calls.
            other: The number outside.
            direction: Of the call: inbound rings at the user.
            call_id: Of the first channel; None: any.
            metaflows: Whether its channels listen to them; None: as the options say.

        Raises:
            ValueError: There is no such user, or there is such a channel.
        """
        self._require_user(user_id)
        if call_id in self.channels:
            message = f"there is a channel {call_id}"
            raise ValueError(message)
        comes_in = direction == "inbound"
        numbers = other, self._options.phone_number
        first, second = (None, user_id) if comes_in else (user_id, None)
        call = Call(self._make_interaction_id())
        self.calls[call.interaction_id] = call
        kept = self._options.has_metaflows if metaflows is None else metaflows
        make = partial(self._make_channel, call, numbers if comes_in else numbers[::-1])
        caller = make(first, call_id, metaflows=kept)
        called = make(second, None, metaflows=kept)
        caller.other_leg, called.other_leg = called.id, caller.id
        self._tell(call.channels, "CHANNEL_CREATE")
        return call

    def answer(self, call: Call) -> None:
        """Whoever is called picks up: all of its channels are answered and bridged."""
        ringing = [it for it in call.live if it.answered_at_s is None]
        if not ringing:
            raise ValueError("nothing rings")
        for channel in reversed(ringing):
            channel.answered_at_s = self._clock()
            self._tell([channel], "CHANNEL_ANSWER")
        self._bridge(ringing[0])

    def hold(self, channel: Channel) -> None:
        """Put a channel on hold; no event tells of it."""
        self._hold(channel, on=True)

    def unhold(self, channel: Channel) -> None:
        """Take it back."""
        self._hold(channel, on=False)

    def transfer(self, call: Call, user_id: str) -> Channel:
        """The user's channel gives way to another user's, of the same interaction.

        A recording of the channel that stays goes on, if it was to follow.
        """
        self._require_user(user_id)
        leaving = next((it for it in call.live if it.owner_id is not None), None)
        staying = next((it for it in call.live if it is not leaving), None)
        if leaving is None or staying is None or staying.answered_at_s is None:
            raise ValueError("there is nobody to transfer")
        numbers = staying.from_number, staying.to_number
        taking = self._make_channel(
            call, numbers, user_id, None, metaflows=staying.has_metaflows
        )
        self._end_channel(leaving, "NORMAL_CLEARING")
        recording = staying.recording
        if recording and not recording.parameters["should_follow_transfer"]:
            self.recorder.stop(staying)
        staying.other_leg, taking.other_leg = taking.id, staying.id
        self._tell([taking], "CHANNEL_CREATE")
        taking.answered_at_s = self._clock()
        self._tell([taking], "CHANNEL_ANSWER")
        self._bridge(staying)
        return taking

    def record(self, channel: Channel, **parameters: object) -> None:
        """The server records a channel by itself, as a callflow may tell it to."""
        self._require_live(channel)
        self._do(channel, {**parameters, "action": START}, "inbound from callflow")

    def stop(self, channel: Channel) -> None:
        """Somebody stops a recording without asking the API."""
        self._do(channel, {"action": STOP})

    def mask(self, channel: Channel) -> None:
        """Likewise: what is said is recorded as silence."""
        self._do(channel, {"action": MASK})

    def unmask(self, channel: Channel) -> None:
        """And no longer."""
        self._do(channel, {"action": UNMASK})

    def pause(self, channel: Channel) -> None:
        """Somebody pauses a recording without asking the API."""
        self._do(channel, {"action": PAUSE})

    def resume(self, channel: Channel) -> None:
        """And resumes it."""
        self._do(channel, {"action": RESUME})

    def end(self, call: Call, hangup_cause: str = "NORMAL_CLEARING") -> None:
        """Everybody hangs up."""
        if call.is_over:
            raise ValueError("the call has ended")
        for channel in reversed(call.live):
            self._end_channel(channel, hangup_cause)
        self._ended.append(call.interaction_id)
        if len(self._ended) > _MOST_ENDED:
            self.calls.pop(self._ended.popleft(), None)
        self.news()

    def next_delay(self, delay: Delay) -> None:
        """Say how long the next accepted metaflow takes; more queue up."""
        self._delays.append(delay)

    def accept(
        self, channel: Channel, parameters: Mapping[str, Any], *, never: bool = False
    ) -> None:
        """Let a metaflow take effect when its time has come, if it ever does."""
        delay = (
            self._delays.popleft() if self._delays else self._options.control_delay_s
        )
        if never or delay == "never" or not channel.has_metaflows:
            return

        def take_effect() -> None:
            self.recorder.control(channel, parameters, "metaflow")
            self.news()

        self._later(delay, take_effect)

    def channels_of(self, user_id: str) -> Iterator[Channel]:
        """The live channels of a user's devices."""
        return (it for it in self.channels.values() if it.owner_id == user_id)

    def is_busy(self, user_id: str) -> bool:
        """Whether a user has a live channel."""
        return any(self.channels_of(user_id))

    def _do(
        self, channel: Channel, asked: Mapping[str, Any], origin: str = "somebody"
    ) -> None:
        self.recorder.control(channel, parameters_of({"data": asked}), origin)
        self.news()

    def _bridge(self, channel: Channel) -> None:
        """Let a channel and its other leg hear each other."""
        other = self.channels.get(channel.other_leg or "")
        for each in filter(None, (channel, other)):
            each.bridged_at_s = self._clock()
        self._tell([channel], "CHANNEL_BRIDGE")
        for each in filter(None, (channel, other)):
            self.recorder.notice(each)
        self.news()

    def _hold(self, channel: Channel, *, on: bool) -> None:
        self._require_live(channel)
        channel.is_on_hold = on
        self.news()

    def _end_channel(self, channel: Channel, hangup_cause: str) -> None:
        self.recorder.stop(channel)
        channel.hangup_cause = hangup_cause
        del self.channels[channel.id]
        self.listener(channel, "CHANNEL_DESTROY")

    def _make_channel(
        self,
        call: Call,
        numbers: tuple[str, str],
        owner_id: str | None,
        channel_id: str | None,
        *,
        metaflows: bool,
    ) -> Channel:
        channel = Channel(
            id=channel_id or f"{self._make_id()[:16]}@127.0.0.1",
            interaction_id=call.interaction_id,
            direction="outbound" if call.channels else "inbound",
            from_number=numbers[0],
            to_number=numbers[1],
            owner_id=owner_id,
            began_at_s=self._clock(),
            has_metaflows=metaflows,
        )
        call.channels.append(channel)
        self.channels[channel.id] = channel
        return channel

    def _tell(self, channels: list[Channel], name: str) -> None:
        for channel in channels:
            self.listener(channel, name)
            self.recorder.notice(channel)
        self.news()

    def _make_id(self) -> str:
        return f"{self._ids.getrandbits(128):032x}"

    def _make_interaction_id(self) -> str:
        return f"{to_gregorian(self._clock())}-{self._make_id()[:8]}"

    def _require_user(self, user_id: str) -> None:
        if user_id not in self.users:
            message = f"there is no user {user_id}"
            raise ValueError(message)

    def _require_live(self, channel: Channel) -> None:
        if channel.is_over:
            raise ValueError("the channel has ended")
