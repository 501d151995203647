"""What is to be read, and when: no I/O, the time is told.

A round is complete when everything has been read well by a read that began in it.
"""

import math
from collections.abc import Collection, Iterator
from typing import Final

from tracker.domain.reading import Observation
from tracker.providers.backoff import backoff_s
from tracker.providers.vonage_cc.budget import Kind

GIVEN_UP_AFTER: Final = 5
"""Failures in a row of one call or agent, which then no longer hold a round up."""

_LONGEST_PAUSE_S: Final = 30.0

SELDOM_S: Final = 600.0
"""From read to read, at most, of a call of which nothing is known but its GUID."""

KNOWN_FOR_S: Final = 24 * 3600.0
"""So long a platform knows a call."""


class Item:
    """Something to read.

    Attributes:
        due_at_s: When it is to be read next.
        look_at_s: When a command wants it read; None = none does.
        began_at_s: When its last read began, well or not.
        read_at_s: When its last good read began.
        failures: Of reads, in a row.
        failed_at_s: When the last of them ended.
        failing_since_s: When the first did.
        is_reading: It is being read, and not to be read twice at once.
    """

    def __init__(self, now_s: float, interval_s: float) -> None:
        self.interval_s = interval_s
        self.due_at_s = now_s
        self.look_at_s: float | None = None
        self.began_at_s = self.read_at_s = -math.inf
        self.failed_at_s = self.failing_since_s = -math.inf
        self.failures = 0
        self.is_reading = False
        self._was_look = False

    def at(self, kind: Kind) -> float:
        """When it may be read, for that reason; infinity = not."""
        if self.is_reading:
            return math.inf
        if kind is Kind.LOOK:
            return math.inf if self.look_at_s is None else self.look_at_s
        return self.due_at_s

    def begin(self, now_s: float) -> None:
        """Its read begins; a look that was asked for is this one."""
        self._was_look = self.look_at_s is not None
        self.look_at_s = None
        self.is_reading = True
        self.began_at_s = now_s
        self.due_at_s = now_s + self.interval_s

    def went_well(self) -> None:
        """The read was answered."""
        self.failures = 0
        self.read_at_s = self.began_at_s

    def failed(self, now_s: float, luck: float) -> None:
        """It was not: again after a while."""
        self.failures += 1
        self.failed_at_s = now_s
        if self.failures == 1:
            self.failing_since_s = now_s
        pause_s = backoff_s(self.failures, luck, cap_s=self.longest_pause_s)
        self.due_at_s = now_s + pause_s
        is_wanted = self._was_look and not self.is_given_up
        if is_wanted and self.look_at_s is None:
            self.look_at_s = self.due_at_s

    @property
    def longest_pause_s(self) -> float:
        """From a failure to the next read."""
        return _LONGEST_PAUSE_S

    @property
    def is_given_up(self) -> bool:
        """It has failed so often that nobody waits for it."""
        return self.failures >= GIVEN_UP_AFTER

    def fails_alone(self, answered_at_s: float | None) -> bool:
        """Its next failure says nothing of the platform.

        Args:
            answered_at_s: When something was last answered well; None = never.
        """
        answered = answered_at_s is not None and answered_at_s > self.failed_at_s
        return self.failures > 0 and answered


class CallItem(Item):
    """A call that is live, as far as is known.

    Attributes:
        led_by: The id of the agent through whom it was found.
        is_followed: Somebody wants to know of it, also when it is over.
        shown: The last claim about it.
        is_doubted: It was said that the last claim is too old.
    """

    def __init__(self, guid: str, now_s: float, interval_s: float) -> None:
        super().__init__(now_s, interval_s)
        self.guid = guid
        self.led_by: str | None = None
        self.is_followed = self.is_doubted = False
        self.shown: Observation | None = None

    @property
    def is_known(self) -> bool:
        """It was shown, or an agent had it."""
        return self.shown is not None or self.led_by is not None

    @property
    def longest_pause_s(self) -> float:
        """Longer, where it may be no call at all."""
        return super().longest_pause_s if self.is_known else SELDOM_S

    def is_lost(self, now_s: float) -> bool:
        """It could not be read for a day, and nothing else is known of it."""
        is_old = now_s - self.failing_since_s >= KNOWN_FOR_S
        return self.is_given_up and not self.is_known and is_old


class AgentItem(Item):
    """An agent who is followed.

    Attributes:
        current: GUID of the call last named as current, or previous.
        over: GUID of that call, once it is known to be over.
        is_absent: The platform knows no such agent.
    """

    def __init__(self, agent: str, now_s: float, interval_s: float) -> None:
        super().__init__(now_s, interval_s)
        self.id = agent
        self.current: str | None = None
        self.over: str | None = None
        self.is_absent = False


class Rota:
    """Everything that one account's poller reads.

    Args:
        poll_s: From read to read of a call, and of nothing.
        agents_s: Of an agent.
    """

    def __init__(self, poll_s: float, agents_s: float) -> None:
        self._poll_s, self._agents_s = poll_s, agents_s
        self._round_at_s = -math.inf
        self._is_calls_turn = False
        self._probe = Item(-math.inf, poll_s)
        self.calls: dict[str, CallItem] = {}
        self.agents: dict[str, AgentItem] = {}

    def follow(self, guid: str) -> CallItem:
        """Read this call too, from now on until it ends; if it is given up, at once."""
        call = self.calls.get(guid) or self._add(guid)
        if call.is_given_up:
            call.due_at_s = -math.inf
        call.is_followed = True
        return call

    def look(self, guid: str, now_s: float) -> None:
        """Read it soon, by a read that begins from now on."""
        call = self.follow(guid)
        if call.look_at_s is None:
            call.look_at_s = now_s

    def set_agents(self, agents: Collection[str], now_s: float) -> None:
        """Follow these, and no others; their calls stay."""
        self.agents = {
            agent: self.agents.get(agent) or AgentItem(agent, now_s, self._agents_s)
            for agent in agents
        }

    def found(self, agent: AgentItem, guid: str | None) -> None:
        """An agent's current or previous call is this one."""
        agent.current = guid
        if guid is None or guid == agent.over:
            return
        call = self.calls.get(guid) or self._add(guid)
        leader = self.agents.get(call.led_by or "")
        if leader is None or leader.current != guid:
            call.led_by = agent.id

    def ended(self, call: CallItem) -> None:
        """It is not to be read again, whoever had it last."""
        self.calls.pop(call.guid, None)
        for agent in self.agents.values():
            if agent.current == call.guid:
                agent.over = call.guid

    def forget_lost(self, item: Item, now_s: float) -> None:
        """Read a lost call no more.

        Not sooner: it may have been live before this process began, and the next
        checkpoint ends what is not followed.
        """
        if isinstance(item, CallItem) and item.is_lost(now_s):
            self.calls.pop(item.guid, None)

    def begin_round(self, now_s: float) -> None:
        """Have everything read again, now."""
        for item in self._items():
            item.due_at_s = now_s
        self._round_at_s = now_s

    def complete_round(self, now_s: float) -> float | None:
        """Begin the next round, if this one is complete.

        Returns:
            When the one that is now complete began; None = it is not complete.
        """
        began_at_s = self._round_at_s
        unread = [i for i in self._items() if i.read_at_s < began_at_s]
        given_up = [item for item in unread if item.is_given_up]
        nothing = len(unread) == sum(1 for _ in self._items())
        if nothing or len(given_up) < len(unread):
            return None
        self._round_at_s = now_s
        return began_at_s

    def next_at(self, kind: Kind) -> float:
        """When there is something to read, for that reason; infinity = never."""
        return min((item.at(kind) for item in self._items()), default=math.inf)

    def next_item(self, kind: Kind, now_s: float) -> Item | None:
        """What has waited longest of what is due; calls take turns with the rest."""
        due = [item for item in self._items() if item.at(kind) <= now_s]
        calls = [item for item in due if isinstance(item, CallItem)]
        others = [item for item in due if not isinstance(item, CallItem)]
        self._is_calls_turn = not others or (bool(calls) and not self._is_calls_turn)
        turn = calls if self._is_calls_turn else others
        return min(turn, key=lambda item: item.at(kind), default=None)

    def doubtful(self, before_s: float) -> list[CallItem]:
        """Calls that were last read before that, and of which it was not yet said."""
        return [
            call
            for call in self.calls.values()
            if call.shown and not call.is_doubted and call.read_at_s <= before_s
        ]

    def oldest_at_s(self) -> float:
        """When the longest unread of the calls that are believed was read."""
        believed = (c for c in self.calls.values() if c.shown and not c.is_doubted)
        return min((call.read_at_s for call in believed), default=math.inf)

    def _add(self, guid: str) -> CallItem:
        """A call that is new goes before those that are only to be read again."""
        call = self.calls[guid] = CallItem(guid, -math.inf, self._poll_s)
        return call

    def _items(self) -> Iterator[Item]:
        """All there is; and a probe, where the rest is asked for too seldom."""
        yield from self.calls.values()
        yield from self.agents.values()
        enough = self.agents and self._agents_s <= 2 * self._poll_s
        if not enough and all(call.is_given_up for call in self.calls.values()):
            yield self._probe
