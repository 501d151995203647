"""What Vonage Business Communications sends, in its own words.

Fields that are missing, null, new or of another type are let pass. An answer that has
nothing of what it should be is `Garbled`; so is a recording without an id or a start.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple, TypeVar

from pydantic import (
    AliasPath,
    BeforeValidator,
    Field,
    ValidationError,
    WrapValidator,
)

from tracker.providers.wire import (
    Count,
    DurationMs,
    Garbled,
    Said,
    Seconds,
    Words,
    instant_of,
    outline,
    parse_object,
    text_of,
    tolerate,
)

DEFAULT_LIFETIME_S: Final = 86_400.0
"""Of a token whose answer does not say."""

_LONGEST_MESSAGE: Final = 200


def _texts(value: object) -> tuple[str, ...]:
    """Of a list, or of the one thing that is in its place."""
    items = value if isinstance(value, list) else [value]
    return tuple(text for text in map(text_of, items) if text is not None)


def _instant(value: object) -> datetime | None:
    """Of ``2019-01-01T00:00:00+0000``, and other ISO 8601; UTC when it doesn't say."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(at, datetime):
            return None
        aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return instant_of(aware)
    except (ValueError, OverflowError):
        return None


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Date = Annotated[datetime | None, BeforeValidator(_instant)]


class Recording(Said):
    """A stored recording of a call.

    Attributes:
        start: When the call began, to the second.
        duration: In milliseconds.
        download_url: Of the audio; wants the token.
    """

    id: str
    start: datetime
    end: Date = None
    duration: DurationMs = None
    call_direction: Words = None
    call_id: Words = None
    caller_id: Words = None
    cnam: Words = None
    dnis: Words = None
    extensions: Texts = ()
    rule_ids: Texts = ()
    file_name: Words = None
    file_size_in_bytes: Count = None
    download_url: Words = None


class Job(Said):
    """An export job.

    Attributes:
        status: In words; only ``complete`` is documented.
        download_url: Of the zip; wants the token.
    """

    id: str
    status: Words = None
    files_completed: Count = None
    files_total: Count = None
    valid_until: Date = None
    download_url: Words = None


class Counts(Said):
    """How much a list holds in all; None = it does not say.

    Attributes:
        page_size: Of this page, which may be less than was asked for.
    """

    page_size: Count = None
    total_items: Count = None
    total_pages: Count = None


class _Embedded(Counts):
    recordings: list[object] | None = Field(
        default=None, validation_alias=AliasPath("_embedded", "recordings")
    )
    jobs: list[object] | None = Field(
        default=None, validation_alias=AliasPath("_embedded", "jobs")
    )


T = TypeVar("T", Recording, Job)


class Listed(NamedTuple):
    """A page of recordings.

    Attributes:
        items: Those that could be understood.
        garbled: Those that could not.
    """

    items: list[Recording]
    garbled: list[Garbled]
    counts: Counts


class ListedJobs(NamedTuple):
    """A page of jobs; one without an id is left out."""

    items: Sequence[Job] = ()
    counts: Counts = Counts()


class Token(Said):
    """An access token and its refresh token, which are secrets.

    Attributes:
        expires_in: Seconds of the access token's whole life.
    """

    access_token: str = Field(min_length=1, repr=False)
    refresh_token: Annotated[str | None, WrapValidator(tolerate)] = Field(
        default=None, min_length=1, repr=False
    )
    expires_in: Seconds = None

    @property
    def lifetime_s(self) -> float:
        """Of the access token."""
        return self.expires_in or DEFAULT_LIFETIME_S


def parse_recording(body: bytes) -> Recording | Garbled:
    """Read one recording."""
    return _recording(parse_object(body))


def parse_recordings(body: bytes) -> Listed | Garbled:
    """Read a page of recordings."""
    page = _page(body, "recordings")
    if isinstance(page, Garbled):
        return page
    read = [_recording(item) for item in page.recordings or ()]
    items = [item for item in read if isinstance(item, Recording)]
    garbled = [item for item in read if isinstance(item, Garbled)]
    return Listed(items, garbled, page)


def parse_job(body: bytes) -> Job | Garbled:
    """Read one job."""
    return _job(parse_object(body))


def parse_jobs(body: bytes) -> ListedJobs | Garbled:
    """Read a page of jobs."""
    page = _page(body, "jobs")
    if isinstance(page, Garbled):
        return page
    read = [_job(item) for item in page.jobs or ()]
    return ListedJobs([item for item in read if isinstance(item, Job)], page)


def parse_job_ids(body: bytes) -> tuple[str, ...] | Garbled:
    """Read which jobs an export became; at least one."""
    answer = parse_object(body)
    ids = _texts(answer.get("job_ids"))
    return ids or Garbled("job ids", outline(answer))


def parse_token(body: bytes) -> Token | Garbled:
    """Read the token endpoint's answer."""
    answer = parse_object(body)
    try:
        return Token.model_validate(answer)
    except ValidationError:
        return Garbled("token", outline(answer))


def parse_message(body: bytes) -> str | None:
    """Read why a request was refused; None when it is not said."""
    answer = parse_object(body)
    said = (text_of(answer.get(key)) for key in ("message", "msg", "title"))
    return next((text[:_LONGEST_MESSAGE] for text in said if text), None)


def _recording(answer: object) -> Recording | Garbled:
    return _read(Recording, answer, "recording")


def _job(answer: object) -> Job | Garbled:
    return _read(Job, answer, "job")


def _read(kind: type[T], answer: object, what: str) -> T | Garbled:
    if not isinstance(answer, dict):
        return Garbled(what, outline(answer))
    told = {
        **answer,
        "id": text_of(answer.get("id")),
        "start": _instant(answer.get("start")),
    }
    try:
        return kind.model_validate(told)
    except ValidationError:
        return Garbled(what, outline(answer))


def _page(body: bytes, what: str) -> _Embedded | Garbled:
    """A page; it may be empty, if it says how much there is."""
    answer = parse_object(body)
    if not {"_embedded", "total_items"} & answer.keys():
        return Garbled(what, outline(answer))
    try:
        return _Embedded.model_validate(answer)
    except ValidationError:
        return Garbled(what, outline(answer))
