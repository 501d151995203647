"""An archive in memory: it keeps to the protocol, and fails when a test says so."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tracker.domain.archive import (
    Archive,
    Deleted,
    ExportJob,
    ExportSnapshot,
    MediaQuery,
    MediaSnapshot,
    Page,
    Range,
    Stream,
)
from tracker.domain.key import make_key
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderUnavailableError,
    RangeError,
)

BEGUN_AT = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK_BYTES = 64 * 1024
_FAR = 10**9


class Shelf(Archive):
    """Of one account.

    Attributes:
        held: Recordings by key.
        failure: What every method raises, while it is set.
        faults: By an export's key, what looks at it raise one after the other.
        lists_by_start: One saved late stands where it began.
        breaks_off: A listing does, after its first page.
        audio_bytes: Of every audio file.
        tells_size: Whether a file's size is told before it comes.
        short_by: Bytes of a file that are told and do not come.
        cut_after: Bytes after which a file breaks off.
        served: Bytes of files that were taken from here.
        asked: Every call of a method, with what it was asked.
        closed: Set when a file is closed.
    """

    def __init__(self, account: str, provider: str = "kazoo", *, exports: bool = True):
        self._key, self._exports = make_key(provider, account), exports
        self._by_start = False
        self.breaks_off = False
        self.held: dict[str, MediaSnapshot] = {}
        self.jobs: dict[str, ExportSnapshot] = {}
        self.failure: Exception | None = None
        self.faults: dict[str, Iterator[Exception]] = {}
        self.audio_bytes = 1000
        self.tells_size = True
        self.cut_after: int | None = None
        self.short_by = 0
        self.file_name: str | None = None
        self.content_type = "audio/mpeg"
        self.served = 0
        self.asked: list[tuple[str, Any]] = []
        self.closed = asyncio.Event()

    @property
    def key(self) -> str:
        return self._key

    @property
    def exports(self) -> bool:
        return self._exports

    @property
    def lists_by_start(self) -> bool:
        return self._by_start

    @lists_by_start.setter
    def lists_by_start(self, by_start: bool) -> None:
        self._by_start = by_start

    def put(self, number: int, **more: Any) -> str:
        """Store the recording that began *number* seconds after the beginning."""
        provider, account = self._key.split("/")
        key = f"{self._key}/r{number}"
        self.held[key] = MediaSnapshot(
            **{
                "key": key,
                "provider": provider,
                "account": account,
                "kind": "kazoo",
                "started_at": BEGUN_AT + timedelta(seconds=number),
                **more,
            }
        )
        return key

    async def recordings(
        self, query: MediaQuery, limit: int, after: str | None = None
    ) -> Page:
        self._hear("recordings", query)
        descending = query.order == "start:desc"
        found = sorted(self.held.values(), key=_order, reverse=descending)
        if after is not None:
            begin, key = after.split("|")
            place = (datetime.fromisoformat(begin), key)
            found = [m for m in found if (_order(m) < place) == descending]
            found = [m for m in found if _order(m) != place]
        found = [m for m in found if query.call in (None, m.call_id)]
        page = found[:limit]
        if len(found) <= limit:
            return Page(page, None)
        begin_at, key = _order(page[-1])
        return Page(page, f"{begin_at.isoformat()}|{key}")

    async def saved_since(
        self, at: datetime
    ) -> AsyncGenerator[Sequence[MediaSnapshot]]:
        """Two to a page; whenever they began, unless they are listed by that."""
        self._hear("saved_since", at)
        found = sorted(self.held.values(), key=_order)
        if self.lists_by_start:
            found = [it for it in found if it.started_at and it.started_at >= at]
        for number in range(0, len(found), 2):
            if number and self.breaks_off:
                raise ProviderUnavailableError("it broke off")
            yield found[number : number + 2]

    async def recording(self, key: str) -> MediaSnapshot:
        self._hear("recording", key)
        return self._one(key)

    async def delete(self, key: str) -> Deleted:
        self._hear("delete", key)
        del self.held[self._one(key).key]
        return Deleted(document="deleted", audio="kept")

    @asynccontextmanager
    async def audio(self, key: str, part: Range | None = None) -> AsyncIterator[Stream]:
        self._hear("audio", part)
        self._one(key)
        first, last, size = 0, self.audio_bytes - 1, self.audio_bytes
        if part is not None:
            if part.first >= size:
                raise RangeError(size)
            first, last = (
                part.first,
                min(last, _FAR if part.last is None else part.last),
            )
        try:
            yield Stream(
                self._bytes(first, last + 1 - self.short_by),
                self.content_type,
                206 if part else 200,
                last + 1 - first if self.tells_size else None,
                f"bytes {first}-{last}/{size}" if part else None,
                self.file_name,
            )
        finally:
            self.closed.set()

    async def export(self, query: MediaQuery) -> ExportSnapshot:
        self._hear("export", query)
        provider, account = self._key.split("/")
        made = ExportSnapshot(
            key=f"{self._key}/e{len(self.jobs)}",
            provider=provider,
            account=account,
            state="running",
            jobs=(ExportJob(id="j1", state="running", files_total=2),),
        )
        self.jobs[made.key] = made
        return made

    async def export_jobs(self) -> Sequence[ExportSnapshot]:
        self._hear("export_jobs", None)
        return list(self.jobs.values())

    async def export_job(self, key: str) -> ExportSnapshot:
        """One; it is completed when it is looked at again."""
        self._hear("export_job", key)
        for fault in self.faults.get(key, ()):
            raise fault
        found = self.jobs.get(key)
        if found is None:
            raise NotFoundError("no export")
        job = found.jobs[0].but(state="completed", files_completed=2)
        self.jobs[key] = found.but(state="completed", jobs=(job,))
        return found

    @asynccontextmanager
    async def download(self, key: str, job: str | None = None) -> AsyncIterator[Stream]:
        self._hear("download", job)
        if key not in self.jobs or job not in (None, "j1"):
            raise NotFoundError("no export")
        if self.jobs[key].state != "completed":
            raise CommandRefusedError("it is not ready")
        yield Stream(self._bytes(0, self.audio_bytes), "application/zip")

    async def _bytes(self, begin: int, end: int) -> AsyncIterator[bytes]:
        at = begin
        while at < end:
            if self.cut_after is not None and at - begin >= self.cut_after:
                raise ProviderUnavailableError("it broke off")
            size = min(CHUNK_BYTES, end - at, self.cut_after or CHUNK_BYTES)
            yield b""  # means nothing
            yield content(at, at + size)
            at += size
            self.served += size

    def _hear(self, what: str, asked: Any) -> None:
        self.asked.append((what, asked))
        if self.failure is not None:
            raise self.failure

    def _one(self, key: str) -> MediaSnapshot:
        if key not in self.held:
            raise NotFoundError("no recording")
        return self.held[key]


def content(begin: int, end: int) -> bytes:
    """The bytes of every file from *begin* to before *end*."""
    cycle = bytes(range(251))
    offset = begin % 251
    return (cycle * ((end - begin) // 251 + 2))[offset : offset + end - begin]


def _order(media: MediaSnapshot) -> tuple[datetime, str]:
    return media.started_at or BEGUN_AT, media.key
