"""Exports that somebody waits for: each is looked at until it is settled."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Final

import structlog

from tracker.domain.archive import Archive, ExportSnapshot
from tracker.domain.key import split_key
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderUnavailableError,
)
from tracker.providers.backoff import backoff_s

SHOWN_WITHIN_S: Final = 180.0
"""An export that the platform does not show until then has expired."""

FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 300.0

log = structlog.get_logger(__name__)


class Followed:
    """One of them.

    Attributes:
        last: As it was told last; None = not known.
        is_retold: It is told again, also when it is as it was.
        is_shown: The platform has shown it since it is followed.
        failures: Of looking at it, in a row.
        due_at_s: It is not looked at before.
    """

    def __init__(self, key: str, last: ExportSnapshot | None, now_s: float) -> None:
        self.key, self.last = key, last
        self.is_retold, self.is_shown = True, False
        self.since_s = self.due_at_s = now_s
        self.failures = 0


class Exports:
    """Those of one account.

    Args:
        archive: Of the account.

    Attributes:
        answered_at_s: When one was last shown; None = never.
    """

    def __init__(self, archive: Archive) -> None:
        self.answered_at_s: float | None = None
        self._archive = archive
        self._followed: dict[str, Followed] = {}

    def __len__(self) -> int:
        return len(self._followed)

    def follow(self, key: str, last: ExportSnapshot | None) -> None:
        """Look at it from now on."""
        new = Followed(key, last, _now_s())
        followed = self._followed.setdefault(key, new)
        followed.last = followed.last or last

    def retell(self) -> None:
        """Have every one told again."""
        for followed in self._followed.values():
            followed.is_retold = True

    async def read(self) -> AsyncIterator[ExportSnapshot]:
        """Look at each, and tell what is new; one that fails holds up none but itself.

        Raises:
            ProviderLockedError: The credentials are refused.
        """
        for followed in list(self._followed.values()):
            if followed.due_at_s > _now_s():
                continue
            export = await self._look(followed)
            if export is None:
                continue
            is_news = followed.is_retold or export != followed.last
            followed.is_retold = False
            if is_news:
                yield export
            followed.last = export
            if export.state != "running":
                del self._followed[followed.key]

    async def _look(self, followed: Followed) -> ExportSnapshot | None:
        """As it stands; None = that is not known."""
        try:
            export = await self._archive.export_job(followed.key)
        except NotFoundError:
            return self._absent(followed)
        except (CommandRefusedError, ProviderUnavailableError) as error:
            self._failed(followed, error)
            return None
        self.answered_at_s = _now_s()
        followed.is_shown = True
        if followed.failures:
            followed.failures = 0
            log.info("export_back", export=followed.key)
        return export

    def _absent(self, followed: Followed) -> ExportSnapshot | None:
        """Expired, if it was there, or does not come; a job may be shown late."""
        if not followed.is_shown and _now_s() < followed.since_s + SHOWN_WITHIN_S:
            return None
        last = followed.last or _unknown(followed.key)
        return last.but(state="expired")

    def _failed(
        self,
        followed: Followed,
        error: CommandRefusedError | ProviderUnavailableError,
    ) -> None:
        followed.failures += 1
        luck = random.random()  # noqa: S311 - jitter
        pause_s = backoff_s(
            followed.failures, luck, base_s=FIRST_PAUSE_S, cap_s=LONGEST_PAUSE_S
        )
        if isinstance(error, ProviderUnavailableError):
            pause_s = max(pause_s, error.retry_after_s or 0.0)
        followed.due_at_s = _now_s() + pause_s
        if followed.failures == 1:
            log.warning("export_failing", export=followed.key, error=str(error))


def _unknown(key: str) -> ExportSnapshot:
    provider, account, _ = split_key(key)
    return ExportSnapshot(
        key=key, provider=provider, account=account, state="running", jobs=()
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
