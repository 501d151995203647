"""What was asked and when: so that a test can hold a client to its limits."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

_MOST = 200_000


class Request(NamedTuple):
    """A request that arrived.

    Attributes:
        at_s: When, by the simulator's clock.
        path: As it was sent, without the query.
        status: What it was answered with; None: nothing yet, or nobody got it.
        query: As it was sent, without the question mark; "" also where a simulator
            does not write it down.
    """

    at_s: float
    method: str
    path: str
    status: int | None = None
    query: str = ""


class Journal:
    """Every request in the order of arrival.

    Attributes:
        requests: The newest 100,000 at least.

    Args:
        clock: Seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.requests: list[Request] = []
        self._clock = clock
        self._dropped = 0

    def note(self, method: str, path: str, query: str = "") -> int:
        """Write down a request that has arrived; returns its number."""
        if len(self.requests) >= _MOST:
            del self.requests[: _MOST // 2]
            self._dropped += _MOST // 2
        self.requests.append(Request(self._clock(), method, path, query=query))
        return self._dropped + len(self.requests) - 1

    def settle(self, number: int, status: int) -> None:
        """Write down what a request was answered with."""
        index = number - self._dropped
        if index >= 0:
            self.requests[index] = self.requests[index]._replace(status=status)

    def peak_per_s(self) -> int:
        """The most that arrived in any one second."""
        return _peak(request.at_s for request in self.requests)


class Limit:
    """Says which requests are too many.

    Args:
        per_s: How many may arrive in any second; None: as many as like.
        clock: Seconds that only rise.
    """

    def __init__(self, per_s: int | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._per_s = per_s
        self._arrived: deque[float] = deque()

    def is_exceeded(self) -> bool:
        """Count a request that arrives now; whether it is one too many."""
        if self._per_s is None:
            return False
        now_s = self._clock()
        self._arrived.append(now_s)
        while self._arrived[0] <= now_s - 1:
            self._arrived.popleft()
        return len(self._arrived) > self._per_s


def _peak(times_s: Iterable[float]) -> int:
    within: deque[float] = deque()
    most = 0
    for at_s in times_s:
        within.append(at_s)
        while within[0] <= at_s - 1:
            within.popleft()
        most = max(most, len(within))
    return most
