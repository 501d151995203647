"""What is known of the account's live channels, and what that claims of their legs.

Every channel is a leg. Its call is known by its interaction, which may have to be asked
for first: until then nothing is told of it. What a recording does is known only from
RECORD events, and from a stored document, which is proof that a recording has stopped.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tracker.domain.reading import Observation
from tracker.domain.terms import ALL_ACTIONS, Action, RecordingState
from tracker.providers.kazoo.channel import KNOWN, Channel, FullRead, observation
from tracker.providers.kazoo.frames import CallEvent
from tracker.providers.kazoo.normalise import call_key
from tracker.providers.kazoo.settings import KazooSettings, KazooUser
from tracker.providers.kazoo.wire import ChannelDetail

GRACE_S: Final = 5.0
"""Events and lists may overtake each other by so much."""

_ENDED_FOR_S: Final = 60.0

_WHERE_IT_RECORDS: Final[tuple[Action, ...]] = ("stop", "pause", "resume")


class Applied(NamedTuple):
    """What a full read came to.

    Attributes:
        calls: Keys of those that live.
        missed: Channels whose beginning or end should have been told, and was not.
    """

    observations: list[Observation]
    calls: tuple[str, ...]
    missed: int


class Board:
    """All live channels of an account.

    Attributes:
        channels: By uuid.
        records: Starts and stops of recordings are told.

    Args:
        settings: Of the account.
        users: Those whose team or expectation is known.
    """

    def __init__(self, settings: KazooSettings, users: Mapping[str, KazooUser]) -> None:
        self.channels: dict[str, Channel] = {}
        self._settings = settings
        self._users = users
        self.records = self._pauses = False
        self._calls: dict[str, list[Channel]] = {}
        self._ended: dict[str, float] = {}

    def begin(self, *, records: bool, pauses: bool) -> None:
        """Nothing was seen for a while.

        Args:
            records: From now on starts and stops of recordings are told.
            pauses: And pauses.
        """
        self.records, self._pauses = records, pauses
        for channel in self.channels.values():
            channel.claim, channel.until_s = "unknown", math.inf
            channel.is_told = True

    def needs_detail(self, channel: ChannelDetail) -> bool:
        """Whether a channel's call is known neither from a list nor from before."""
        known = self.channels.get(channel.uuid)
        return channel.interaction_id is None and (known is None or known.key is None)

    def apply(
        self, read: FullRead, now_s: float, *, first: bool, everything: bool
    ) -> Applied:
        """Bring the channels up to a full read.

        Args:
            read: Of all channels.
            now_s: The loop's time.
            first: Since events are told, if they are: it shows what none told of.
            everything: Is to be told, not only what has changed.
        """
        age_s, shown, missed = now_s - read.began_s, set[str](), 0
        for listed in read.listed:
            ended_s = self._ended.get(listed.uuid, -math.inf)
            detail = read.details.get(listed.uuid, listed)
            if detail is None or ended_s >= read.began_s - GRACE_S:
                continue
            channel = self._channel(listed.uuid, now_s, claim="unknown", told=first)
            is_late = not channel.is_told and channel.first_s < read.began_s - GRACE_S
            missed += is_late
            self._learn(channel, listed)
            self._learn(channel, detail)
            self._identify(channel)
            shown.add(channel.uuid)
        gone = []
        for channel in list(self.channels.values()):
            if channel.uuid in shown or read.garbled:
                channel.absent_s = math.inf
            elif first or channel.absent_s + GRACE_S <= read.began_s:
                missed += 1
                gone += self._end(channel, exact=False)
            elif channel.first_s < read.began_s - GRACE_S:
                channel.absent_s = min(channel.absent_s, now_s)
        told = self._claims(self.channels.values(), age_s, everything=everything)
        keys = tuple(sorted(self._calls))
        return Applied([*gone, *told], keys, 0 if first else missed)

    def event(self, event: CallEvent, now_s: float) -> list[Observation]:
        """Bring a channel up to an event; what it claims then, if its call is known."""
        if event.name == "CHANNEL_DESTROY":
            self._remember_end(event.call_id, now_s)
            known = self.channels.get(event.call_id)
            return self._end(known, exact=True) if known else []
        if event.call_id in self._ended:
            return []
        is_new = event.name == "CHANNEL_CREATE" and self.records
        channel = self._channel(
            event.call_id, now_s, claim=None if is_new else "unknown", told=True
        )
        channel.is_told = True
        channel.is_answered |= event.name in ("CHANNEL_ANSWER", "CHANNEL_BRIDGE")
        channel.direction = event.direction or channel.direction
        channel.owner_id = event.owner_id or channel.owner_id
        channel.interaction_id = event.interaction_id or channel.interaction_id
        channel.caller = event.caller_number or channel.caller
        channel.called = event.called_number or channel.called
        if event.name.startswith("RECORD_"):
            channel.recorded(event.name, now_s, self._settings.time_limit_s)
        if channel.interaction_id is not None:
            self._identify(channel)
        return self._told_of(channel, exact=True)

    def identified(self, uuid: str, detail: ChannelDetail | None) -> list[Observation]:
        """A channel's detail was read; None = it had ended by then.

        Of a call that events have told meanwhile, they tell the end too.
        """
        channel = self.channels.get(uuid)
        if channel is None:
            return []
        if detail is None:
            if channel.key is None:
                del self.channels[uuid]
            return []
        self._learn(channel, detail)
        self._identify(channel)
        return self._told_of(channel, exact=False)

    def stored(self, uuid: str | None, age_s: float) -> list[Observation]:
        """A recording of a channel was stored, so it had stopped; what now, is open.

        Where RECORD events are told, they have told it already.

        Args:
            uuid: The channel's, where the document tells it.
            age_s: Since its end, by clocks that may differ by `GRACE_S`.
        """
        channel = self.channels.get(uuid or "")
        if self.records or channel is None or channel.key is None:
            return []
        stopped = self._observation(channel, exact=True)
        channel.told = self._observation(channel, exact=False)
        age_s = max(0.0, age_s - GRACE_S)
        stopped = stopped.but(recording="stopped", no_proof=False, age_s=age_s)
        return [stopped, channel.told]

    def expire(self, now_s: float) -> list[Observation]:
        """Recordings that may have reached their limit are no longer believed in."""
        late = [it for it in self.channels.values() if it.until_s <= now_s]
        for channel in late:
            channel.claim, channel.until_s = "unknown", math.inf
        return self._claims(late, 0.0, everything=True)

    @property
    def expires_at_s(self) -> float:
        """When the next one does."""
        return min((it.until_s for it in self.channels.values()), default=math.inf)

    @property
    def doubted_at_s(self) -> float:
        """When a full read ends what the last one lacked, unless its end is told."""
        absent_s = (it.absent_s for it in self.channels.values())
        return min(absent_s, default=math.inf) + GRACE_S

    def limit(self, uuid: str, limit_s: float | None) -> None:
        """A recording that a command starts goes on for so long."""
        if uuid in self.channels:
            self.channels[uuid].limit_s = limit_s

    def doubt(self, uuid: str) -> bool:
        """A recording was asked to pause or go on; True = that will not be told."""
        channel = self.channels.get(uuid)
        if channel is None or self._pauses or channel.claim not in KNOWN:
            return False
        channel.claim, channel.until_s = "unknown", math.inf
        return True

    def is_masked(self, uuid: str) -> bool:
        """A channel's recording is paused, and that by a mask."""
        return uuid in self.channels and self.channels[uuid].is_masked

    def _channel(
        self, uuid: str, now_s: float, *, claim: RecordingState | None, told: bool
    ) -> Channel:
        if uuid not in self.channels:
            self.channels[uuid] = Channel(uuid, now_s, claim=claim, is_told=told)
        return self.channels[uuid]

    def _learn(self, channel: Channel, detail: ChannelDetail) -> None:
        channel.direction = detail.direction or channel.direction
        channel.owner_id = detail.owner_id or channel.owner_id
        channel.interaction_id = detail.interaction_id or channel.interaction_id
        channel.caller = detail.caller_number or channel.caller
        channel.called = detail.called_number or channel.called
        channel.is_answered |= bool(detail.answered)
        if detail.is_on_hold is not None:
            channel.is_held = detail.is_on_hold

    def _identify(self, channel: Channel) -> None:
        """Give it its call, once and for all."""
        if channel.key is None:
            channel.key = call_key(self._settings, channel.interaction_id, channel.uuid)
            self._calls.setdefault(channel.key, []).append(channel)

    def _remember_end(self, uuid: str, now_s: float) -> None:
        """So that a list that was asked for about then does not bring it back."""
        self._ended[uuid] = now_s
        while (oldest := next(iter(self._ended))) != uuid:
            if self._ended[oldest] > now_s - _ENDED_FOR_S:
                return
            del self._ended[oldest]

    def _end(self, channel: Channel, *, exact: bool) -> list[Observation]:
        del self.channels[channel.uuid]
        if channel.key is None:
            return []
        self._calls[channel.key].remove(channel)
        beside = self._changed_beside(channel)
        if not self._calls[channel.key]:
            del self._calls[channel.key]
        if channel.told is None:
            return beside
        ended = channel.told.but(state="ended", recording=None, exact=exact, age_s=0.0)
        return [ended, *beside]

    def _told_of(self, channel: Channel, *, exact: bool) -> list[Observation]:
        """What it claims, and what that changes of its call's other channels."""
        if channel.key is None:
            return []
        channel.told = self._observation(channel, exact=exact)
        return [channel.told, *self._changed_beside(channel)]

    def _changed_beside(self, channel: Channel) -> list[Observation]:
        beside = (it for it in self._of_call(channel.key) if it is not channel)
        return self._claims(beside, 0.0, everything=False)

    def _claims(
        self, channels: Iterable[Channel], age_s: float, *, everything: bool
    ) -> list[Observation]:
        """What was found by looking; only what differs, or *everything*."""
        claims: list[Observation] = []
        for channel in channels:
            if channel.key is None:
                continue
            now = self._observation(channel, exact=False)
            same = channel.told and channel.told.but(exact=False) == now
            if everything or not same:
                channel.told = now
                claims.append(now.but(age_s=age_s))
        return claims

    def _observation(self, channel: Channel, *, exact: bool) -> Observation:
        user = self._users.get(channel.owner_id or "")
        seen = observation(channel, self._settings, user)
        return seen.but(exact=exact, actions=self._actions(channel))

    def _actions(self, channel: Channel) -> tuple[Action, ...]:
        """A recording is started on a user's channel, or where one is known to be.

        It may be under way on any channel, so all are asked to pause or stop theirs:
        where there is none, nothing happens.
        """
        if channel.owner_id is not None or channel.claim in KNOWN:
            return ALL_ACTIONS
        of_call = self._of_call(channel.key)
        has_users = any(it.owner_id is not None for it in of_call)
        if not has_users and of_call[0] is channel:
            return ALL_ACTIONS
        return _WHERE_IT_RECORDS

    def _of_call(self, key: str | None) -> list[Channel]:
        return self._calls.get(key or "", [])
