"""What is wrong with what somebody sent: each wrong part once, in words."""

from collections.abc import Iterable
from itertools import takewhile
from types import MappingProxyType
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

MAX_FAULTS: Final = 20
_NAME_CHARACTERS: Final = 100
_ARRAY: Final = "Input should be a valid array"
_WORDS: Final = MappingProxyType(
    {
        "missing": "it is missing",
        "too_short": "give {min_length} or more",
        "too_long": "give {max_length} at most",
        "frozen_set_type": _ARRAY,
        "tuple_type": _ARRAY,
        "model_type": "Input should be an object",
    }
)
"""By pydantic's type of error, where its own words are Python's."""


class Fault(BaseModel):
    """What is wrong with one field of a body, or one parameter of a query."""

    model_config = ConfigDict(frozen=True)

    field: str
    detail: str


def faults_of(
    model: type[BaseModel],
    error: ValidationError,
    noun: Literal["field", "parameter"] = "field",
) -> list[Fault]:
    """Every part that is wrong, with everything that it could have been.

    Args:
        model: What was expected.
        error: Why it is not that.
        noun: What its parts are called.
    """
    found: dict[str, list[str]] = {}
    for fault in error.errors(include_input=False, include_url=False):
        path = [str(part) for part in takewhile(_is_name, fault["loc"][:2])]
        words = _WORDS.get(fault["type"], fault["msg"]).removeprefix("Value error, ")
        if fault["type"] in _WORDS:
            words = words.format_map(fault.get("ctx", {}))
        elif fault["type"] == "extra_forbidden":
            known = ", ".join(_names(model, path[:-1])) or "none"
            words = f"there is no such {noun}; there are {known}"
        found.setdefault(".".join(path)[:_NAME_CHARACTERS], []).append(words)
    return [
        Fault(field=name, detail="; or: ".join(dict.fromkeys(words)))
        for name, words in list(found.items())[:MAX_FAULTS]
    ]


def _is_name(part: int | str) -> bool:
    """It is no number of an item."""
    return isinstance(part, str)


def _names(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    """What *model* has, or what the model has that is at *path* in it."""
    for name in path:
        fields = model.model_fields.items()
        field = next(it for key, it in fields if name in (key, it.alias))
        kinds = (field.annotation, *get_args(field.annotation))
        model = next(
            it for it in kinds if isinstance(it, type) and issubclass(it, BaseModel)
        )
    return [field.alias or key for key, field in model.model_fields.items()]
