"""When to try again, when to leave an endpoint alone, and when to give it up. Pure.

All times are seconds since 1970, by whatever clock the caller has.
"""

from collections import deque
from typing import Final, Literal

_MINUTE_S = 60.0
_HOUR_S = 3600.0

DELAYS_S: Final = (
    0.0,
    5.0,
    5 * _MINUTE_S,
    30 * _MINUTE_S,
    2 * _HOUR_S,
    5 * _HOUR_S,
    10 * _HOUR_S,
    14 * _HOUR_S,
    20 * _HOUR_S,
    24 * _HOUR_S,
)
"""Before each attempt, from the end of the one before it (Standard Webhooks)."""

JITTER: Final = 0.2
"""Each delay is up to so much longer."""

RETRY_AFTER_MAX_S: Final = 24 * _HOUR_S

PAUSE_MAX_S: Final = _HOUR_S
"""For so long at most one answer (429, or 503 with Retry-After) stops an endpoint."""

PAUSE_S: Final = 5.0
"""After a 429 that says nothing."""

WINDOW: Final = 20
LEAST: Final = 10
SHARE: Final = 0.5
"""It opens when of the last `WINDOW` attempts, `LEAST` at least, so many failed."""

PROBES_S: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""From an opening, or a failed probe, to the next probe."""

State = Literal["closed", "open", "half_open"]


def delay_s(
    spent: int, luck: float, retry_after_s: float | None = None
) -> float | None:
    """How long to wait for the next attempt; None = there is none.

    Args:
        spent: How many attempts there were.
        luck: Uniform in [0, 1).
        retry_after_s: Not before, says the endpoint; it is heard up to a day.
    """
    if spent >= len(DELAYS_S):
        return None
    delay = DELAYS_S[spent] * (1 + JITTER * luck)
    return max(delay, min(retry_after_s or 0.0, RETRY_AFTER_MAX_S))


def is_hopeless(failing_since_s: float | None, now_s: float, after_s: float) -> bool:
    """Nothing was taken for so long that somebody must look."""
    return failing_since_s is not None and now_s - failing_since_s >= after_s


class Breaker:
    """Of one endpoint: while most attempts fail, only a probe now and then is made.

    Attributes:
        state: ``half_open`` while a probe is under way.
    """

    def __init__(self) -> None:
        self.state: State = "closed"
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._openings = 0
        self._probe_at_s = 0.0

    @property
    def probe_at_s(self) -> float | None:
        """When the next probe may be made; None = it is closed, or one is under way."""
        return self._probe_at_s if self.state == "open" else None

    def admits(self, now_s: float) -> bool:
        """Whether an attempt may be made now."""
        return self.state == "closed" or (
            self.state == "open" and now_s >= self._probe_at_s
        )

    def begin(self) -> bool:
        """An attempt that was admitted begins; True = it is a probe."""
        if self.state == "open":
            self.state = "half_open"
            return True
        return False

    def end(self, now_s: float, luck: float, *, good: bool, probe: bool) -> None:
        """It has ended.

        Attempts that began before it opened do not close it, nor open it wider.

        Args:
            now_s: The time.
            luck: Uniform in [0, 1): the next probe is up to a fifth later.
            good: It was taken.
            probe: As `begin` answered.
        """
        if probe and good:
            self.state, self._openings = "closed", 0
            self._last.clear()
        elif probe:
            self._open(now_s, luck)
        elif self.state == "closed":
            self._last.append(good)
            failed = len(self._last) - sum(self._last)
            if len(self._last) >= LEAST and failed >= SHARE * len(self._last):
                self._open(now_s, luck)

    def withdraw(self) -> None:
        """The probe was not made, or nobody knows how it ended."""
        if self.state == "half_open":
            self.state = "open"

    def _open(self, now_s: float, luck: float) -> None:
        pause_s = PROBES_S[min(self._openings, len(PROBES_S) - 1)]
        self.state = "open"
        self._openings += 1
        self._probe_at_s = now_s + pause_s * (1 + JITTER * luck)
