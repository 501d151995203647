"""Any platform's stored recordings as a source: what is new, what went, exports.

Every read looks back: a platform may save a recording long after its call. Where that
one is listed by its start, every read goes as far back as a recording may be late.
Where it is listed by its save, the last hours show it; all is read now and then, for
what went. So is it whenever an observation begins. What was told once is remembered and
not told again; what this process forgets, the keepers remember.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from tracker.domain.archive import Archive, ExportSnapshot, MediaSnapshot
from tracker.domain.reading import Checkpoint, Exported, Polled, Reading, Saved
from tracker.domain.terms import Action
from tracker.errors import CommandRefusedError, NotFoundError
from tracker.providers.base import Ask, Looks, Options
from tracker.providers.exports import Exports
from tracker.providers.settings import RecordingsSettings

NAME: Final = "recordings"
RECENT: Final = timedelta(hours=2)
SWEEP_EVERY: Final = 20
"""Of a list by save, every so manieth read looks back as far as of one by start."""

EXPORT_EVERY_S: Final = 5.0
"""How often an export that somebody waits for is looked at."""

MOST_CONFIRMED: Final = 100
"""Recordings of one sweep that are asked for by name, as they are no longer listed."""

_SHORTEST_OVERDUE_S: Final = 10.0


class RecordingsSource:
    """The poller of one account's stored recordings.

    Args:
        archive: Of the account.
        settings: How often, and how far back.
    """

    def __init__(self, archive: Archive, settings: RecordingsSettings) -> None:
        self.key = f"{archive.key}/{NAME}"
        self._archive = archive
        self._settings = settings
        self._polled_at: datetime | None = None
        self._answered_at_s: float | None = None
        self._told: dict[str, bytes] = {}
        self._exports = Exports(archive)
        self._retold: set[str] = set()
        self._sweeps = True
        self._due_s = 0.0
        self._news = asyncio.Event()

    @property
    def answered_at_s(self) -> float | None:
        """When a page was last read, or an export."""
        answered = (self._answered_at_s, self._exports.answered_at_s)
        return max((at_s for at_s in answered if at_s is not None), default=None)

    @property
    def overdue_after_s(self) -> float:
        """Three reads; at least 10 s."""
        return max(_SHORTEST_OVERDUE_S, 3 * self._settings.recordings_interval_s)

    @property
    def lists_calls(self) -> bool:
        """There are none to follow."""
        return True

    @property
    def looks(self) -> Looks:
        """There are no commands to look after."""
        return Looks(first_s=1.0, growth=2.0, longest_s=60.0)

    def begin(self, polled_at: datetime | None) -> None:
        """Say when the last full read that was completed began; None = there is none.

        Then all that is there is old, and is told nobody.
        """
        self._polled_at = polled_at

    def follow_export(self, key: str, last: ExportSnapshot | None = None) -> None:
        """Show this export too, from now on until it is settled.

        Args:
            key: The export's.
            last: As an earlier owner told it, where one did.
        """
        self._exports.follow(key, last)
        self._news.set()

    async def observe(self) -> AsyncGenerator[Sequence[Reading]]:
        """See `tracker.providers.base.Source.observe`."""
        self._sweeps, reads = True, 0
        while True:
            if self._sweeps or _now_s() >= self._due_s:
                self._due_s = _now_s() + self._settings.recordings_interval_s
                sweeps = self._archive.lists_by_start or reads % SWEEP_EVERY == 0
                self._sweeps |= sweeps
                reads += 1
                async for turn in self._read():
                    yield turn
            async for export in self._exports.read():
                yield [Exported(export=export)]
            await self._rest()

    def resync(self) -> None:
        """Have everything told again: some of it may have been lost."""
        self._retold = set(self._told)
        self._exports.retell()
        self._sweeps = True
        self._news.set()

    def follow(self, call: str) -> None:
        """There is nothing to follow."""

    def look(self, call: str) -> None:
        """Read what is recent again, soon: something new is there."""
        self._due_s = 0.0
        self._news.set()

    @asynccontextmanager
    async def commanding(self, asked_at: datetime) -> AsyncIterator[Ask]:
        """What is stored takes no commands."""
        yield _refuse

    async def _read(self) -> AsyncIterator[Sequence[Reading]]:
        """What is new since the last time; after a sweep, also what went."""
        began_at, began_s = datetime.now(UTC), _now_s()
        sweeps, self._sweeps = self._sweeps, False
        since = self._since(began_at) if sweeps else began_at - RECENT
        new_since = self._new_since(began_at)
        shown: dict[str, bytes] = {}
        async for page in self._archive.saved_since(since):
            self._answered_at_s = _now_s()
            found = {media.key: (media, _dumped(media)) for media in page}
            turn = [
                Saved(media=media, old=_is_old(media, new_since))
                for key, (media, raw) in found.items()
                if raw != self._told.get(key) or key in self._retold
            ]
            if turn:
                yield turn
            self._retold -= found.keys()
            raws = {key: raw for key, (_, raw) in found.items()}
            shown |= raws
            self._told |= raws
        self._answered_at_s = _now_s()
        ended: list[Reading] = []
        if sweeps:
            gone, kept = await self._missing(since, shown)
            if gone:
                yield [Saved(media=media, gone=True) for media in gone]
            self._told = shown | kept
            self._retold &= self._told.keys()
            ended.append(Polled(age_s=_now_s() - began_s))
            self._polled_at = began_at
        yield [*ended, Checkpoint(age_s=_now_s() - began_s, process="")]

    def _since(self, now: datetime) -> datetime:
        late = timedelta(hours=self._settings.recordings_late_h)
        if self._polled_at is None:
            return now - max(late, timedelta(days=self._settings.backfill_days))
        return min(self._polled_at, now) - late

    def _new_since(self, now: datetime) -> datetime | None:
        """The first full read tells only what began later; None = all is told."""
        if self._polled_at is not None:
            return None
        return now - timedelta(days=self._settings.backfill_days)

    async def _missing(
        self, since: datetime, shown: dict[str, bytes]
    ) -> tuple[list[MediaSnapshot], dict[str, bytes]]:
        """Of what was there and should have been shown: what went, and what did not."""
        gone, kept = [], {}
        asked = 0
        for key in self._told.keys() - shown.keys():
            media = MediaSnapshot.model_validate_json(self._told[key])
            if media.started_at is None or media.started_at < since:
                continue
            asked += 1
            if asked > MOST_CONFIRMED or await self._is_there(key):
                kept[key] = self._told[key]
            else:
                gone.append(media)
        return gone, kept

    async def _is_there(self, key: str) -> bool:
        try:
            await self._archive.recording(key)
            is_there = True
        except NotFoundError:
            is_there = False
        self._answered_at_s = _now_s()
        return is_there

    async def _rest(self) -> None:
        """Wait for what is due next, or for somebody who wants something."""
        pause_s = 0.0 if self._sweeps else self._due_s - _now_s()
        if self._exports:
            pause_s = min(pause_s, EXPORT_EVERY_S)
        try:
            async with asyncio.timeout(max(0.0, pause_s)):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()


def _is_old(media: MediaSnapshot, new_since: datetime | None) -> bool:
    if new_since is None:
        return False
    return media.started_at is None or media.started_at < new_since


def _dumped(media: MediaSnapshot) -> bytes:
    return media.model_dump_json(exclude_none=True).encode()


async def _refuse(_leg_id: str, action: Action, _options: Options) -> None:
    message = f"a stored recording cannot be told to {action}"
    raise CommandRefusedError(message)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
