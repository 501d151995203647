"""Bytes of inbox and outbox entries."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.json import Decoder, Encoder
from pydantic import ValidationError

from tracker.domain.base import Model, Record
from tracker.domain.call import Call, Interval
from tracker.domain.command import Outcome, Request, Sent
from tracker.domain.endpoint import Disabled
from tracker.domain.entry import (
    Ask,
    Entry,
    Follow,
    FollowExport,
    Header,
    Order,
    Reply,
    Resync,
    Watermark,
)
from tracker.domain.reading import Alive, Exported, Media, Saved, Tick, Told
from tracker.domain.view import View
from tracker.domain.watch import Unwatch, Watch
from tracker.errors import StoreError

SCHEMA = 1
"""Of inputs and snapshots; the store remembers the highest that wrote to it."""

Input = (
    Told
    | Alive
    | Tick
    | Media
    | Saved
    | Exported
    | Request
    | Sent
    | Outcome
    | Watch
    | Unwatch
    | Disabled
)
"""Everything that enters by an inbox."""

INBOX_FIELD = b"inputs"
HEADER_FIELD = b"header"
SNAPSHOT_FIELD = b"snapshot"
NUMBER_FIELD = b"n"
"""Of an outbox entry: one more than that of the entry before, so a hole shows."""


class Packet(Record, frozen=True, omit_defaults=False):
    """One inbox entry: what one producer appended in one turn, in order."""

    inputs: tuple[Input, ...]
    schema_number: int = SCHEMA


def _written(form: Model) -> msgspec.Raw:
    return msgspec.Raw(form.model_dump_json().encode())


def _read(kind: type[Model], told: object) -> Model:
    try:
        return kind.model_validate(told)
    except ValidationError as error:  # its words hold what it found
        message = f"{error.error_count()} faults in a {kind.__name__}"
        raise ValueError(message) from None


dump = Encoder(enc_hook=_written).encode
"""The bytes of a record; a public form in it is written as it is published."""

_packet = Decoder(Packet, dec_hook=_read).decode
_header: Callable[[bytes], Header] = Decoder(Entry | Watermark | Reply).decode
_ask: Callable[[bytes], Ask] = Decoder(
    Order | Follow | FollowExport | Resync | Reply
).decode
parse_call = Decoder(Call).decode
parse_interval = Decoder(Interval).decode
parse_view = Decoder(View).decode


def dump_packet(inputs: Sequence[Input]) -> bytes:
    """The value of an inbox entry's one field."""
    return dump(Packet(tuple(inputs)))


def parse_packet(raw: bytes) -> Packet:
    """The inputs of an inbox entry.

    Raises:
        StoreError: Not one of ours; the keeper puts it aside.
    """
    try:
        return _packet(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"an inbox entry cannot be read: {error}"
        raise StoreError(message) from error


def parse_header(raw: bytes) -> Header:
    """What an outbox entry says of itself."""
    return _header(raw)


def parse_ask(raw: bytes) -> Ask:
    """What a keeper asks."""
    return _ask(raw)


class Raw(NamedTuple):
    """A stream entry as the server gave it."""

    id: str
    fields: dict[bytes, bytes]


def parse_entries(answer: Sequence[tuple[bytes, list[bytes]]]) -> list[Raw]:
    """Entries of an XRANGE, or of one stream of an XREAD (RESP2: flat field lists)."""
    return [
        Raw(id_.decode(), dict(zip(flat[::2], flat[1::2], strict=True)))
        for id_, flat in answer
    ]


def is_earlier(stream_id: str, other: str) -> bool:
    """Of two ids of one stream."""
    first, second = ([int(n) for n in i.split("-", 1)] for i in (stream_id, other))
    return first < second


def at_ms(stream_id: str) -> int:
    """The server's time in a stream id, ms since 1970."""
    return int(stream_id.split("-", 1)[0])
