"""The stored recordings of one Vonage Business account."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from tracker.domain.archive import (
    Deleted,
    ExportSnapshot,
    MediaQuery,
    MediaSnapshot,
    Page,
    Range,
    Stream,
)
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderError,
    ProviderUnavailableError,
)
from tracker.providers.vonage_business.client import VonageBusinessClient
from tracker.providers.vonage_business.cursor import read_cursor, write_cursor
from tracker.providers.vonage_business.jobs import Jobs
from tracker.providers.vonage_business.listing import (
    LARGEST_PAGE,
    Item,
    ShelfReader,
)
from tracker.providers.vonage_business.normalise import (
    OwnedJob,
    export,
    job_state,
    media,
)
from tracker.providers.vonage_business.places import (
    Place,
    Shelf,
    account_key,
    jobs_at,
    recording_at,
    shelves_of,
)
from tracker.providers.vonage_business.query import wanted
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.providers.vonage_business.wire import (
    Recording,
    parse_recording,
    parse_recordings,
)
from tracker.providers.wire import Garbled

_AT_ONCE: Final = 8
"""Shelves that are read at the same time; no rate limit is documented."""


class VonageBusinessArchive:
    """An `Archive`: the company's recordings, and those of the users it is told."""

    exports: Final = True
    lists_by_start: Final = True

    def __init__(self, client: VonageBusinessClient) -> None:
        self._client = client
        self._settings = client.settings
        self._jobs = Jobs(client)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def key(self) -> str:
        """The account's, ``provider/account``."""
        return account_key(self._settings)

    async def check(self) -> str:
        """Reach the platform once; one line of what was found.

        Raises:
            ProviderError: It cannot be used, and why.
        """
        company = await self._count(Shelf())
        users = [Shelf(user) for user in self._settings.users]
        theirs = sum([await self._count(user) for user in users])
        return (
            f"token granted, {company} company recordings; "
            f"{theirs} on-demand ones of {len(users)} users"
        )

    async def recordings(
        self, query: MediaQuery, limit: int, after: str | None = None
    ) -> Page:
        """A page of all shelves together; one more is read, to know if there is one."""
        falls = query.order == "start:desc"
        mark = None if after is None else read_cursor(after, query.order)
        readers = [
            ShelfReader(self._client, shelf, query, mark, limit + 1)
            for shelf in shelves_of(self._settings)
            if wanted(query, shelf)
        ]
        await self._fill(readers)
        found: list[Item] = []
        while len(found) <= limit and (heads := [it for it in readers if it.items]):
            first = (max if falls else min)(heads, key=lambda it: it.items[0].mark)
            found.append(first.items.popleft())
            await first.fill()
        shown = found[:limit]
        has_more = len(found) > limit > 0
        cursor = write_cursor(shown[-1].mark, query.order) if has_more else None
        return Page([item.media for item in shown], cursor)

    async def saved_since(
        self, at: datetime
    ) -> AsyncGenerator[Sequence[MediaSnapshot]]:
        """Pages of those that began since then: when one was saved is not told.

        One shelf after the other, so that each costs its own pages only.
        """
        query = MediaQuery(from_at=at, order="start:asc")
        readers = [
            ShelfReader(self._client, shelf, query, None, LARGEST_PAGE)
            for shelf in shelves_of(self._settings)
        ]
        await self._fill(readers)
        for reader in readers:
            while reader.items:
                yield [item.media for item in reader.items]
                reader.items.clear()
                await reader.fill()

    async def recording(self, key: str) -> MediaSnapshot:
        """One recording."""
        place = recording_at(self._settings, key)
        return media(await self._read(place), place.shelf, self._settings)

    async def delete(self, key: str) -> Deleted:
        """Delete one; the platform says nothing about the audio."""
        place = recording_at(self._settings, key)
        await self._client.delete(_path(place), "a recording")
        return Deleted(document="deleted", audio="unknown")

    @asynccontextmanager
    async def audio(self, key: str, part: Range | None = None) -> AsyncIterator[Stream]:
        """Its audio; the whole, where the platform knows no parts."""
        recording = await self._read(recording_at(self._settings, key))
        if recording.download_url is None:
            raise self._absent("the audio is not there yet")
        url = recording.download_url
        async with self._client.stream(url, "the audio", part) as stream:
            yield stream._replace(file_name=recording.file_name)

    async def export(self, query: MediaQuery) -> ExportSnapshot:
        """Have it exported, by one request for each shelf that it may be on.

        When one fails, the error's last word is the key of what has begun by then.
        """
        shelves = [it for it in shelves_of(self._settings) if wanted(query, it)]
        if not shelves:
            msg = f"{self._settings.account}: it has no such recordings"
            raise CommandRefusedError(msg)
        jobs: list[OwnedJob] = []
        try:
            for shelf in shelves:
                jobs += await self._begin(query, shelf)
        except (ProviderError, asyncio.CancelledError) as error:
            if jobs:
                key = self._export(jobs).key
                self._client.note("export incomplete", key)
                error.args = (f"{error}; this has begun: {key}",)
            raise
        if not jobs:
            raise self._absent("none of the users is known")
        return self._export(jobs)

    async def export_jobs(self) -> Sequence[ExportSnapshot]:
        """All jobs that the platform still knows, each as an export of its own."""
        return [self._export([job]) for job in await self._jobs.all()]

    async def export_job(self, key: str) -> ExportSnapshot:
        """One export as it stands."""
        places = jobs_at(self._settings, key)
        return self._export([await self._jobs.find(place) for place in places])

    @asynccontextmanager
    async def download(self, key: str, job: str | None = None) -> AsyncIterator[Stream]:
        """The zip of a completed export's *job*; None = of its only one."""
        url, name = await self._zip(key, job)
        async with self._client.stream(url, "an export") as stream:
            yield stream._replace(file_name=f"{name}.zip")

    async def _zip(self, key: str, job: str | None) -> tuple[str, str]:
        """Where it is, and of which job."""
        places = jobs_at(self._settings, key)
        named = [place for place in places if job in (None, place.id)]
        if not named:
            raise self._absent("the export has no such job")
        if len(named) > 1:
            msg = f"{self._settings.account}: the export has several jobs: name one"
            raise CommandRefusedError(msg)
        found = (await self._jobs.find(named[0])).job
        state = job_state(found, datetime.now(UTC))
        if state in ("running", "failed"):
            msg = f"{self._settings.account}: the export's job is {state}"
            raise CommandRefusedError(msg)
        if state == "expired" or found.download_url is None:
            raise self._absent("the export's file is gone")
        return found.download_url, found.id

    async def _fill(self, readers: Sequence[ShelfReader]) -> None:
        """Read the first of every shelf, some at once."""

        async def fill(reader: ShelfReader) -> None:
            async with self._turns:
                await reader.fill()

        done = await asyncio.gather(*map(fill, readers), return_exceptions=True)
        for outcome in done:
            if outcome is not None:
                raise outcome

    async def _begin(self, query: MediaQuery, shelf: Shelf) -> list[OwnedJob]:
        """A shelf's jobs; a user who is unknown has none."""
        try:
            return await self._jobs.begin(query, shelf)
        except NotFoundError:
            if shelf.user is None:
                raise
            self._client.note("user unknown", shelf.user)
            return []

    async def _read(self, place: Place) -> Recording:
        recording = parse_recording(await self._client.get(_path(place), "a recording"))
        if isinstance(recording, Garbled):
            raise self._odd(recording)
        return recording.model_copy(update={"id": place.id})

    async def _count(self, shelf: Shelf) -> int:
        asked: dict[str, str | int] = {"page": 1, "page_size": 1}
        what = "the company's" if shelf.user is None else f"user {shelf.user}'s"
        body = await self._client.get(shelf.path, f"{what} recordings", asked)
        listed = parse_recordings(body)
        if isinstance(listed, Garbled):
            raise self._odd(listed)
        return listed.counts.total_items or len(listed.items)

    def _export(self, jobs: Sequence[OwnedJob]) -> ExportSnapshot:
        return export(jobs, self._settings, datetime.now(UTC))

    def _odd(self, garbled: Garbled) -> ProviderUnavailableError:
        msg = f"{self._settings.account}: {garbled.kind}: {garbled.shape}"
        return ProviderUnavailableError(msg)

    def _absent(self, words: str) -> NotFoundError:
        return NotFoundError(f"{self._settings.account}: {words}")


def _path(place: Place) -> str:
    return f"{place.shelf.path}/{place.id}"


@asynccontextmanager
async def open_archive(
    settings: VonageBusinessSettings,
) -> AsyncIterator[VonageBusinessArchive]:
    """The account's archive, while it is open.

    Raises:
        ConfigError: A secret is missing.
    """
    async with VonageBusinessClient(settings) as client:
        yield VonageBusinessArchive(client)
