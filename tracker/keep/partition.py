"""One partition in memory: inputs folded in, and the writes that they lead to.

Pure: given the same state and the same inbox entries it makes the same bytes. The
keeper loads it, feeds it, and commits its drafts.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from tracker.domain.base import earlier
from tracker.domain.call import Call, Interval
from tracker.domain.changes import Answer, Policy
from tracker.domain.command import Outcome, Request, Sent
from tracker.domain.decide import NO_TOMB, CallInput, decide
from tracker.domain.endpoint import Disabled
from tracker.domain.entry import (
    Entry,
    Fact,
    Follow,
    Outgoing,
    Reply,
    Watermark,
)
from tracker.domain.event import PREFIX
from tracker.domain.reading import (
    Alive,
    Blind,
    Checkpoint,
    Exported,
    Media,
    Observation,
    Polled,
    Release,
    Saved,
    SourceReport,
    Tick,
    Told,
    Unreadable,
)
from tracker.domain.view import View
from tracker.domain.watch import Unwatch, Watch
from tracker.keep.draft import Draft
from tracker.keep.feeds import Feeds
from tracker.keep.health import Health
from tracker.keep.recordings import Recordings
from tracker.keep.roll import Roll
from tracker.keep.watches import Watches
from tracker.store.codec import Input, dump_packet

ALIVE_FOR_S = 10.0
"""A process that is silent for so long has its sources blinded; one that has not read
all of a source for so long, what was told before it."""

JUST_READ_S = 2.0
"""A full read this young overtook the sign of life that calls its source overdue; if it
is, the next one says so again."""

WATERMARK_EVERY_S = 2.0


class Partition:
    """The state that one keeper folds inputs into.

    Attributes:
        offset: The inbox id of the last entry folded.
        calls, timelines, tombs, stages: Of the `Roll`.
        counts: Stale, repeated, gaps, aside: for metrics.
    """

    def __init__(self, number: int, partitions: int, policy: Policy) -> None:
        self.offset = "0-0"
        self._roll = roll = Roll(policy)
        self.calls, self.timelines = roll.calls, roll.timelines
        self.tombs, self.stages = roll.tombs, roll.stages
        self.feeds = Feeds()
        self.health = Health(number, partitions)
        self.watches = Watches()
        self.recordings = Recordings()
        self.draft = Draft()
        self.counts: Counter[str] = Counter()
        self._policy = policy
        self._watermark_at: datetime | None = None

    def restore(self, call: Call, timeline: tuple[Interval, ...]) -> None:
        """Take a stored call in, at load, with all of its stored intervals."""
        self._roll.restore(call, timeline)

    def unknown_calls(self, inputs: Iterable[Input]) -> set[str]:
        """Keys whose tombs must be looked up before *inputs* are folded."""
        readings = (t.reading if isinstance(t, Told) else t for t in inputs)
        keys = {one.call for one in readings if isinstance(one, Observation | Media)}
        return {k for k in keys if k not in self.calls and k not in self.tombs}

    def unknown_media(self, inputs: Iterable[Input]) -> set[str]:
        """Keys of stored recordings that must be looked up, likewise."""
        readings = (t.reading if isinstance(t, Told) else t for t in inputs)
        keys = {one.media.key for one in readings if isinstance(one, Saved)}
        return keys - self.recordings.known.keys()

    def fold(self, offset: str, at: datetime, inputs: Iterable[Input]) -> None:
        """Fold one inbox entry in; its writes are added to the draft."""
        for told in inputs:
            try:
                self._one(told, at)
            except Exception as error:  # noqa: BLE001 - a poisonous input is put aside
                self._set_aside(dump_packet([told]), type(error).__name__)
        self.draft.outgoing += self.health.settle(at)
        self.offset = offset

    def blind_everything(self, at: datetime) -> None:
        """Inputs may have been lost: every source must read everything again."""
        self.draft.lost_at = at
        for source in self.feeds.told_of():
            self._blind(source, at, at, "its inputs were lost")
            self.draft.asks.append(self.feeds.resync(source))
        self.draft.outgoing += self.health.settle(at)

    def take_draft(self) -> Draft:
        """The draft so far; a new one begins, and tombs are to be looked up anew."""
        draft, self.draft = self.draft, Draft()
        self.tombs.clear()
        self.recordings.known.clear()
        return draft

    def _one(self, told: Input, at: datetime) -> None:
        match told:
            case Told():
                self._told(told, at)
            case Alive():
                self._alive(told, at)
            case Tick():
                self._tick(at)
            case Sent(source=source, token=token) if self.feeds.is_stale(source, token):
                answer = Answer(told.attempt, told.command, "taken")
                self.draft.asks.append(_reply(told.call, answer))
            case Request() | Sent() | Outcome():
                self._decide(told.call, told, at)
            case Media() | Saved() | Exported():
                self._stored(told, at)
            case Watch() | Unwatch() | Disabled():
                self._from_outlet(told, at)

    def _told(self, told: Told, at: datetime) -> None:
        verdict = self.feeds.admit(told, at)
        if verdict != "next":
            self.counts[verdict] += 1
        if verdict in ("next", "gap"):
            self._reading(told, at, has_gap=verdict == "gap")

    def _reading(self, told: Told, at: datetime, *, has_gap: bool) -> None:
        source = told.stamp.source
        if has_gap:
            self._blind(source, at, at, "its inputs have a gap")
            self.draft.asks.append(self.feeds.resync(source))
        match told.reading:
            case Observation(call=key):
                self._decide(key, told, at)
                self.feeds.sees(source)
                self._seen_watched(key, at)
            case Checkpoint() as checkpoint:
                self._checkpoint(source, checkpoint, at)
                self.feeds.sees(source)
            case SourceReport() as report:
                self._report(source, report, at)
            case Polled() as polled:
                self.recordings.has_polled(source, polled.at(at))
            case Media() | Saved() | Exported() as stored:
                self._stored(stored, at)
            case Unreadable():
                self.counts["unreadable"] += 1

    def _stored(self, told: Media | Saved | Exported, at: datetime) -> None:
        if not isinstance(told, Media):
            self.recordings.take(told, at, self.draft)
            return
        tomb = self.recordings.link(told, self.tombs.get(told.call, NO_TOMB))
        if told.call in self.calls:
            self._decide(told.call, told, at)
        else:
            self.tombs[told.call] = tomb

    def _checkpoint(self, source: str, checkpoint: Checkpoint, at: datetime) -> None:
        read_at, token = checkpoint.at(at), self.feeds.feeds[source].token
        shown = frozenset(checkpoint.calls)
        for key in sorted(self._roll.seen_by(source)):
            if key not in shown:
                self._decide(key, Release(source, read_at), at)
            elif self._roll.is_part_told(key, source, token):
                self._decide(key, Release(source, read_at, token), at)
        self.health.report(source, "up", at, None)

    def _report(self, source: str, report: SourceReport, at: datetime) -> None:
        if report.retired:
            self.health.retire(source)
            self.feeds.retire(source)
        else:
            self.health.report(source, report.state, at, report.error)
        if report.retired or report.state == "locked":
            self._blind_legs(source, at, at)

    def _alive(self, alive: Alive, at: datetime) -> None:
        self.feeds.alive(alive.process, at)
        for source, token in alive.unread:
            self.feeds.take_over(source, token, alive.process, at)
        for source, token, age_s in alive.overdue:
            self.feeds.take_over(source, token, alive.process, at)
            answered_at = earlier(at, max(0.0, age_s))
            just_read = self.feeds.has_read_since(source, earlier(at, JUST_READ_S))
            if self.feeds.is_current(source, token) and not just_read:
                self._blind(source, answered_at, at, "no answer in time")

    def _blind(self, source: str, seen_at: datetime, at: datetime, why: str) -> None:
        """Turn *source* blind, back-dated to *seen_at*."""
        self.health.blind(source, seen_at, why)
        self._blind_legs(source, seen_at, at)

    def _blind_legs(self, source: str, seen_at: datetime, at: datetime) -> None:
        if self.feeds.turn_blind(source):
            for key in sorted(self._roll.seen_by(source)):
                self._decide(key, Blind(source, seen_at), at)

    def _tick(self, at: datetime) -> None:
        for source, last_at in self.feeds.silent(earlier(at, ALIVE_FOR_S)):
            self._blind(source, last_at, at, "its process is gone")
            self.draft.asks.append(self.feeds.resync(source))
        for source, token, began_at in self.feeds.unread(earlier(at, ALIVE_FOR_S)):
            for key in sorted(self._roll.seen_by(source)):
                self._decide(key, Blind(source, began_at, token), at)
        for call in self._roll.due(at):
            self._wake(call, at)
        self.watches.tick(self.calls, at)
        self.draft.asks += [Follow(call=c) for c in sorted(self.watches.to_follow())]
        marked_at = self._watermark_at
        if marked_at is None or (at - marked_at).total_seconds() >= WATERMARK_EVERY_S:
            self._watermark_at = at
            self.draft.outgoing.append(Outgoing(Watermark(handled_at=at)))

    def _wake(self, call: Call, at: datetime) -> None:
        if call.ended_at is None:
            self._decide(call.key, Tick(), at)
            self._roll.wind(call.key)
        else:
            self._roll.forget(call, at, self.draft)

    def _decide(self, key: str, told: CallInput, at: datetime) -> None:
        try:
            changes = decide(
                self.calls.get(key),
                told,
                at,
                self._policy,
                tomb=self.tombs.get(key, NO_TOMB),
                timeline=self.timelines.get(key, ()),
            )
            if changes.kept and changes.entity is not None:
                self._roll.keep(changes, changes.entity, at, self.draft)
        except Exception as error:  # noqa: BLE001 - the others are not to suffer
            self._poisoned(key, told, at, type(error).__name__)
        else:
            for answer in changes.answers:
                if isinstance(told, Sent):
                    self.draft.asks.append(_reply(key, answer))
                else:
                    self.draft.outgoing.append(Outgoing(_reply(key, answer)))

    def _from_outlet(self, told: Watch | Unwatch | Disabled, at: datetime) -> None:
        if isinstance(told, Disabled):
            self._disabled(told, at)
        else:
            self._watch(told, at)

    def _watch(self, told: Watch | Unwatch, at: datetime) -> None:
        if isinstance(told, Watch):
            self.watches.begin(told, at)
            self.draft.asks.append(Follow(call=told.call))
            if told.call in self.calls:
                self._seen_watched(told.call, at)
            problem = None
        else:
            problem = None if self.watches.drop(told.id) else "unknown_watch"
        answer = Answer(told.id, None, problem)
        self.draft.outgoing.append(Outgoing(_reply(told.call, answer)))

    def _disabled(self, told: Disabled, at: datetime) -> None:
        view = View(kind="endpoint", key=told.key, account=told.key)
        change = {"from": "enabled", "to": told.state, "why": told.why}
        fact = Fact(type=f"{PREFIX}webhook.disabled", at=told.since, change=change)
        entry = Entry(
            entity="endpoint",
            key=told.key,
            version=told.version,
            facts=(fact,),
            after=view,
            recorded_at=at,
        )
        raw = told.snapshot.model_dump_json().encode()
        self.draft.outgoing.append(Outgoing(entry, raw))

    def _seen_watched(self, key: str, at: datetime) -> None:
        for request in self.watches.seen(key, self.calls.get(key), at):
            self._decide(key, request, at)
            command = self.calls[key].command
            if command is not None and command.id == request.id:
                self.watches.commanded(request.id)

    def put_aside(self, entry: bytes) -> None:
        """Count and keep an inbox entry that could not be read at all."""
        self._set_aside(entry, "unreadable")

    def _set_aside(self, entry: bytes, error: str) -> None:
        self.counts["aside"] += 1
        self.draft.aside.append((entry, error))

    def _poisoned(self, key: str, told: CallInput, at: datetime, error: str) -> None:
        """Put *told* aside; the leg that it spoke of turns unknown."""
        if isinstance(told, Blind | Release):
            self._set_aside(f"{key} {told}".encode(), error)
        else:
            self._set_aside(dump_packet([told]), error)
        if isinstance(told, Told) and key in self.calls:
            self._decide(key, Blind(told.stamp.source, at), at)


def _reply(key: str, answer: Answer) -> Reply:
    to, command, problem = answer
    return Reply(to=to, key=key, command=command, problem=problem)
