"""What Genesys Web Services v2 sends, in its own words.

Every shape that was seen is taken: participants as strings or objects, `id` as the
connId or the callUuid, numbers as strings, fields that are missing, null, new or of
another type. Only a call without an id or a state is not a call.
"""

from typing import Annotated, Final, NamedTuple, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from tracker.providers.wire import (
    Duration,
    Flag,
    Garbled,
    Shape,
    Text,
    outline,
    parse_object,
)

STATUS_MEANINGS: Final = {
    1: "a parameter is missing",
    2: "not valid in the current state",
    3: "forbidden",
    4: "internal error",
    5: "no permission",
    6: "not found",
    7: "only partly done",
    8: "a change of the password is demanded",
    9: "incomplete",
    10: "not valid",
    11: "the property is read-only",
    12: "unable to retrieve",
    13: "unable to create",
    14: "unable to delete",
    15: "unable to update",
    16: "unable to assign",
    17: "unable to unassign",
    18: "it exists already",
    19: "it is in use",
    20: "not authenticated",
}
"""Of `statusCode`; 0 is ok. From the Web Services API's return values."""


class Status(NamedTuple):
    """The outcome that every REST answer carries; 0 is ok."""

    code: int
    message: str

    @property
    def meaning(self) -> str:
        """The code in words, with the server's own words where it sent some."""
        words = STATUS_MEANINGS.get(self.code, f"status {self.code}")
        return f"{words} ({self.message})" if self.message else words


def _number_of(participant: object) -> str:
    if not isinstance(participant, dict):
        return participant if isinstance(participant, str) else ""
    names = ("phoneNumber", "digits", "formattedPhoneNumber", "e164Number")
    found = (participant.get(name) for name in names)
    return next((number for number in found if number and isinstance(number, str)), "")


def _numbers(value: object) -> tuple[str, ...]:
    found = map(_number_of, value) if isinstance(value, list) else ()
    return tuple(number for number in found if number)


def _words(value: object) -> frozenset[str]:
    found = value if isinstance(value, list) else ()
    return frozenset(word for word in found if isinstance(word, str))


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _last_segment(uri: str | None) -> str | None:
    return uri.rstrip("/").rsplit("/", 1)[-1] if uri else None


class CallResource(Shape):
    """An agent's leg of a call, whole, as notifications and REST show it.

    Attributes:
        state: Ringing, Dialing, Established, Held, Released or Completed; others
            may come.
        participants: The other parties' numbers.
        duration: Seconds; its beginning is not documented.
        recording_state: Recording, Paused or Stopped; None: nothing was said.
        monitoring: A supervisor's own leg, as far as the name can be trusted.
    """

    id: Text = None
    call_uuid: Text = None
    conn_id: Text = None
    state: str = Field(min_length=1)
    call_type: Text = None
    ani: Text = None
    dnis: Text = None
    device_uri: Text = None
    parent_call_uri: Text = None
    participants: Annotated[tuple[str, ...], BeforeValidator(_numbers)] = ()
    capabilities: Annotated[frozenset[str], BeforeValidator(_words)] = frozenset()
    user_data: Annotated[dict[str, object], BeforeValidator(_mapping)] = Field({})
    duration: Duration = None
    recording_state: Text = None
    monitoring: Flag = None

    @model_validator(mode="after")
    def _has_an_id(self) -> Self:
        if not self.leg_id:
            msg = "a call without an id"
            raise ValueError(msg)
        return self

    @property
    def call_id(self) -> str:
        """What all legs of the call share: the callUuid, else the id."""
        return self.call_uuid or self.leg_id

    @property
    def leg_id(self) -> str:
        """What commands on this leg must name."""
        return self.id or self.call_uuid or self.conn_id or ""

    @property
    def device_id(self) -> str | None:
        """The device's, out of its URI."""
        return _last_segment(self.device_uri)

    @property
    def parent_call_id(self) -> str | None:
        """Of a consult: the id of the call that it is about."""
        return _last_segment(self.parent_call_uri)


class CallStateChange(Shape):
    """Something about a call changed; what, is to be seen by the call.

    Attributes:
        phone_number: The agent's own.
    """

    phone_number: Text = None
    call: CallResource


class DeviceStateChange(Shape):
    """The agent's devices changed; they say nothing about recording."""


class ErrorMessage(Shape):
    """Something failed; the server does not say what."""

    device_uri: Text = None


class OtherMessage(Shape):
    """A kind of message that nothing here depends on."""


Message = CallStateChange | DeviceStateChange | ErrorMessage | OtherMessage

_MESSAGES: Final[dict[object, type[Message]]] = {
    "CallStateChangeMessage": CallStateChange,
    "DeviceStateChangeMessage": DeviceStateChange,
    "ErrorMessage": ErrorMessage,
}


def parse_message(data: object) -> Message | Garbled:
    """Read a notification's data."""
    if not isinstance(data, dict):
        return Garbled("notification", shape_of(data))
    kind = data.get("messageType")
    if not isinstance(kind, str) or kind not in _MESSAGES:
        kind = "CallStateChangeMessage" if "call" in data else "other"
    try:
        return _MESSAGES.get(kind, OtherMessage).model_validate(data)
    except ValidationError:
        return Garbled(kind, shape_of(data))


def parse_call(resource: object) -> CallResource | Garbled:
    """Read a call resource."""
    try:
        return CallResource.model_validate(resource)
    except ValidationError:
        return Garbled("call", shape_of(resource))


def parse_calls(body: bytes) -> tuple[CallResource | Garbled, ...] | None:
    """Read a list of calls: `calls`, or `user.calls`, or no `uris` at all.

    Returns:
        None when the answer does not list calls, as with their bare `uris`.
    """
    answer = parse_object(body)
    calls = answer.get("calls")
    if calls is None and answer.get("uris") == []:
        calls = []
    if calls is None:
        calls = _mapping(answer.get("user")).get("calls")
    return tuple(map(parse_call, calls)) if isinstance(calls, list) else None


def parse_status(body: bytes) -> Status | None:
    """Read a REST answer's outcome; None when it has none."""
    answer = parse_object(body)
    code, message = answer.get("statusCode"), answer.get("statusMessage")
    if not isinstance(code, int):
        return None
    return Status(code, message[:200] if isinstance(message, str) else "")


_PRIVATE_KEYS = frozenset({"userData", "extensions"})
_DEEPEST = 4


def shape_of(value: object) -> str:
    """See `outline`; attached data stays closed."""
    return outline(value, deepest=_DEEPEST, closed=_PRIVATE_KEYS)
