"""What becomes of recordings once they are over: documents and their audio."""

import random
from collections.abc import Callable
from math import inf

from tracker.simulators.kazoo.archive import Archive, month_of
from tracker.simulators.kazoo.audio import size_of
from tracker.simulators.kazoo.model import Delay, Document, Recorded
from tracker.simulators.kazoo.options import KazooOptions


class RecordingStore:
    """The documents of one account.

    Attributes:
        archive: All that were saved and not deleted.
        kept_audio: The ids of deleted documents whose audio is elsewhere and stays.
        listener: Called with every document that is saved.
        news: Called after everything that happened here.

    Args:
        options: How documents and audio come to be.
        clock: Unix seconds.
    """

    def __init__(self, options: KazooOptions, clock: Callable[[], float]) -> None:
        self.archive = Archive()
        self.kept_audio: list[str] = []
        self.listener: Callable[[Document], None] = lambda _document: None
        self.news: Callable[[], None] = lambda: None
        self._options = options
        self._clock = clock
        self._ids = random.Random(options.seed)  # noqa: S311 guards nothing

    def make_id(self, unix_s: float) -> str:
        """A new id in the month of an instant."""
        return f"{month_of(unix_s)}-{self._ids.getrandbits(128):032x}"

    def id_when_saved(self, document_id: str) -> str:
        """What an id that was made at a recording's start is in a document of now."""
        if self._options.month_of == "start":
            return document_id
        return month_of(self._clock()) + document_id[6:]

    def add(self, recorded: Recorded) -> Document:
        """Save a document now, of whatever was recorded whenever.

        Raises:
            ValueError: There is one with its id.
        """
        now_s = self._clock()
        start_s = recorded.start_at_s
        if start_s is None:
            start_s = now_s - recorded.duration_ms / 1000
        of_s = start_s if self._options.month_of == "start" else now_s
        document_id = recorded.id or self.make_id(of_s)
        name = recorded.name or f"{document_id[7:]}.{recorded.format}"
        size_bytes = recorded.size_bytes
        document = Document(
            id=document_id,
            of=recorded,
            name=name,
            start_at_s=start_s,
            saved_at_s=now_s,
            audio_at_s=self._audio_at_s(recorded, now_s),
            size_bytes=size_of(recorded) if size_bytes is None else size_bytes,
        )
        self.archive.add(document)
        self.listener(document)
        self.news()
        return document

    def attach_audio(self, document: Document) -> None:
        """The audio is there from now on."""
        document.audio_at_s = self._clock()
        self.news()

    def has_audio(self, document: Document) -> bool:
        """Whether the audio lies with the document by now."""
        return document.audio_at_s <= self._clock()

    def delete(self, document: Document) -> None:
        """Forget a document, and its audio unless that is elsewhere."""
        self.archive.delete(document)
        if document.of.url is not None:
            self.kept_audio.append(document.id)
        self.news()

    def _audio_at_s(self, recorded: Recorded, now_s: float) -> float:
        delay: Delay | None = recorded.audio_after_s
        if delay is None:
            delay = self._options.audio_delay_s
        return inf if delay == "never" or recorded.url is not None else now_s + delay
