"""Watches: calls that somebody wants looked at, though no source lists them.

A watch may say what the call's recording is expected to become: somebody else asked
the platform for it and was told 202. Then it is a command of the call as soon as the
call is known, already accepted, and proved or not like any other.
"""

from typing import Literal

from tracker.domain.base import Instant, Message, Model

Expectable = Literal["recording", "paused"]
"""What somebody may have asked a platform for that lists no calls."""

WatchState = Literal["waiting", "watching", "not_found", "ended"]
"""Not seen yet; seen; the platform does not know it; over."""


class Watch(Message, frozen=True, tag="watch"):
    """Somebody wants a call watched; it enters by the call's inbox.

    Attributes:
        expected: What the recording should become; None = whatever.
        deadline_s: For the call to be found; then, from its first sight to the last
            look at what is expected.
    """

    id: str
    call: str
    requested_by: str
    expected: Expectable | None = None
    deadline_s: float = 15.0


class Unwatch(Message, frozen=True, tag="unwatch"):
    """Nobody wants it any more; what is known of the call stays."""

    id: str
    call: str


class Watched(Model):
    """A watch as it stands, kept for an hour after it is over.

    Attributes:
        call: The call's key.
        command: Of the call, once it is known; the same id as the watch's.
        over_at: When it came to its end.
    """

    id: str
    call: str
    state: WatchState = "waiting"
    expected: Expectable | None = None
    deadline_s: float
    requested_by: str
    requested_at: Instant
    command: str | None = None
    over_at: Instant | None = None
