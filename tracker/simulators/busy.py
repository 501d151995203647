"""What people on a busy day do with their calls, one thing at a time."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

_TRIES = 8


class Ongoing(Protocol):
    """A call, as far as it can be over."""

    @property
    def is_over(self) -> bool:
        """Nothing more happens to it."""


C = TypeVar("C", bound=Ongoing)

Move = tuple[float, Callable[[C], object]]
"""A weight, and what is done."""


class BusyDay(ABC, Generic[C]):
    """Changes on the calls of many people; the same seed and past give the same.

    Args:
        people: Who could be on a call.
        rng: What is chosen by.
        busy: The share of them that is on one, about.
    """

    def __init__(
        self, people: Sequence[str], rng: random.Random, *, busy: float = 0.6
    ) -> None:
        self._people = people
        self._rng = rng
        self._wanted = max(1, int(len(people) * busy))
        self._calls: list[C] = []

    @abstractmethod
    def _begin(self, person: str) -> C | None:
        """Begin a call; None = they are on one."""

    @abstractmethod
    def _moves(self, call: C) -> list[Move[C]]:
        """What may happen next on a live call; never nothing."""

    def move(self) -> None:
        """Begin a call, unless a few tries find nobody free, or take one further."""
        index = self._rng.randrange(self._wanted)
        while index < len(self._calls) and self._calls[index].is_over:
            self._calls[index] = self._calls[-1]
            self._calls.pop()
        if index < len(self._calls):
            call = self._calls[index]
            weights, moves = zip(*self._moves(call), strict=True)
            self._rng.choices(moves, weights)[0](call)
            return
        for _ in range(_TRIES):
            begun = self._begin(self._rng.choice(self._people))
            if begun is not None:
                self._calls.append(begun)
                return
