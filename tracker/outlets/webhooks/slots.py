"""How much one process does at once, shared among all its endpoints."""

from typing import Protocol


class Waiter(Protocol):
    """Who waits for its turn."""

    def turn(self) -> None:
        """Take what is wanted of what there is, now."""


class Slots:
    """How many attempts may be under way in the process: more would only be late.

    Args:
        count: Of all lines together.
    """

    def __init__(self, count: int) -> None:
        self._left = count
        self._waiting: dict[Waiter, None] = {}

    def has_one(self, line: Waiter) -> bool:
        """Whether one is free; else *line* is told when it is its turn."""
        if not self._left:
            self._waiting[line] = None
        return self._left > 0

    def leave(self, line: Waiter) -> None:
        """It wants none any more."""
        self._waiting.pop(line, None)

    def take(self) -> None:
        """One attempt begins."""
        self._left -= 1

    def give(self) -> None:
        """One has ended: it is the turn of who waits longest, and can use it."""
        self._left += 1
        while self._left and self._waiting:
            first = next(iter(self._waiting))
            del self._waiting[first]
            first.turn()
