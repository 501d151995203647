"""How much one subject may ask for: section ``[limits]``. Each process counts alone."""

from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

_MINUTE_S: Final = 60.0
_MANY: Final = 10_000
"""Subjects that are remembered before those are forgotten that asked long ago."""


class LimitSettings(BaseModel):
    """What one subject, the ``sub`` of a token, may ask of a serving process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sockets_per_subject: int = Field(default=1000, gt=0)
    """Open at once; a further one is closed with 4029."""
    subscriptions_per_subject: int = Field(default=10_000, gt=0)
    """On all its sockets together; further ones are refused with an ``error``."""
    commands_per_min: int = Field(default=600, gt=0)
    """Commands and watches, all of a minute's at once if need be; then 429."""


class Quota:
    """What subjects have used of it.

    Args:
        settings: None = nobody is counted, where nobody can be told from another.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        settings: LimitSettings | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sockets: Counter[str] = Counter()
        self._subscriptions: Counter[str] = Counter()
        self._used_until_s: dict[str, float] = {}

    def open_socket(self, subject: str) -> bool:
        """Count a socket; False = there are too many, and it is not counted."""
        limit = self._settings.sockets_per_subject if self._settings else None
        return _take(self._sockets, subject, limit)

    def close_socket(self, subject: str) -> None:
        """A socket that was counted has ended."""
        _give(self._sockets, subject)

    def open_subscription(self, subject: str) -> bool:
        """Count a subscription; False = there are too many, and it is not counted."""
        limit = self._settings.subscriptions_per_subject if self._settings else None
        return _take(self._subscriptions, subject, limit)

    def close_subscription(self, subject: str) -> None:
        """A subscription that was counted has ended."""
        _give(self._subscriptions, subject)

    def take_command(self, subject: str) -> float:
        """Count a command; else for how many seconds there is none left, above 0."""
        if self._settings is None:
            return 0.0
        now_s = self._clock()
        begin_s = max(now_s, self._used_until_s.get(subject, now_s))
        until_s = begin_s + _MINUTE_S / self._settings.commands_per_min
        if until_s - now_s > _MINUTE_S:
            return until_s - now_s - _MINUTE_S
        if len(self._used_until_s) >= _MANY:
            used = self._used_until_s.items()
            self._used_until_s = {who: at_s for who, at_s in used if at_s > now_s}
        self._used_until_s[subject] = until_s
        return 0.0


def _take(used: Counter[str], subject: str, limit: int | None) -> bool:
    if limit is not None and used[subject] >= limit:
        return False
    used[subject] += 1
    return True


def _give(used: Counter[str], subject: str) -> None:
    used[subject] -= 1
    if not used[subject]:
        del used[subject]
