"""An account's agents, read again when their file changes."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from tracker.errors import ConfigError
from tracker.providers.agents import file_stamp

T = TypeVar("T")

RETRIED_AFTER_S: Final = 10.0


class Reread(Generic[T]):
    """What an account's agents come to, read again when their file changes.

    What could not be read is tried again then, and every `RETRIED_AFTER_S`: the file
    may name what is put right elsewhere. Files that it names are looked at as often.

    Args:
        path: Of the file, where there is one.
        read: Reads it; raises ConfigError.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        path: Path | None,
        read: Callable[[], T],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._read, self._clock = path, read, clock
        self._stamp: object = None
        self._named: dict[Path, object] = {}
        self._problem: str | None = None
        self._due_at_s = -math.inf

    def names(self, path: Path) -> None:
        """Say, while it is being read, that another file is about to be read too."""
        self._named[path] = file_stamp(path)

    def changed(self) -> T | None:
        """What is there now; None = the same as the last time.

        Raises:
            ConfigError: It could not be read when that was last tried.
        """
        stamp, is_due = file_stamp(self._path), self._is_due()
        if stamp == self._stamp and not is_due:
            if self._problem is not None:
                raise ConfigError(self._problem)
            return None
        self._stamp, self._problem = stamp, None
        self._named.clear()
        try:
            return self._read()
        except ConfigError as error:
            self._problem = str(error)
            raise

    def _is_due(self) -> bool:
        now_s = self._clock()
        if now_s < self._due_at_s:
            return False
        self._due_at_s = now_s + RETRIED_AFTER_S
        changed = any(file_stamp(it) != stamp for it, stamp in self._named.items())
        return changed or self._problem is not None
