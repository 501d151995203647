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
        self._used_until_s: dict[str, float] = {}

    def open_socket(self, subject: str) -> bool:
        """Count a socket; False = there are too many, and it is not counted."""
        settings = self._settings
        if settings and self._sockets[subject] >= settings.sockets_per_subject:
            return False
        self._sockets[subject] += 1
        return True

    def close_socket(self, subject: str) -> None:
        """A socket that was counted has ended."""
        self._sockets[subject] -= 1
        if not self._sockets[subject]:
            del self._sockets[subject]

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
