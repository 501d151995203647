"""The stored recordings of one Kazoo account."""

from collections.abc import AsyncIterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from datetime import UTC, datetime, timedelta
from typing import Final

from tracker.domain.archive import (
    AudioState,
    Deleted,
    ExportSnapshot,
    MediaQuery,
    MediaSnapshot,
    Page,
    Range,
    Stream,
)
from tracker.domain.key import make_key, split_key
from tracker.errors import CommandRefusedError, NotFoundError
from tracker.providers.kazoo.client import KazooClient
from tracker.providers.kazoo.cursor import Cursor, Mark, read_cursor, write_cursor
from tracker.providers.kazoo.listing import Listing
from tracker.providers.kazoo.normalise import PROVIDER, audio_of, media, missing_audio
from tracker.providers.kazoo.query import lists_of
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.kazoo.windows import read_since, read_window
from tracker.providers.kazoo.wire import Recording

_KEY_PARTS: Final = 3
_CHECKED: Final = timedelta(days=1)


class KazooArchive:
    """An `Archive`: the account's recordings, or those of the users of the settings."""

    exports: Final = False
    lists_by_start: Final = False

    def __init__(self, client: KazooClient) -> None:
        self._client = client
        self._settings = client.settings

    @property
    def key(self) -> str:
        """The account's, ``provider/account``."""
        return make_key(PROVIDER, self._settings.account)

    async def check(self) -> str:
        """Reach the platform once; one line of what was found.

        Raises:
            ProviderError: It cannot be used, and why.
        """
        lists, now = lists_of(MediaQuery(), self._settings), datetime.now(UTC)
        pages = read_window(self._client, lists, now - _CHECKED, now)
        found = sum([len(page) async for page in pages])
        of = f" of {len(self._settings.users)} users" if self._settings.users else ""
        return f"{found} recordings{of} in a day"

    async def recordings(
        self, query: MediaQuery, limit: int, after: str | None = None
    ) -> Page:
        """A page, in order of the start; one more is read, to know if there is one."""
        cursor = None if after is None else read_cursor(after, query.order)
        wanted = limit + 1 if limit > 0 else 0
        found = await Listing(self._client, query, wanted, cursor).read()
        shown, more = found.items[:limit], len(found.items) > limit
        now = datetime.now(UTC)
        items = [media(recording, self._settings, now) for recording in shown]
        if not (more and shown):
            return Page(items, None)
        mark = Mark(shown[-1].start, shown[-1].id)
        return Page(items, write_cursor(Cursor(mark, found.span_s), query.order))

    async def saved_since(self, at: datetime) -> AsyncIterator[Sequence[MediaSnapshot]]:
        """Pages of all that may have been saved since *at*, in no particular order."""
        lists = lists_of(MediaQuery(), self._settings)
        async for page in read_since(self._client, lists, at):
            now = datetime.now(UTC)
            yield [media(recording, self._settings, now) for recording in page]

    async def recording(self, key: str) -> MediaSnapshot:
        """One recording; its audio is asked for, since the document doesn't tell."""
        id_ = self._id(key)
        recording = await self._read(id_)
        now = datetime.now(UTC)
        shown = media(recording, self._settings, now)
        if shown.audio in ("external", "ready"):
            return shown
        audio, size_bytes = await self._audio_of(id_, missing_audio(recording, now))
        return shown.but(audio=audio, size_bytes=size_bytes)

    async def delete(self, key: str) -> Deleted:
        """Delete one; its audio goes too, unless it lies elsewhere."""
        id_ = self._id(key)
        recording = await self._read(id_)
        await self._client.delete(id_)
        is_elsewhere = recording.url is not None or self._settings.external_storage
        return Deleted(document="deleted", audio="kept" if is_elsewhere else "deleted")

    @asynccontextmanager
    async def audio(self, key: str, part: Range | None = None) -> AsyncIterator[Stream]:
        """Its audio; the whole, where the server knows no parts."""
        id_ = self._id(key)
        recording = await self._read(id_)
        now = datetime.now(UTC)
        if audio_of(recording, now) == "external":
            raise self._absent("the audio was sent to a place of its own")
        async with AsyncExitStack() as stack:
            try:
                opening = self._client.audio(id_, part)
                stream = await stack.enter_async_context(opening)
            except NotFoundError as error:
                yet = " yet" if missing_audio(recording, now) == "pending" else ""
                msg = f"the audio is not there{yet}"
                raise self._absent(msg) from error
            yield stream._replace(file_name=recording.name)

    async def export(self, query: MediaQuery) -> ExportSnapshot:
        """The platform prepares no bulk downloads."""
        raise self._no_exports()

    async def export_jobs(self) -> Sequence[ExportSnapshot]:
        """There are none."""
        return ()

    async def export_job(self, key: str) -> ExportSnapshot:
        """There is none."""
        raise self._absent("the platform prepares no bulk downloads")

    def download(
        self, key: str, job: str | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """There is none."""
        raise self._absent("the platform prepares no bulk downloads")

    async def _audio_of(
        self, id_: str, otherwise: AudioState
    ) -> tuple[AudioState, int | None]:
        """Whether it is there, and how large; nothing of it is read."""
        try:
            async with self._client.audio(id_) as stream:
                return "ready", stream.size
        except NotFoundError:
            return otherwise, None

    async def _read(self, id_: str) -> Recording:
        """A document, of the users' whose recordings are read."""
        recording = await self._client.recording(id_)
        if self._settings.users and recording.owner_id not in self._settings.users:
            raise self._absent("there is no such recording")
        return recording

    def _id(self, key: str) -> str:
        parts = split_key(key)
        if len(parts) != _KEY_PARTS or parts[:2] != (PROVIDER, self._settings.account):
            raise NotFoundError("there is no such thing in this account")
        return parts[2]

    def _absent(self, words: str) -> NotFoundError:
        return NotFoundError(f"{self._settings.account}: {words}")

    def _no_exports(self) -> CommandRefusedError:
        msg = f"{self._settings.account}: the platform prepares no bulk downloads"
        return CommandRefusedError(msg)


@asynccontextmanager
async def open_archive(settings: KazooSettings) -> AsyncIterator[KazooArchive]:
    """The account's archive, while it is open.

    Raises:
        ConfigError: A secret is missing.
    """
    async with KazooClient(settings) as client:
        yield KazooArchive(client)
