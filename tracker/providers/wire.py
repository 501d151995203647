"""What is received, whoever sent it: tolerant fields, and the shape of the rest."""

import re
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]{1,40}")
_LONGEST_OUTLINE: Final = 400

LONGEST_S: Final = 10**7
"""Of a call or a recording, 115 days; more is something else."""

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2300, 1, 1, tzinfo=UTC)
"""Instants lie between; so they can be counted from."""


class Garbled(NamedTuple):
    """Something that could not be understood.

    Attributes:
        kind: What it should have been.
        shape: Its keys and types, never its content.
    """

    kind: str
    shape: str


def tolerate(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Have a field of an unexpected type count as missing."""
    try:
        return validate(value)
    except ValidationError:
        return None


def text_of(value: object) -> str | None:
    """Of text or a number; None of anything else, and of nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def instant_of(at: datetime) -> datetime | None:
    """*at*, which is aware, if it can be one of a call or a recording."""
    return at if EARLIEST <= at < LATEST else None


Text = Annotated[str | None, WrapValidator(tolerate)]
Words = Annotated[str | None, BeforeValidator(text_of)]
"""Text as people read it; a number will do."""

Number = Annotated[int | None, WrapValidator(tolerate)]
Count = Annotated[int | None, Field(ge=0), WrapValidator(tolerate)]
Duration = Annotated[int | None, Field(ge=0, le=LONGEST_S), WrapValidator(tolerate)]
DurationMs = Annotated[
    int | None, Field(ge=0, le=LONGEST_S * 1000), WrapValidator(tolerate)
]
Flag = Annotated[bool | None, WrapValidator(tolerate)]
Seconds = Annotated[
    float | None, Field(gt=0, allow_inf_nan=False), WrapValidator(tolerate)
]


class Shape(BaseModel):
    """The base of what is received: extra fields are let pass."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class Said(Shape):
    """The same where names are as in Python."""

    model_config = ConfigDict(alias_generator=None)


def parse_object(body: bytes) -> dict[str, object]:
    """Read a JSON object; anything else is an empty one."""
    try:
        answer = from_json(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def parse_oauth_error(body: bytes) -> str | None:
    """Read a token endpoint's error, of those that RFC 6749, 5.2 names."""
    error = parse_object(body).get("error")
    return error if isinstance(error, str) and error in _OAUTH_ERRORS else None


_OAUTH_ERRORS: Final = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)


def outline(
    value: object, *, deepest: int = 3, closed: AbstractSet[str] = frozenset()
) -> str:
    """Return keys and types of *value*, at most 400 characters.

    Keys that could be content (they hold digits, say) show as ``?``.

    Args:
        value: As JSON had it.
        deepest: So many levels are opened.
        closed: Keys of what is not.
    """
    return _outline(value, deepest, closed)[:_LONGEST_OUTLINE]


def _outline(value: object, depth: int, closed: AbstractSet[str]) -> str:
    if isinstance(value, dict) and depth:
        fields = (
            f"{key}:{_outline(value[key], 0 if key in closed else depth - 1, closed)}"
            if _PLAIN_KEY.fullmatch(str(key))
            else "?"
            for key in sorted(value, key=str)
        )
        return "{" + ",".join(fields) + "}"
    if isinstance(value, list) and depth:
        kinds = {_outline(item, depth - 1, closed) for item in value}
        return "[" + "|".join(sorted(kinds)) + "]"
    return type(value).__name__
