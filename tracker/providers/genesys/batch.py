"""A Bayeux answer: a batch of replies to the client and of messages on channels."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, NamedTuple

from pydantic import AliasPath, BeforeValidator, Field, ValidationError, WrapValidator
from pydantic_core import from_json

from tracker.providers.genesys.wire import shape_of
from tracker.providers.wire import Flag, Garbled, Shape, Text, tolerate

META = "/meta/"

_LONGEST_ERROR = 120

Milliseconds = Annotated[
    float | None, Field(ge=0, allow_inf_nan=False), WrapValidator(tolerate)
]


class Delivery(NamedTuple):
    """A message on a channel, in the server's order."""

    channel: str
    data: object


def _channels(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Reply(Shape):
    """What the server answers to a meta message.

    Attributes:
        ack: As it came: True or an object offers acknowledgements, a number is the
            batch that this answer belongs to.
    """

    channel: str
    successful: Flag = None
    client_id: Text = None
    error: Text = None
    subscription: Annotated[
        tuple[str, ...] | None, BeforeValidator(_channels), WrapValidator(tolerate)
    ] = None
    reconnect: Text = Field(None, validation_alias=AliasPath("advice", "reconnect"))
    interval_ms: Milliseconds = Field(
        None, validation_alias=AliasPath("advice", "interval")
    )
    timeout_ms: Milliseconds = Field(
        None, validation_alias=AliasPath("advice", "timeout")
    )
    ack: object = Field(None, validation_alias=AliasPath("ext", "ack"))

    @property
    def is_good(self) -> bool:
        """It was done, and the session may go on."""
        return self.successful is True and self.reconnect != "none"

    @property
    def offers_acks(self) -> bool:
        """Of a handshake: acknowledgements are on."""
        ack = self.ack
        return ack is True or (isinstance(ack, dict) and ack.get("enabled") is True)

    @property
    def ack_batch(self) -> int | None:
        """The batch to acknowledge; in a handshake's answer, where to begin."""
        batch = self.ack.get("batch") if isinstance(self.ack, dict) else self.ack
        return None if isinstance(batch, bool) or not isinstance(batch, int) else batch

    @property
    def forgets_session(self) -> bool:
        """Servers say it with 401, 402 or 403, and mostly with advice."""
        code = (self.error or "").partition(":")[0]
        is_unknown = code in ("401", "402") or (
            code == "403" and self.channel == "/meta/connect"
        )
        return self.reconnect == "handshake" or (
            is_unknown and self.reconnect != "retry"
        )

    @property
    def reason(self) -> str:
        """The error as ``code text``, without the arguments that stand between.

        One of them may be the clientId, which is a secret.
        """
        code, *others = (self.error or "refused").split(":", 2)
        return " ".join((code, *others[-1:])).strip()[:_LONGEST_ERROR]


class Batch(NamedTuple):
    """An answer, read as far as it can be.

    Attributes:
        messages: Those on channels, and what is no message at all, in order.
        is_whole: Nothing is missing at its end.
    """

    messages: Sequence[Delivery | Garbled]
    replies: Sequence[Reply]
    is_whole: bool


def parse_batch(body: bytes) -> Batch:
    """Read an answer, element by element."""
    elements, is_whole = _split(body)
    read = [_parse(element) for element in elements]
    if not is_whole:
        shape = f"{len(elements)} elements in {len(body)} bytes"
        read.append(Garbled("batch", shape))
    return Batch(
        [element for element in read if isinstance(element, Delivery | Garbled)],
        [element for element in read if isinstance(element, Reply)],
        is_whole,
    )


def _parse(element: object) -> Delivery | Reply | Garbled:
    fields = element if isinstance(element, dict) else {}
    channel = fields.get("channel")
    is_meta = isinstance(channel, str) and channel.startswith(META)
    if isinstance(channel, str) and "data" in fields and not is_meta:
        return Delivery(channel, fields["data"])
    if is_meta or "successful" in fields:
        with suppress(ValidationError):
            return Reply.model_validate(fields)
    return Garbled("element", shape_of(element))


def _split(body: bytes) -> tuple[list[object], bool]:
    try:
        batch = from_json(body)
    except ValueError:
        return _salvage(body), False
    if isinstance(batch, dict):
        return [batch], True
    return (batch, True) if isinstance(batch, list) else ([], False)


def _salvage(body: bytes) -> list[object]:
    """Return what stands before the end of a torn batch, less what was torn."""
    try:
        batch = from_json(body, allow_partial=True)
    except ValueError:
        return []
    return batch[:-1] if isinstance(batch, list) else []
