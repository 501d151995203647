"""How much one process does at once, shared among all its endpoints."""

from typing import Generic, Protocol, TypeVar

Job = TypeVar("Job", covariant=True)


class Waiter(Protocol[Job]):
    """Who waits for its turn."""

    def turn(self) -> None:
        """Take what is wanted of what there is, now."""

    def next(self) -> Job | None:
        """Take one, now, and say what for; None = none is wanted."""


class Slots(Generic[Job]):
    """How many attempts may be under way in the process: more would only be late.

    Args:
        count: Of all lines together.
    """

    def __init__(self, count: int) -> None:
        self._left = count
        self._waiting: dict[Waiter[Job], None] = {}

    def has_one(self, line: Waiter[Job]) -> bool:
        """Whether one is free; else *line* is told when it is its turn."""
        if not self._left:
            self._waiting[line] = None
        return self._left > 0

    def leave(self, line: Waiter[Job]) -> None:
        """It wants none any more."""
        self._waiting.pop(line, None)

    def take(self) -> None:
        """One attempt begins."""
        self._left -= 1

    def give(self) -> None:
        """One has ended: it is the turn of who waits longest, and can use it."""
        self._left += 1
        while self._left and self._waiting:
            self._first().turn()

    def exchange(self, line: Waiter[Job]) -> Job | None:
        """Likewise, and what that is for; *line*, whose one ended, is the last."""
        self._left += 1
        self._waiting[line] = self._waiting.pop(line, None)
        while self._left and self._waiting:
            job = self._first().next()
            if job is not None:
                return job
        return None

    def _first(self) -> Waiter[Job]:
        first = next(iter(self._waiting))
        del self._waiting[first]
        return first
