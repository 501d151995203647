"""A webhook's delivery: one event that one endpoint is owed, and what became of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from sys import intern
from typing import Literal

from pydantic import TypeAdapter
from pydantic_core import to_json

from tracker.domain.base import Instant, Model

DeliveryStatus = Literal["owed", "delivered", "failed", "dropped"]
"""Still to be delivered; taken; given up after its attempts; lost to a bound."""

ANSWER_BYTES = 1024
"""Of an endpoint's answer, as much is kept."""

MAX_ATTEMPTS = 20
"""As many are kept with a delivery, the newest."""


@dataclass(slots=True, frozen=True)
class Attempt:
    """One request to an endpoint.

    Attributes:
        status: HTTP's; None = there was no answer.
        duration_ms: From the beginning to the end of the answer, or of the waiting.
        answer: The first KiB of the answer's body, as text.
        error: Why there was no answer, or why it was not a good one.
    """

    at: Instant
    duration_ms: int
    status: int | None = None
    answer: str = ""
    error: str | None = None


class Delivery(Model):
    """One event and one endpoint.

    Attributes:
        event: The event's id, which is the ``webhook-id`` of every attempt.
        type: The event's.
        entity: The key of what the event is about.
        previous: The entity's event before at this endpoint; None = none is known.
        owed_at: Since when.
        settled_at: When it was over; None = it is not.
        next_attempt_at: Not before; None = at once, or never.
        attempted: How many attempts there were.
        attempts: The newest of them, oldest first.
        problem: Why it failed, or was dropped.
    """

    event: str
    type: str
    entity: str
    previous: str | None = None
    status: DeliveryStatus = "owed"
    owed_at: Instant
    settled_at: Instant | None = None
    next_attempt_at: Instant | None = None
    attempted: int = 0
    attempts: tuple[Attempt, ...] = ()
    problem: str | None = None


@dataclass(slots=True)
class Owed:
    """A delivery while it is owed: small, for there may be hundreds of thousands.

    Attributes:
        owed_ms: Since when, ms since 1970.
        due_ms: When the next attempt is; 0 = at once.
        spent: Attempts that count: those that probe a broken endpoint do not.
        order: Who sorts them may keep what they sort by here.
    """

    event: str
    type: str
    entity: str
    previous: str | None
    owed_ms: int
    due_ms: int = 0
    spent: int = 0
    attempted: int = 0
    attempts: tuple[Attempt, ...] = ()
    order: tuple[int, int, int] | None = None

    def told(
        self,
        status: DeliveryStatus = "owed",
        settled_ms: int | None = None,
        problem: str | None = None,
    ) -> bytes:
        """As a `Delivery`'s JSON."""
        waits = status == "owed" and self.due_ms > 0
        fields = {
            "event": self.event,
            "type": self.type,
            "entity": self.entity,
            "previous": self.previous,
            "status": status,
            "owed_at": instant(self.owed_ms),
            "settled_at": None if settled_ms is None else instant(settled_ms),
            "next_attempt_at": instant(self.due_ms) if waits else None,
            "attempted": self.attempted,
            "attempts": self.attempts,
            "problem": problem,
        }
        return to_json(fields)

    def delivery(self) -> Delivery:
        """As it is told of while it is owed."""
        return Delivery.model_validate_json(self.told())

    def tried(self, attempt: Attempt) -> None:
        """There was one more attempt."""
        self.attempted += 1
        self.attempts = (*self.attempts, attempt)[-MAX_ATTEMPTS:]

    def dump(self) -> bytes:
        """As it is stored."""
        return _OWED.dump_json(self, exclude={"order"})

    @classmethod
    def parse(cls, raw: bytes) -> "Owed":
        """What `dump` made; words that many share are kept once."""
        owed = _OWED.validate_json(raw)
        owed.type, owed.entity = intern(owed.type), intern(owed.entity)
        return owed


_OWED: TypeAdapter[Owed] = TypeAdapter(Owed)


def instant(ms: float) -> datetime:
    """The time, of ms since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)
