"""Bytes of inbox and outbox entries."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from tracker.domain.base import Model
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


class Packet(Model):
    """One inbox entry: what one producer appended in one turn, in order."""

    schema_number: int = SCHEMA
    inputs: tuple[Annotated[Input, Field(discriminator="kind")], ...]


_HEADER: TypeAdapter[Header] = TypeAdapter(
    Annotated[Entry | Watermark | Reply, Field(discriminator="kind")]
)
_ASK: TypeAdapter[Ask] = TypeAdapter(
    Annotated[
        Order | Follow | FollowExport | Resync | Reply, Field(discriminator="kind")
    ]
)


def dump_packet(inputs: Sequence[Input]) -> bytes:
    """The value of an inbox entry's one field."""
    packet = Packet.model_construct(schema_number=SCHEMA, inputs=tuple(inputs))
    return packet.model_dump_json(exclude_none=True).encode()


def parse_packet(raw: bytes) -> Packet:
    """The inputs of an inbox entry.

    Raises:
        StoreError: Not one of ours; the keeper puts it aside.
    """
    try:
        return Packet.model_validate_json(raw)
    except ValidationError as error:
        message = f"an inbox entry cannot be read: {error.error_count()} faults"
        raise StoreError(message) from error


def dump_header(header: Header) -> bytes:
    """The value of an outbox entry's header field."""
    return _HEADER.dump_json(header, exclude_none=True)


def parse_header(raw: bytes) -> Header:
    """What an outbox entry says of itself."""
    return _HEADER.validate_json(raw)


def dump_ask(ask: Ask) -> bytes:
    """The value of an ask's header field."""
    return _ASK.dump_json(ask, exclude_none=True)


def parse_ask(raw: bytes) -> Ask:
    """What a keeper asks."""
    return _ASK.validate_json(raw)


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


def at_ms(stream_id: str) -> int:
    """The server's time in a stream id, ms since 1970."""
    return int(stream_id.split("-", 1)[0])
