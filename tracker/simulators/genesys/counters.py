"""Who asked how often: so that a test can hold a client to its limits."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

_REMEMBERED = 100_000


class RequestCounters:
    """Requests, per agent and in total.

    Attributes:
        total: Requests since the start or the last reset.
        per_agent: The same, by agent id; "" for requests that named nobody.
        bayeux: Bayeux messages by channel, `/meta/handshake` among them.

    Args:
        clock: Seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Begin again at nothing."""
        self.total = 0
        self.per_agent: Counter[str] = Counter()
        self.bayeux: Counter[str] = Counter()
        self._latest: deque[tuple[float, str]] = deque(maxlen=_REMEMBERED)

    def note(self, agent: str | None) -> None:
        """Count one request."""
        agent = agent or ""
        self.total += 1
        self.per_agent[agent] += 1
        self._latest.append((self._clock(), agent))

    def peak_per_s(self, agent: str | None = None) -> int:
        """The most of the latest 100,000 requests, an agent's or all, in any second."""
        return _peak(at_s for at_s, who in self._latest if agent in (None, who))

    def busiest_agent_per_s(self) -> int:
        """The most that any one agent sent in any one second."""
        times_s: dict[str, list[float]] = {}
        for at_s, agent in self._latest:
            times_s.setdefault(agent, []).append(at_s)
        return max(map(_peak, times_s.values()), default=0)


def _peak(times_s: Iterable[float]) -> int:
    within: deque[float] = deque()
    most = 0
    for at_s in times_s:
        within.append(at_s)
        while within[0] <= at_s - 1:
            within.popleft()
        most = max(most, len(within))
    return most
