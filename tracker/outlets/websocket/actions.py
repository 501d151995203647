"""What a session knows of its client, and what it has the shell around it do."""

from datetime import datetime
from typing import NamedTuple, Protocol

from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Visibility
from tracker.outlets.websocket.frames import Command
from tracker.outlets.websocket.subscription import Subscription


class Access(NamedTuple):
    """Who is at the other end.

    Attributes:
        expires_at: When the socket must end; None = never.
    """

    subject: str
    visibility: Visibility
    expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()


class Shell(Protocol):
    """What a session asks of the socket around it."""

    def ready(self) -> None:
        """There is something to `Session.take`; told once until it is taken."""

    def wake(self, delay_s: float) -> None:
        """Call `Session.cursor` in *delay_s*."""

    def lost(self) -> None:
        """Close with `codes.EVENTS_LOST`."""


class Counts(Protocol):
    """Who counts what each subject has on all its sockets."""

    def open_subscription(self, subject: str) -> bool:
        """One more; False = there are too many, and it is not counted."""

    def close_subscription(self, subject: str) -> None:
        """One that was counted has ended."""


class Begin(NamedTuple):
    """To the shell: bring the subscription up to now, and then to the hub."""

    subscription: Subscription
    since: Cursor | None
    snapshot: bool


class End(NamedTuple):
    """To the shell: the hub must forget the subscription."""

    subscription: Subscription


class Authenticate(NamedTuple):
    """To the shell: find out whose token it is, and `Session.authorise` them."""

    token: str


class Ask(NamedTuple):
    """To the shell: ask for a command, beside everything else, and `Session.answer`.

    Attributes:
        access: Who asked.
    """

    command: Command
    access: Access


Action = Begin | End | Authenticate | Ask | None
