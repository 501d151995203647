"""What one source tells, numbered per partition. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tracker.domain.key import partition_of
from tracker.domain.reading import (
    Checkpoint,
    Exported,
    Media,
    Observation,
    Reading,
    Saved,
    SourceReport,
    Stamp,
    Told,
)
from tracker.domain.terms import Kind

Tellable = Reading | SourceReport
"""What a source yields, and what its supervisor says of it."""

_Part = tuple[int, Tellable | Media]
"""A partition, and what is told there."""


class Story:
    """One owner's telling of one source: a lease's token, and numbers from 1.

    Args:
        source: The source's key.
        token: Of its lease.
        process: Who tells.
        partitions: How many there are.
    """

    def __init__(self, source: str, token: int, process: str, partitions: int) -> None:
        self._source = source
        self._token = token
        self._process = process
        self._partitions = partitions
        self._home = partition_of("source", source, partitions)
        self._numbers: dict[int, int] = {}
        self._has_read = False
        self._begun: dict[int, int] = {}

    def begin_again(self) -> None:
        """The next checkpoint goes to every partition again."""
        self._has_read = False

    def tell(self, readings: Sequence[Tellable]) -> Mapping[int, list[Told]]:
        """*readings* in order, for each partition that one of them concerns.

        The first checkpoint goes to every partition, for what an earlier owner may
        have told there; later ones only to where something has been told since.
        """
        told: defaultdict[int, list[Told]] = defaultdict(list)
        for reading in readings:
            for partition, part in self._routed(reading):
                told[partition].append(self._next(partition, part))
        return told

    def _routed(self, reading: Tellable) -> list[_Part]:
        parts: list[_Part]
        match reading:
            case Observation(call=key):
                parts = [(self._of("call", key), reading)]
            case Checkpoint():
                parts = self._parts(reading)
            case Saved():
                parts = self._saved(reading)
            case Exported(export=export):
                parts = [(self._of("export", export.key), reading)]
            case SourceReport(retired=True) | SourceReport(state="locked"):
                parts = [(number, reading) for number in range(self._partitions)]
            case _:
                parts = [(self._home, reading)]
        return parts

    def _saved(self, saved: Saved) -> list[_Part]:
        """Told where the recording lies, and as a link where its call does."""
        media = saved.media
        parts: list[_Part] = [(self._of("media", media.key), saved)]
        if media.call_key is not None and not saved.old:
            link = Media(call=media.call_key, media=media.key, gone=saved.gone)
            parts.append((self._of("call", media.call_key), link))
        return parts

    def _of(self, kind: Kind, key: str) -> int:
        return partition_of(kind, key, self._partitions)

    def _parts(self, checkpoint: Checkpoint) -> list[_Part]:
        shown: defaultdict[int, list[str]] = defaultdict(list)
        for key in checkpoint.calls:
            shown[self._of("call", key)].append(key)
        fresh, self._has_read = not self._has_read, True
        if fresh:
            self._begun = {p: n + 1 for p, n in self._numbers.items()}
        concerned = range(self._partitions) if fresh else sorted(self._spoken())
        return [
            (
                partition,
                Checkpoint(
                    age_s=checkpoint.age_s,
                    calls=tuple(shown[partition]),
                    process=self._process,
                    fresh=fresh,
                ),
            )
            for partition in concerned
        ]

    def _spoken(self) -> set[int]:
        """Partitions that heard more since the first checkpoint, and home."""
        spoken = {p for p, n in self._numbers.items() if n > self._begun.get(p, 1)}
        return spoken | {self._home}

    def _next(self, partition: int, reading: Tellable | Media) -> Told:
        number = self._numbers.get(partition, 0) + 1
        self._numbers[partition] = number
        return Told(stamp=Stamp(self._source, self._token, number), reading=reading)
