"""What is received, whoever sent it: tolerant fields, and the shape of the rest."""

import re
from collections.abc import Set as AbstractSet
from typing import Annotated, Final, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]{1,40}")
_LONGEST_OUTLINE: Final = 400


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


Text = Annotated[str | None, WrapValidator(tolerate)]
Number = Annotated[int | None, WrapValidator(tolerate)]


class Shape(BaseModel):
    """The base of what is received: extra fields are let pass."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


def parse_object(body: bytes) -> dict[str, object]:
    """Read a JSON object; anything else is an empty one."""
    try:
        answer = from_json(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


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
