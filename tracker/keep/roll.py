"""A partition's calls, and how they are found: by key, by source, by what is due.

Pure: what is to be written goes into the draft that the caller brings.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from tracker.domain.call import Call, Interval, Tomb
from tracker.domain.changes import Changes, Policy
from tracker.domain.decide import next_due
from tracker.domain.describe import snapshot_json
from tracker.domain.entry import Entry, Fact, Order, Outgoing
from tracker.domain.event import PREFIX
from tracker.domain.view import View, view_of
from tracker.keep.clock import Clock
from tracker.keep.draft import Draft


class Roll:
    """The calls that are kept.

    Attributes:
        calls: By key: the live ones, and the ended ones of the last hour.
        timelines: Their closed intervals, without those of lives that were forgotten.
        tombs: What is left of calls that are not known, as far as it was looked up.
        stages: How many commands reached which one, by account: for metrics.
    """

    def __init__(self, policy: Policy) -> None:
        self.calls: dict[str, Call] = {}
        self.timelines: dict[str, tuple[Interval, ...]] = {}
        self.tombs: dict[str, Tomb] = {}
        self.stages: Counter[tuple[str, str]] = Counter()
        self._policy = policy
        self._views: dict[str, View] = {}
        self._by_source: dict[str, set[str]] = {}
        self._clock = Clock()

    def restore(self, call: Call, timeline: tuple[Interval, ...]) -> None:
        """Take a stored call in, at load, with all of its stored intervals."""
        self.timelines[call.key] = timeline[call.forgotten :]
        self._index(None, call, view_of(call, self._policy.end_grace_s))

    def seen_by(self, source: str) -> frozenset[str] | set[str]:
        """Keys of the calls that *source* has a live leg of."""
        return self._by_source.get(source, frozenset())

    def is_part_told(self, key: str, source: str, token: int) -> bool:
        """The owner of *token* told of some of the source's legs, and not of others."""
        legs = (leg for leg in self.calls[key].live_legs if leg.source == source)
        return len({leg.token < token for leg in legs}) > 1

    def due(self, at: datetime) -> Iterator[Call]:
        """The calls on which time alone has something to do by *at*."""
        for key in self._clock.ring(at):
            yield self.calls[key]

    def wind(self, key: str) -> None:
        """Have a call due again when time alone changes it next."""
        self._clock.set(key, next_due(self.calls[key], self._policy))

    def keep(
        self, changes: Changes[Call], after: Call, at: datetime, draft: Draft
    ) -> None:
        """Put a decided call in the place of what it was, and tell what changed."""
        key = after.key
        before = self.calls.get(key)
        old, new = self._views.get(key), view_of(after, self._policy.end_grace_s)
        if changes.changes:
            facts = tuple(
                Fact(type=PREFIX + c.type, at=c.at, change=c.detail)
                for c in changes.changes
            )
            entry = Entry(
                entity="call",
                key=key,
                version=after.version,
                facts=facts,
                before=old,
                after=new,
                recorded_at=at,
            )
            draft.outgoing.append(Outgoing(entry, snapshot_json(after, at)))
        draft.calls[key] = after
        self._order(before, after, new, draft)
        if changes.intervals:
            draft.intervals.setdefault(key, []).extend(changes.intervals)
        if before is None or before.ended_at != after.ended_at:
            draft.ended[key] = after.ended_at is not None
        self.tombs.pop(key, None)
        self.timelines[key] = self.timelines.get(key, ()) + changes.intervals
        self._index(before, after, new)

    def forget(self, call: Call, at: datetime, draft: Draft) -> None:
        """Keep only what is left of a call that has been over for long."""
        key = call.key
        draft.calls[key] = None
        draft.tombs[key] = (call.version, call.ended_at or at)
        intervals = call.forgotten + len(self.timelines.pop(key))
        self.tombs[key] = Tomb(call.version, call.media, intervals)
        entry = Entry(
            entity="call",
            key=key,
            version=call.version,
            before=self._views.pop(key),
            recorded_at=at,
        )
        draft.outgoing.append(Outgoing(entry))
        del self.calls[key]

    def _order(
        self, before: Call | None, after: Call, view: View, draft: Draft
    ) -> None:
        """Tell the executors of a command's every step, and keep it for a day."""
        old, new = before.command if before else None, after.command
        if new is None or new is old or new == old:
            return
        _, commands = draft.commands.get(after.key, (view, {}))
        draft.commands[after.key] = view, commands | {new.id: new}
        if old is None or old.id != new.id or old.stage != new.stage:
            self.stages[view.account, new.stage] += 1
        if new.open:
            draft.asks.append(Order(call=after.key, command=new))
        elif old is not None and old.open:
            draft.asks.append(Order(call=after.key))

    def _index(self, before: Call | None, after: Call, view: View) -> None:
        key = after.key
        self.calls[key] = after
        self._views[key] = view
        old = {leg.source for leg in before.live_legs} if before else set()
        new = {leg.source for leg in after.live_legs}
        for source in old - new:
            self._by_source[source].discard(key)
        for source in new - old:
            self._by_source.setdefault(source, set()).add(key)
        self.wind(key)
