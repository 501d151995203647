"""How much one process does at once, shared among all its endpoints."""

from typing import Protocol


class Waiter(Protocol):
    """Who is woken when it is its turn."""

    def wake(self) -> None:
        """There may be something for it."""


class Slots:
    """How many attempts may be under way in the process: more would only be late.

    Args:
        count: Of all lines together.
    """

    def __init__(self, count: int) -> None:
        self._left = count
        self._waiting: dict[Waiter, None] = {}

    def has_one(self, line: Waiter) -> bool:
        """Whether one is free; else *line* is woken when it is its turn."""
        if not self._left:
            self._waiting[line] = None
        return self._left > 0

    def leave(self, line: Waiter) -> None:
        """It wants none any more."""
        self._waiting.pop(line, None)
        self.pass_on()

    def take(self) -> None:
        """One attempt begins."""
        self._left -= 1

    def give(self) -> None:
        """One has ended."""
        self._left += 1
        self.pass_on()

    def pass_on(self) -> None:
        """Whoever was woken has taken what it could: it is the next one's turn."""
        if self._left and self._waiting:
            first = next(iter(self._waiting))
            del self._waiting[first]
            first.wake()
