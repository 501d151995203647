"""What a source says: the inputs that come from providers.

Instants of producers never enter: an input carries its *age* at the moment it was
appended (seconds, monotonic), and gets its time from the inbox that it enters.
"""

from datetime import datetime
from typing import NamedTuple

from msgspec import field

from tracker.domain.archive import ExportSnapshot, MediaSnapshot
from tracker.domain.base import Message, Record, earlier
from tracker.domain.terms import (
    Action,
    CallState,
    CallType,
    Expected,
    RecordingState,
    Role,
    SourceState,
)


class Stamp(NamedTuple):
    """Where in its source's story an input stands.

    Attributes:
        source: The source's key, ``provider/account/name``.
        token: The fencing token of the source's lease.
        number: From 1, contiguous per source, token and partition.
    """

    source: str
    token: int
    number: int


class OtherParty(Record, frozen=True):
    """Somebody on the call whom no source speaks for.

    Attributes:
        number: As the outlets may show it: full, last four digits or None.
        role: ``other``, or what the platform says.
    """

    number: str | None = None
    role: Role = "other"


class Observation(Message, frozen=True, tag="observation"):
    """One source's claim about its own leg of one call.

    Attributes:
        call: The call's key.
        leg_id: The id that commands on this leg use.
        state: Of the leg. ``ended`` releases it.
        age_s: How long before the append the claim was true (a read: since its
            request started; a notification: 0).
        exact: The claim came as a notification of a change, not by looking.
        leg: Tells legs apart where one source sees several of a call.
        recording: What the platform reports; None when this message says nothing
            (an earlier claim of the leg is kept).
        no_proof: The platform cannot prove a recording state at all.
        unseen: The source did not look at the leg in time: nobody sees it now, and
            what it showed before is no longer known.
        hands_over: The leg ends by passing the call on: another one follows.
        answered_age_s: How long ago the leg was answered, where the platform tells.
        actions: What the platform can do to a recording.
    """

    call: str
    leg_id: str
    state: CallState
    age_s: float = 0.0
    exact: bool = True
    leg: str = ""
    recording: RecordingState | None = None
    no_proof: bool = False
    unseen: bool = False
    hands_over: bool = False
    answered_age_s: float | None = None
    agent: str | None = None
    team: str | None = None
    role: Role = "agent"
    number: str | None = None
    device: str | None = None
    expected: Expected = "unset"
    actions: tuple[Action, ...] = ()
    type: CallType = "unknown"
    ani: str | None = None
    dnis: str | None = None
    parent: str | None = None
    interaction_id: str | None = None
    provider_ids: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    others: tuple[OtherParty, ...] = ()

    def at(self, now: datetime) -> datetime:
        """When the claim was true, of one that entered its inbox at *now*."""
        return earlier(now, self.age_s) if self.age_s > 0 else now


class Checkpoint(Message, frozen=True, tag="checkpoint"):
    """A full read, begun *age_s* ago, is complete and showed these calls.

    A source's legs that it did not show, and that were last seen before it began,
    are released. It ends the source's blindness.

    Attributes:
        process: Who observes the source now.
        calls: Keys of the calls shown, of the receiving partition only.
        fresh: A new owner's first; it goes to every partition.
    """

    process: str
    age_s: float = 0.0
    calls: tuple[str, ...] = ()
    fresh: bool = False

    def at(self, now: datetime) -> datetime:
        """When the read began, of one that entered its inbox at *now*."""
        return earlier(now, self.age_s) if self.age_s > 0 else now


class Unreadable(Message, frozen=True, tag="unreadable"):
    """A message that could not be understood: counted, its content never kept.

    Attributes:
        what: The kind of message, as far as known.
        shape: Its keys and types.
    """

    what: str
    shape: str


class SourceReport(Message, frozen=True, tag="source_report"):
    """The health of a source, from its supervisor to its account's partition.

    Attributes:
        state: ``down`` is only a word with a reason: legs turn unknown when the
            source is overdue. ``locked`` needs a person.
        error: One sentence without secrets.
        retired: The source no longer exists in the settings.
    """

    state: SourceState
    error: str | None = None
    retired: bool = False


class Media(Message, frozen=True, tag="media"):
    """A stored recording appeared or went, told to its call's partition.

    Attributes:
        call: The call's key.
        media: The stored recording's own key.
        gone: It was deleted at the provider.
    """

    call: str
    media: str
    gone: bool = False


class Saved(Message, frozen=True, tag="saved"):
    """A stored recording as its platform has it, told to its own partition.

    Attributes:
        media: Of a deleted one, as it was last.
        gone: It was deleted at the provider.
        old: It was there before tracker first looked: known from now on, told nobody.
    """

    media: MediaSnapshot
    gone: bool = False
    old: bool = False


class Exported(Message, frozen=True, tag="exported"):
    """An export as its platform has it, told to its own partition.

    Attributes:
        export: Without jobs, where the platform never showed it: they are as they were.
        asked: Somebody has just asked for it; else it is one that is followed.
    """

    export: ExportSnapshot
    asked: bool = False


class Polled(Message, frozen=True, tag="polled"):
    """A full read of what a platform has saved, begun *age_s* ago, is complete."""

    age_s: float = 0.0

    def at(self, now: datetime) -> datetime:
        """When the read began, of one that entered its inbox at *now*."""
        return earlier(now, self.age_s)


class Told(Message, frozen=True, tag="told"):
    """Something a source said, at its place in the source's story."""

    stamp: Stamp
    reading: (
        Observation
        | Checkpoint
        | Unreadable
        | SourceReport
        | Media
        | Saved
        | Exported
        | Polled
    )


class Overdue(NamedTuple):
    """A source whose pending poll is overdue, and the age of its last answer."""

    source: str
    token: int
    age_s: float


class Unread(NamedTuple):
    """A source whose owner has not read everything yet."""

    source: str
    token: int


class Alive(Message, frozen=True, tag="alive"):
    """Every ingest process to every inbox, every two seconds.

    Attributes:
        overdue, unread: Those of its sources that are; a partition that an owner has
            told nothing learns of it by these.
    """

    process: str
    overdue: tuple[Overdue, ...] = ()
    unread: tuple[Unread, ...] = ()


class Tick(Message, frozen=True, tag="tick"):
    """The keeper's own: time passes also when nothing arrives."""


class Blind(NamedTuple):
    """A source cannot see since *at*; made by the keeper, never on the wire.

    Attributes:
        below: Only what owners before this token told is not seen any more.
    """

    source: str
    at: datetime
    below: int | None = None


class Release(NamedTuple):
    """A complete read, begun at *at*, did not show the call; made by the keeper.

    Attributes:
        below: It did, but not those of its legs that owners before this token told.
    """

    source: str
    at: datetime
    below: int | None = None


Reading = Observation | Checkpoint | Unreadable | Saved | Exported | Polled
"""What a source yields."""
