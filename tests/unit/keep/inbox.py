"""A partition and what enters it, in plain words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.unit.domain.life import second
from tracker.domain.call import Interval, Tomb
from tracker.domain.changes import Policy
from tracker.domain.entry import Entry, Outgoing, Reply, Resync, Watermark
from tracker.domain.media import KnownMedia
from tracker.domain.reading import (
    Alive,
    Checkpoint,
    Exported,
    Media,
    Observation,
    Overdue,
    Polled,
    Saved,
    SourceReport,
    Stamp,
    Tick,
    Told,
    Unread,
)
from tracker.domain.snapshot import CallSnapshot
from tracker.domain.terms import ALL_ACTIONS
from tracker.keep.draft import Draft
from tracker.keep.partition import Partition
from tracker.store.codec import Input, dump, dump_packet, parse_packet

JDOE = "genesys/acme/jdoe"
ASMITH = "genesys/acme/asmith"


def call_key(name: str = "01A") -> str:
    """A call's key."""
    return f"genesys/acme/{name}"


class Inbox:
    """One partition, fed entry by entry; every input goes through its bytes.

    Attributes:
        partition: The only one, so everything lies in it.
        drafts: What each entry led to.
        known: What is remembered of stored recordings.
        timelines: All intervals that were stored, by call.
        told: Types of all events so far.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.partition = Partition(0, 1, policy or Policy())
        self.drafts: list[Draft] = []
        self.told: list[str] = []
        self.raw: list[tuple[float, bytes]] = []
        self.known: dict[str, KnownMedia] = {}
        self._numbers: Counter[tuple[str, int]] = Counter()
        self.timelines: dict[str, tuple[Interval, ...]] = {}
        self._tombs: dict[str, Tomb] = {}

    def enter(self, s: float, *inputs: Input) -> list[str]:
        """One entry at second *s*; the types of its events."""
        return self.enter_raw(s, dump_packet(inputs))

    def enter_raw(self, s: float, raw: bytes) -> list[str]:
        """The same, as the store has it."""
        self.raw.append((s, raw))
        offset = f"{round(s * 1000)}-{len(self.raw)}"
        inputs = parse_packet(raw).inputs
        for key in self.partition.unknown_calls(inputs):
            closed = len(self.timelines.get(key, ()))
            tomb = self._tombs.get(key, Tomb())
            self.partition.tombs[key] = tomb._replace(intervals=closed)
        for key in self.partition.unknown_media(inputs) & self.known.keys():
            self.partition.recordings.known[key] = self.known[key]
        self.partition.fold(offset, second(s), inputs)
        draft = self.partition.take_draft()
        self._store(draft)
        self.drafts.append(draft)
        events = [fact.type for entry in entries(draft) for fact in entry.facts]
        self.told += events
        return [event.removeprefix("tracker.") for event in events]

    def restart(self) -> None:
        """A new keeper loads the calls that are kept."""
        calls, feeds = self.partition.calls, self.partition.feeds.feeds
        self.partition = Partition(0, 1, Policy())
        for call in calls.values():
            self.partition.restore(call, self.timelines.get(call.key, ()))
        self.partition.feeds.feeds |= feeds

    def _store(self, draft: Draft) -> None:
        """What a later entry may have to look up."""
        for key, intervals in draft.intervals.items():
            self.timelines[key] = (*self.timelines.get(key, ()), *intervals)
        for key, (version, _) in draft.tombs.items():
            self._tombs[key] = self._tombs.get(key, Tomb())._replace(version=version)
        links = self.partition.recordings.changed_links
        for call, changed in links.items():
            tomb = self._tombs.get(call, Tomb())
            kept = tuple(media for media in tomb.media if media not in changed)
            new = tuple(media for media, there in changed.items() if there)
            self._tombs[call] = tomb._replace(media=kept + new)
        links.clear()
        self.known |= self.partition.recordings.changed_known
        self.partition.recordings.changed_known.clear()

    def observed(
        self,
        source: str,
        state: str = "active",
        recording: str | None = None,
        **more: Any,
    ) -> Told:
        """What *source* says of its leg of a call."""
        fields: dict[str, Any] = {"call": call_key(), "agent": source.split("/")[-1]}
        fields |= {"leg_id": "leg", "actions": ALL_ACTIONS}
        fields |= {"state": state, "recording": recording}
        token = more.pop("token", 1)
        return self.stamped(source, Observation(**(fields | more)), token)

    def complete(self, source: str, *calls: str, **more: Any) -> Told:
        """*source* has read everything, and it showed *calls*."""
        token = more.pop("token", 1)
        fields: dict[str, Any] = {"calls": calls, "process": "p1"}
        return self.stamped(source, Checkpoint(**(fields | more)), token)

    def report(
        self,
        source: str,
        state: str,
        error: str | None = None,
        *,
        retired: bool = False,
    ) -> Told:
        """Its supervisor says how *source* is."""
        fields: dict[str, Any] = {"state": state, "error": error, "retired": retired}
        return self.stamped(source, SourceReport(**fields))

    def stamped(
        self,
        source: str,
        reading: Observation
        | Checkpoint
        | SourceReport
        | Media
        | Saved
        | Exported
        | Polled,
        token: int = 1,
    ) -> Told:
        """*reading* at its place in its source's story."""
        self._numbers[source, token] += 1
        number = self._numbers[source, token]
        return Told(stamp=Stamp(source, token, number), reading=reading)

    def skip(self, source: str, token: int = 1) -> None:
        """The next input of *source* is lost."""
        self._numbers[source, token] += 1

    def shown(self, name: str = "01A") -> CallSnapshot:
        """The newest published snapshot of a call."""
        for draft in reversed(self.drafts):
            for outgoing in reversed(draft.outgoing):
                header = outgoing.header
                if isinstance(header, Entry) and header.key == call_key(name):
                    return CallSnapshot.model_validate_json(outgoing.snapshot)
        raise AssertionError(name)

    def state(self, name: str = "01A") -> tuple[str, str | None]:
        """A call's recording state, and why it is unknown."""
        recording = self.partition.calls[call_key(name)].recording
        return recording.state, recording.unknown_reason

    def outgoing(self) -> list[Outgoing]:
        """Everything that left so far."""
        return [outgoing for draft in self.drafts for outgoing in draft.outgoing]

    def outbox(self) -> list[bytes]:
        """The same, as bytes."""
        return [dump(one.header) + one.snapshot for one in self.outgoing()]


def entries(draft: Draft) -> list[Entry]:
    """The entities that changed."""
    headers = (outgoing.header for outgoing in draft.outgoing)
    return [header for header in headers if isinstance(header, Entry)]


def replies(draft: Draft) -> list[Reply]:
    """What waiters are told."""
    headers = (outgoing.header for outgoing in draft.outgoing)
    return [header for header in headers if isinstance(header, Reply)]


def resyncs(draft: Draft) -> list[Resync]:
    """Which sources are to read everything again."""
    return [ask for ask in draft.asks if isinstance(ask, Resync)]


def watermarks(draft: Draft) -> list[Watermark]:
    """Up to when everything has taken effect."""
    headers = (outgoing.header for outgoing in draft.outgoing)
    return [header for header in headers if isinstance(header, Watermark)]


def alive(
    process: str = "p1",
    *overdue: tuple[str, int, float],
    unread: Sequence[tuple[str, int]] = (),
) -> Alive:
    """An ingest process's sign of life."""
    late, new = (Overdue(*one) for one in overdue), (Unread(*one) for one in unread)
    return Alive(process=process, overdue=tuple(late), unread=tuple(new))


TICK = Tick()


def recorded() -> Inbox:
    """One recorded call of jdoe, told by the process p1."""
    inbox = Inbox()
    inbox.enter(0, inbox.complete(JDOE), alive())
    inbox.enter(1, inbox.observed(JDOE, "active", "recording"))
    return inbox
