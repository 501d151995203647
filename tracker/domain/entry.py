"""What a commit appends to the outbox, and every reader of it understands."""

from typing import Any, NamedTuple

from tracker.domain.base import Instant, Message, Record
from tracker.domain.command import Command
from tracker.domain.terms import Kind
from tracker.domain.view import View


class Fact(Record, frozen=True):
    """A `Change` on its way out: one event.

    Attributes:
        type: With the prefix ``tracker.``.
        at: When it happened.
        change: The event's ``data.change``.
    """

    type: str
    at: Instant
    change: dict[str, Any]


class Entry(Message, frozen=True, tag="entry"):
    """An entity changed.

    Attributes:
        recorded_at: The input's time.
        facts: One event each; empty = tell nobody, but keep the snapshot.
        before: None at the first sight.
        after: None when the entity is gone and forgotten.
    """

    entity: Kind
    key: str
    version: int
    recorded_at: Instant
    facts: tuple[Fact, ...] = ()
    before: View | None = None
    after: View | None = None


class Watermark(Message, frozen=True, tag="watermark"):
    """The keeper's sign of life: all input up to *handled_at* has taken effect."""

    handled_at: Instant


class Reply(Message, frozen=True, tag="reply"):
    """For one waiter alone; see `tracker.domain.changes.Answer`."""

    to: str
    key: str
    command: str | None = None
    problem: str | None = None


class Resync(Message, frozen=True, tag="resync"):
    """To a source's owner: what it sent has a hole; read everything again."""

    source: str
    token: int


class Order(Message, frozen=True, tag="order"):
    """To the owners of a command's sources: how it stands, after every change.

    Attributes:
        command: None = nothing is open on the call any more.
    """

    call: str
    command: Command | None = None


class Follow(Message, frozen=True, tag="follow"):
    """To the owner of the account's poller: somebody watches this call."""

    call: str


class FollowExport(Message, frozen=True, tag="follow_export"):
    """To the owner of the account's poller: somebody waits for this export."""

    export: str


Header = Entry | Watermark | Reply
"""Of what leaves by an outbox."""

Ask = Order | Follow | FollowExport | Resync | Reply
"""What keepers ask of those who ingest; a `Reply` there answers a Sent."""


class Outgoing(NamedTuple):
    """One outbox entry, before it has a position.

    Attributes:
        header: What readers must parse.
        snapshot: The public snapshot's JSON, opaque to them; empty without one.
    """

    header: Header
    snapshot: bytes = b""
