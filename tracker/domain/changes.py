"""What `decide` answers: the entity as it is now, and what is to be told of it."""

from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from tracker.domain.call import Interval

E = TypeVar("E")


class Change(NamedTuple):
    """One fact, published as one event.

    Attributes:
        type: The event's type, without the prefix ``tracker.``.
        at: When it happened, as far as known.
        detail: The event's ``data.change``: JSON values and instants.
    """

    type: str
    at: datetime
    detail: dict[str, object]


class Answer(NamedTuple):
    """For one waiter alone: whether a Request or a Sent was let through.

    Attributes:
        to: The request's id, or the Sent's attempt.
        command: The command it led to, or the open one that stands in the way.
        problem: A problem code of `commanding`; None = let through.
    """

    to: str
    command: str | None
    problem: str | None


class Changes(NamedTuple, Generic[E]):
    """The outcome of one decision.

    Attributes:
        entity: As it is now; None = nothing is known of it, keep nothing.
        changes: Empty when nothing public changed: then the version stays too.
        intervals: Closed by this decision, to be appended to the timeline.
        answers: For waiters only.
        kept: False when the entity is the very same as before: write nothing.
    """

    entity: E | None
    changes: tuple[Change, ...] = ()
    intervals: tuple[Interval, ...] = ()
    answers: tuple[Answer, ...] = ()
    kept: bool = True


class Policy(NamedTuple):
    """Thresholds in seconds; four of them are settings of the keeper.

    Attributes:
        not_recording_after_s, paused_long_after_s, lost_after_s, ended_for_s: These.
        deadline_grace_s: Beyond a command's deadline, for the read that is under way.
        unsent_for_s: How long a command may wait to be sent.
        end_grace_s: Who left a call so shortly before its end stayed until it.
        handover_s: How long a call that was passed on waits for the next leg.
    """

    not_recording_after_s: float = 5.0
    paused_long_after_s: float = 120.0
    lost_after_s: float = 4 * 3600.0
    deadline_grace_s: float = 2.0
    ended_for_s: float = 3600.0
    unsent_for_s: float = 60.0
    end_grace_s: float = 5.0
    handover_s: float = 5.0
