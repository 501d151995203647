"""Where an event is, and how far a reader has read.

The text of a **position**, an event's id, is ``<epoch>.<partition>.<place>``. A
**place** is the stream id of an outbox entry, ``<ms>-<seq>``, and ``.<n>`` behind it
where the entry makes several events: its *n*-th.

The text of a **cursor** is ``<epoch>~<place>~<place>…``, one place per partition from
partition 0 on: everything up to and including each place has been read. A reader moves
on with an event by putting the event's place where its partition's place was. Neither
text needs escaping in a URL.
"""

import re
import sys
from typing import NamedTuple

WHOLE = sys.maxsize
"""In a place's *fact*: all of the entry."""

_EPOCH = r"(?P<epoch>[0-9A-Za-z_-]{1,64})"
_PLACE = r"\d{1,19}-\d{1,19}(?:\.\d{1,6})?"  # Redis takes 64 bits
_CURSOR = re.compile(rf"{_EPOCH}(?P<places>(?:~{_PLACE}){{1,1024}})", re.ASCII)
_POSITION = re.compile(
    rf"{_EPOCH}\.(?P<partition>\d{{1,4}})\.(?P<place>{_PLACE})", re.ASCII
)


class Place(NamedTuple):
    """In one partition's outbox; places compare in the order of the outbox.

    Attributes:
        ms, seq: The entry's stream id.
        fact: Which of its events, from 1; `WHOLE` for the last or only one.
    """

    ms: int
    seq: int
    fact: int = WHOLE

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place written as *text*, which must be one."""
        stream_id, _, fact = text.partition(".")
        ms, _, seq = stream_id.partition("-")
        return cls(int(ms), int(seq), int(fact) if fact else WHOLE)

    @property
    def stream_id(self) -> str:
        """The outbox entry's id."""
        return f"{self.ms}-{self.seq}"

    def __str__(self) -> str:
        if self.fact == WHOLE:
            return f"{self.ms}-{self.seq}"
        return f"{self.ms}-{self.seq}.{self.fact}"


BEGINNING = Place(0, 0)


class Position(NamedTuple):
    """Of one event, among all there ever were."""

    epoch: str
    partition: int
    place: Place

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The position written as *text*.

        Raises:
            ValueError: It is none.
        """
        found = _POSITION.fullmatch(text)
        if found is None:
            raise ValueError("not a position: <epoch>.<partition>.<ms>-<seq>[.<n>]")
        place = Place.parse(found["place"])
        return cls(found["epoch"], int(found["partition"]), place)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.partition}.{self.place}"


class Cursor(NamedTuple):
    """Of a reader of all partitions.

    Attributes:
        places: The last one read, by partition.
    """

    epoch: str
    places: tuple[Place, ...]

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor written as *text*.

        Raises:
            ValueError: It is none.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise ValueError("not a cursor: <epoch>~<ms>-<seq>~<ms>-<seq>…")
        places = found["places"].split("~")[1:]
        return cls(found["epoch"], tuple(map(Place.parse, places)))

    def covers(self, position: Position) -> bool:
        """Whether the event at *position* has been read."""
        return position.place <= self.places[position.partition]

    def advance(self, position: Position) -> "Cursor":
        """The cursor when the event at *position* has been read as well."""
        places = list(self.places)
        number = position.partition
        places[number] = max(places[number], position.place)
        return self._replace(places=tuple(places))

    def __str__(self) -> str:
        return "~".join((self.epoch, *map(str, self.places)))
