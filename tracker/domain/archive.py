"""Stored recordings as one API: what outlets ask of a platform's archive.

Live calls come by the store; what a platform has stored is asked of the platform
itself, when somebody wants it. Providers implement `Archive`, the composition root
hands the archives to the outlets, and neither knows of the other.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from tracker.domain.base import Instant, Model

MediaKind = Literal["company", "on_demand", "kazoo"]
Direction = Literal["inbound", "outbound", "internal"]
AudioState = Literal["ready", "pending", "absent", "external"]
"""There; not yet; never; at a place of the operator's that tracker has no key to."""

Fate = Literal["deleted", "kept", "unknown"]
JobState = Literal["running", "completed", "failed", "expired"]
Order = Literal["start:asc", "start:desc"]


class MediaSnapshot(Model):
    """One stored recording.

    Attributes:
        key: ``provider/account/id``; whatever else is needed to find it is in the id.
        call_key: Of the call that it is of, as tracker would name it; None = the
            platform does not say.
        user: Whose recording it is, where it belongs to one.
        origin: What started it, where the platform says.
        version: Of its public form; rises when tracker sees it change.
    """

    key: str
    provider: str
    account: str
    kind: MediaKind
    call_key: str | None = None
    call_id: str | None = None
    direction: Direction | None = None
    caller_id: str | None = None
    cnam: str | None = None
    dnis: str | None = None
    extensions: tuple[str, ...] = ()
    user: str | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    duration_ms: int | None = None
    size_bytes: int | None = None
    file_name: str | None = None
    rule_ids: tuple[str, ...] = ()
    origin: str | None = None
    audio: AudioState = "ready"
    version: int = 1


class MediaQuery(Model):
    """Which recordings; None = whatever. Between fields *and*.

    Attributes:
        call: A call id of the platform.
        agent: An extension, or the user whose recordings are wanted.
        from_at, to_at: Of the start, inclusive.
    """

    kind: MediaKind | None = None
    call: str | None = None
    agent: str | None = None
    direction: Direction | None = None
    caller_id: str | None = None
    cnam: str | None = None
    dnis: str | None = None
    from_at: Instant | None = None
    to_at: Instant | None = None
    min_duration_ms: int | None = Field(default=None, ge=0)
    max_duration_ms: int | None = Field(default=None, ge=0)
    order: Order = "start:desc"


class Page(NamedTuple):
    """Some of what was asked for.

    Attributes:
        after: Where the next page begins, opaque; None = this was the last one.
    """

    items: Sequence[MediaSnapshot]
    after: str | None


class Deleted(Model):
    """What became of a recording that was to be deleted."""

    document: Fate
    audio: Fate


class ExportJob(Model):
    """One of the platform's own jobs."""

    id: str
    state: JobState
    status: str | None = None
    files_completed: int | None = None
    files_total: int | None = None
    valid_until: Instant | None = None


class ExportSnapshot(Model):
    """A bulk download that the platform prepares, in one or more jobs.

    Attributes:
        key: ``provider/account/id``.
        filters: What was asked for; None where only the platform knows.
        state: Of its jobs together: failed when one is, completed when all are.
        version: Of its public form; rises when tracker sees it change.
    """

    key: str
    provider: str
    account: str
    filters: MediaQuery | None = None
    state: JobState
    jobs: tuple[ExportJob, ...]
    version: int = 1


class Range(NamedTuple):
    """A part of a file: from its *first* byte to its *last*, or to the end."""

    first: int
    last: int | None = None


class Stream(NamedTuple):
    """A file on its way, not held anywhere.

    Attributes:
        chunks: The bytes, as they come; ProviderUnavailableError when it broke off.
        status: 200, or 206 with *content_range*.
        size: Of what comes, in bytes; None = not told.
    """

    chunks: AsyncIterator[bytes]
    content_type: str
    status: Literal[200, 206] = 200
    size: int | None = None
    content_range: str | None = None
    file_name: str | None = None


class Archive(Protocol):
    """The stored recordings of one account.

    Every method asks the platform, and raises:
        NotFoundError: It has no such thing.
        CommandRefusedError: It said no, and why.
        ProviderLockedError: The credentials are refused; a person is needed.
        ProviderUnavailableError: No good answer; try again later.
    """

    @property
    def key(self) -> str:
        """The account's, ``provider/account``."""
        ...

    @property
    def exports(self) -> bool:
        """Whether it can prepare bulk downloads."""
        ...

    @property
    def lists_by_start(self) -> bool:
        """Whether one saved late stands where it began, not among the newest."""
        ...

    async def recordings(
        self, query: MediaQuery, limit: int, after: str | None = None
    ) -> Page:
        """A page of at most *limit* recordings, in the order that *query* asks for.

        What is added or deleted meanwhile makes nothing else be missed or come twice
        over the pages of one listing. The same *after* may be asked for again.

        Raises:
            ValueError: *after*, which comes from outside, is none of a page.
        """
        ...

    def saved_since(self, at: datetime) -> AsyncIterator[Sequence[MediaSnapshot]]:
        """Pages of all that the platform may have saved since *at*, in no order.

        More than that does no harm. Where `lists_by_start`: of all that began since.
        """
        ...

    async def recording(self, key: str) -> MediaSnapshot:
        """One recording."""
        ...

    async def delete(self, key: str) -> Deleted:
        """Delete one; what became of its audio is told as far as the platform does."""
        ...

    def audio(
        self, key: str, part: Range | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Its audio; the whole, where the platform knows no parts.

        Raises:
            RangeError: The file has no such part.
        """
        ...

    async def export(self, query: MediaQuery) -> ExportSnapshot:
        """Have everything that matches prepared for a bulk download."""
        ...

    async def export_jobs(self) -> Sequence[ExportSnapshot]:
        """All exports that the platform still knows."""
        ...

    async def export_job(self, key: str) -> ExportSnapshot:
        """One export as it stands."""
        ...

    def download(
        self, key: str, job: str | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """The archive file of a completed export's *job*; None = of its only one."""
        ...
