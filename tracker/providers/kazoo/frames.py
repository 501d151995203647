"""Frames of the blackhole, in its own words: replies, and what it tells by itself.

As in `wire`, fields that are missing or of another type are let pass; an event without
a channel, and a reply to nothing, are `Garbled`. Documents of all kinds are told; those
that are no recordings are nothing.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import Field, ValidationError
from pydantic_core import from_json

from tracker.providers.kazoo.wire import inside, texts
from tracker.providers.wire import Garbled, Said, Words, outline, text_of


class CallEvent(Said):
    """Something that happened to a channel.

    Attributes:
        name: ``CHANNEL_CREATE``, ``RECORD_STOP``, ….
    """

    name: str
    call_id: str = Field(min_length=1)
    direction: Words = Field(default=None, validation_alias="call_direction")
    owner_id: Words = Field(
        default=None, validation_alias=inside("custom_channel_vars.owner_id")
    )
    interaction_id: Words = Field(
        default=None,
        validation_alias=inside(
            "custom_channel_vars.call_interaction_id", "call_interaction_id"
        ),
    )
    caller_number: Words = Field(default=None, validation_alias="caller_id_number")
    called_number: Words = Field(default=None, validation_alias="callee_id_number")


class Stored(NamedTuple):
    """A recording's document was saved."""

    id: str


class Reply(NamedTuple):
    """What the blackhole answered to a frame.

    Attributes:
        bindings: All that the socket has; None = it is not said.
        errors: Why not; None = it went well.
    """

    request_id: str
    subscribed: tuple[str, ...] = ()
    bindings: tuple[str, ...] | None = None
    errors: tuple[str, ...] | None = None


Frame = CallEvent | Stored | Reply | Garbled


def parse_frame(received: str | bytes) -> Frame | None:
    """Read a frame of the blackhole; None = it is nothing to us."""
    try:
        frame = from_json(received)
    except ValueError:
        return Garbled("frame", f"no JSON in {len(received)} characters")
    if isinstance(frame, dict):
        data = frame.get("data")
        told = data if isinstance(data, dict) else {}
        if frame.get("action") == "reply":
            return _reply(frame, told)
        if frame.get("action") == "event":
            return _event(frame, told)
    return Garbled("frame", outline(frame))


def _reply(frame: Mapping[str, object], data: Mapping[str, object]) -> Frame:
    request_id = text_of(frame.get("request_id"))
    if request_id is None:
        return Garbled("reply", outline(frame))
    bindings = data.get("subscriptions")
    if bindings is None and "unsubscribed" in data:
        bindings = data.get("subscribed")
    failed = frame.get("status") != "success"
    return Reply(
        request_id,
        texts(data.get("subscribed")),
        texts(bindings) if isinstance(bindings, list) else None,
        (texts(data.get("errors")) or ("no reason given",)) if failed else None,
    )


def _event(frame: Mapping[str, object], data: Mapping[str, object]) -> Frame | None:
    name = text_of(frame.get("name")) or text_of(data.get("event_name"))
    if name == "doc_created":
        if data.get("type") != "call_recording":
            return None
        found = text_of(data.get("id"))
        return Stored(found) if found else Garbled("document", outline(frame))
    try:
        return CallEvent.model_validate({**data, "name": name})
    except ValidationError:
        return Garbled("event", outline(frame))
