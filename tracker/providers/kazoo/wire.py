"""What Kazoo sends over HTTP, in its own words: envelopes, and what is in them.

Fields that are missing, null, new or of another type are let pass. An answer that has
nothing of what it should be is `Garbled`; so is a recording without an id or a start,
and a channel without a uuid. Numbers may come as strings.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple, TypeVar

from pydantic import (
    AliasChoices,
    AliasPath,
    Field,
    ValidationError,
    WrapValidator,
)

from tracker.providers.wire import (
    Duration,
    DurationMs,
    Flag,
    Garbled,
    Said,
    Words,
    instant_of,
    outline,
    parse_object,
    text_of,
    tolerate,
)

GREGORIAN_S: Final = 62_167_219_200
"""From year 0 to 1970: Kazoo counts seconds since year 0."""

_LONGEST_MESSAGE: Final = 200


def gregorian(at: datetime) -> int:
    """An instant as Kazoo writes it; a part of a second is left out."""
    return int(at.timestamp() // 1) + GREGORIAN_S


def _instant(value: object) -> datetime | None:
    """Of Gregorian seconds; None of anything else, and of what lies before 1970."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        return instant_of(datetime.fromtimestamp(int(value) - GREGORIAN_S, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def texts(value: object) -> tuple[str, ...]:
    """Of a list; what is no text in it is left out."""
    found = map(text_of, value if isinstance(value, list) else ())
    return tuple(it for it in found if it is not None)


def inside(*paths: str) -> AliasChoices:
    """The first that is there of several names, dots leading inside."""
    parts = [path.split(".") for path in paths]
    return AliasChoices(*(AliasPath(first, *rest) for first, *rest in parts))


class Recording(Said):
    """The document of a stored recording.

    Attributes:
        call_id: Of the channel.
        direction: The switch's view of the channel, not of the call.
        url: Where its audio was sent; None = it lies with the document.
        content_types: Of the audio that is there; None = it is not said.
    """

    id: str
    start: datetime
    name: Words = None
    call_id: Words = None
    interaction_id: Words = None
    direction: Words = None
    sent_from: Words = Field(default=None, validation_alias="from")
    sent_to: Words = Field(default=None, validation_alias="to")
    duration: Duration = None
    duration_ms: DurationMs = None
    caller_id_number: Words = None
    caller_id_name: Words = None
    callee_id_number: Words = None
    owner_id: Words = None
    origin: Words = None
    url: Words = Field(default=None, repr=False)
    content_types: Annotated[tuple[str, ...] | None, WrapValidator(tolerate)] = Field(
        default=None, validation_alias=inside("_read_only.content_types")
    )

    @property
    def length_ms(self) -> int | None:
        """Of the audio."""
        if self.duration_ms is None and self.duration is not None:
            return self.duration * 1000
        return self.duration_ms


class Listed(NamedTuple):
    """A page of recordings.

    Attributes:
        garbled: Those that could not be understood.
        next: Where the next page begins; None = this was the last.
    """

    items: list[Recording]
    garbled: list[Garbled]
    next: str | None


class ChannelDetail(Said):
    """A live channel, of a list or by itself.

    Attributes:
        direction: The switch's view: ``inbound`` calls, ``outbound`` is called.
        owner_id: The user whose device it is; None = somebody outside.
        interaction_id: A list may leave it out.
    """

    uuid: str = Field(validation_alias=inside("uuid", "call_id"), min_length=1)
    answered: Flag = None
    direction: Words = None
    owner_id: Words = Field(
        default=None,
        validation_alias=inside("owner_id", "custom_channel_vars.owner_id"),
    )
    interaction_id: Words = Field(
        default=None,
        validation_alias=inside(
            "interaction_id", "custom_channel_vars.call_interaction_id"
        ),
    )
    is_on_hold: Flag = Field(
        default=None, validation_alias=inside("is_on_hold", "is_onhold")
    )
    caller_number: Words = Field(
        default=None, validation_alias=inside("caller_id_number", "caller_id")
    )
    called_number: Words = Field(
        default=None, validation_alias=inside("callee_id_number", "destination")
    )


T = TypeVar("T", Recording, ChannelDetail)


def parse_token(body: bytes) -> str | Garbled:
    """Read a login's answer: the token, which is a secret."""
    answer = parse_object(body)
    token = answer.get("auth_token")
    if isinstance(token, str) and token and answer.get("status") != "error":
        return token
    return Garbled("token", outline(answer))


def parse_recording(body: bytes) -> Recording | Garbled:
    """Read one recording."""
    return _recording(parse_object(body).get("data"))


def parse_recordings(body: bytes) -> Listed | Garbled:
    """Read a page of recordings; the envelope's numbers may be strings."""
    answer = parse_object(body)
    data = answer.get("data")
    if not isinstance(data, list):
        return Garbled("recordings", outline(answer))
    read = [_recording(item) for item in data]
    return Listed(
        [item for item in read if isinstance(item, Recording)],
        [item for item in read if isinstance(item, Garbled)],
        text_of(answer.get("next_start_key")),
    )


def parse_channel(body: bytes) -> ChannelDetail | Garbled:
    """Read one channel."""
    return _read(ChannelDetail, parse_object(body).get("data"), "channel")


def parse_channels(body: bytes) -> list[ChannelDetail | Garbled] | Garbled:
    """Read all live channels of an account."""
    answer = parse_object(body)
    data = answer.get("data")
    if not isinstance(data, list):
        return Garbled("channels", outline(answer))
    return [_read(ChannelDetail, item, "channel") for item in data]


def parse_problem(body: bytes) -> str | None:
    """Read why a request was refused, in one line; None when it is not said.

    Of a request with invalid fields: each field with what is wrong, never its value.
    """
    answer = parse_object(body)
    data = answer.get("data")
    said = text_of(answer.get("message"))
    wrong = _wrong_fields(data) if isinstance(data, dict) else ()
    if wrong:
        return f"{said or 'invalid'}: {'; '.join(wrong)}"[:_LONGEST_MESSAGE]
    inner = text_of(data.get("message")) if isinstance(data, dict) else None
    return (inner or said or "")[:_LONGEST_MESSAGE] or None


def parse_invalid_fields(body: bytes) -> frozenset[str]:
    """Read which fields a 400 finds wrong, by the last part of their names."""
    data = parse_object(body).get("data")
    names = data if isinstance(data, dict) else {}
    return frozenset(str(name).rpartition(".")[2] for name in names)


def is_audio_missing(body: bytes) -> bool:
    """Whether a 404 says that the document is there, without audio."""
    data = parse_object(body).get("data")
    return isinstance(data, dict) and "details" in data


def _recording(item: object) -> Recording | Garbled:
    if not isinstance(item, dict):
        return Garbled("recording", outline(item))
    told = {
        **item,
        "id": text_of(item.get("id")) or text_of(item.get("_id")),
        "start": _instant(item.get("start")),
    }
    return _read(Recording, told, "recording")


def _read(kind: type[T], item: object, what: str) -> T | Garbled:
    try:
        return kind.model_validate(item)
    except ValidationError:
        return Garbled(what, outline(item))


def _wrong_fields(data: Mapping[str, object]) -> Sequence[str]:
    """``field: rule`` of each, of an answer like ``{field: {rule: {message}}}``."""
    return [
        f"{name}: {', '.join(map(str, rules))}"
        for name, rules in data.items()
        if isinstance(rules, dict)
        and all(isinstance(it, dict) for it in rules.values())
    ]
