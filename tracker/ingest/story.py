"""What one source tells, numbered per partition. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tracker.domain.key import partition_of
from tracker.domain.reading import (
    Checkpoint,
    Observation,
    SourceReport,
    Stamp,
    Told,
    Unreadable,
)

Reading = Observation | Checkpoint | Unreadable | SourceReport


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

    def tell(self, readings: Sequence[Reading]) -> Mapping[int, list[Told]]:
        """*readings* in order, for each partition that one of them concerns.

        The first checkpoint goes to every partition, for what an earlier owner may
        have told there; later ones only to where something has been told since.
        """
        told: defaultdict[int, list[Told]] = defaultdict(list)
        for reading in readings:
            match reading:
                case Observation(call=key):
                    partition = partition_of("call", key, self._partitions)
                    told[partition].append(self._next(partition, reading))
                case Checkpoint():
                    for partition, part in self._parts(reading):
                        told[partition].append(self._next(partition, part))
                case SourceReport(retired=True):
                    for partition in range(self._partitions):
                        told[partition].append(self._next(partition, reading))
                case _:
                    told[self._home].append(self._next(self._home, reading))
        return told

    def _parts(self, checkpoint: Checkpoint) -> list[tuple[int, Checkpoint]]:
        shown: defaultdict[int, list[str]] = defaultdict(list)
        for key in checkpoint.calls:
            shown[partition_of("call", key, self._partitions)].append(key)
        fresh = len(self._numbers) < self._partitions
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
        """Partitions that heard more than the first checkpoint, and home."""
        return {p for p, n in self._numbers.items() if n > 1} | {self._home}

    def _next(self, partition: int, reading: Reading) -> Told:
        number = self._numbers.get(partition, 0) + 1
        self._numbers[partition] = number
        return Told(stamp=Stamp(self._source, self._token, number), reading=reading)
