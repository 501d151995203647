"""What a commit appends to the outbox, and every reader of it understands."""

from typing import Any, Literal, NamedTuple

from tracker.domain.base import Instant, Model
from tracker.domain.command import Command
from tracker.domain.terms import Kind
from tracker.domain.view import View


class Fact(Model):
    """A `Change` on its way out: one event.

    Attributes:
        type: With the prefix ``tracker.``.
        at: When it happened.
        change: The event's ``data.change``.
    """

    type: str
    at: Instant
    change: dict[str, Any]


class Entry(Model):
    """An entity changed.

    Attributes:
        facts: One event each; empty = tell nobody, but keep the snapshot.
        before: None at the first sight.
        after: None when the entity is gone and forgotten.
        recorded_at: The input's time.
    """

    kind: Literal["entry"] = "entry"
    entity: Kind
    key: str
    version: int
    facts: tuple[Fact, ...] = ()
    before: View | None = None
    after: View | None = None
    recorded_at: Instant


class Watermark(Model):
    """The keeper's sign of life: all input up to *handled_at* has taken effect."""

    kind: Literal["watermark"] = "watermark"
    handled_at: Instant


class Reply(Model):
    """For one waiter alone; see `tracker.domain.changes.Answer`."""

    kind: Literal["reply"] = "reply"
    to: str
    key: str
    command: str | None = None
    problem: str | None = None


class Resync(Model):
    """To a source's owner: what it sent has a hole; read everything again."""

    kind: Literal["resync"] = "resync"
    source: str
    token: int


class Order(Model):
    """To the owners of a command's sources: how it stands, after every change.

    Attributes:
        command: None = nothing is open on the call any more.
    """

    kind: Literal["order"] = "order"
    call: str
    command: Command | None = None


class Follow(Model):
    """To the owner of the account's poller: somebody watches this call."""

    kind: Literal["follow"] = "follow"
    call: str


class FollowExport(Model):
    """To the owner of the account's poller: somebody waits for this export."""

    kind: Literal["follow_export"] = "follow_export"
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
