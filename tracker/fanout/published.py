"""One event as every outlet gets it: encoded once, shared by all its receivers."""

from typing import NamedTuple

from tracker.domain.event import PREFIX
from tracker.domain.view import View
from tracker.fanout.cursor import Position

Term = tuple[str, str]
"""A field of a filter and one value of it: what subscriptions are indexed by."""

# RFC 6455, 5.2: FIN and opcode 1; then a length below 126, or a mark and 2 or 8 bytes.
_TEXT = b"\x81"
_MARK_2, _MARK_8 = 126, 127
_LIMIT_2 = 1 << 16
_HEADER_BYTES = {_MARK_2: 4, _MARK_8: 10}
_COMMAND = PREFIX + "command."


def text_frame(payload: bytes) -> bytes:
    """*payload* as one WebSocket text frame of a server (RFC 6455, 5.2)."""
    size = len(payload)
    if size < _MARK_2:
        return _TEXT + bytes((size,)) + payload
    if size < _LIMIT_2:
        return _TEXT + bytes((_MARK_2,)) + size.to_bytes(2, "big") + payload
    return _TEXT + bytes((_MARK_8,)) + size.to_bytes(8, "big") + payload


def payload_of(frame: bytes) -> bytes:
    """What a frame of `text_frame` holds."""
    return frame[_HEADER_BYTES.get(frame[1], 2) :]


class Published(NamedTuple):
    """One event, or that an entity is gone without one.

    Attributes:
        type: The event's; empty when there is no event.
        frame: The CloudEvent as a WebSocket text frame; empty when there is no event.
        before: None at the first sight.
        after: None when the entity is gone.
        terms: Everything that an index may find it by, before or after.
        first: It is the first event of its outbox entry.
    """

    position: Position
    type: str
    frame: bytes
    key: str
    version: int
    before: View | None
    after: View | None
    terms: tuple[Term, ...]
    first: bool = True

    @property
    def body(self) -> bytes:
        """The CloudEvent's JSON."""
        return payload_of(self.frame)

    @property
    def command_event(self) -> bool:
        """A command's stage: never conflated."""
        return self.type.startswith(_COMMAND)
