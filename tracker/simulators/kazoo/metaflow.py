"""What may be asked of a live channel, and what is wrong with what was asked."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from tracker.simulators.kazoo.options import NEWER
from tracker.simulators.reply import Json

START, STOP, MASK, UNMASK = "start", "stop", "mask", "unmask"
PAUSE, RESUME, TOGGLE = "pause", "resume", "toggle"

_ACTIONS = {
    4: (START, STOP, MASK, UNMASK, TOGGLE),
    NEWER: (START, STOP, MASK, UNMASK, PAUSE, RESUME, TOGGLE),
}

_TYPES: Mapping[str, str] = {
    "action": "string",
    "format": "string",
    "label": "string",
    "media_name": "string",
    "method": "string",
    "origin": "string",
    "record_min_sec": "integer",
    "record_on_answer": "boolean",
    "record_on_bridge": "boolean",
    "record_sample_rate": "integer",
    "should_follow_transfer": "boolean",
    "skip_module": "boolean",
    "time_limit": "integer",
    "url": "string",
}

_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}

_DEFAULTS: Mapping[str, Any] = {
    "action": START,
    "method": "put",
    "record_on_answer": False,
    "record_on_bridge": False,
    "should_follow_transfer": True,
    "skip_module": False,
    "time_limit": 3600,
}


class Flaw(NamedTuple):
    """What is wrong with one field.

    Attributes:
        field: Its name, with dots.
        rule: Which rule it breaks.
        cause: Its value; None: it has none.
    """

    field: str
    rule: str
    message: str
    cause: Any = None


def flaws_of(asked: object, release: int) -> list[Flaw]:
    """What is wrong with a metaflow; nothing: it is accepted."""
    if not isinstance(asked, dict):
        return [Flaw("data", "type", "not an object", asked)]
    module = asked.get("module")
    if module is None:
        return [Flaw("module", "required", "the field is required")]
    if module != "record_call":
        return [Flaw("module", "enum", "not one of the modules", module)]
    given = asked.get("data", {})
    if not isinstance(given, dict):
        return [Flaw("data", "type", "not an object", given)]
    return [*_wrong_types(given), *_wrong_values(given, release)]


def parameters_of(asked: Json) -> Json:
    """What a metaflow without flaws asks for, all defaults filled in.

    Whatever is read-only or not known has no effect and is left out.
    """
    given = asked.get("data", {})
    known = {name: given[name] for name in _TYPES.keys() & given.keys()}
    known.pop("origin", None)
    parameters = {**_DEFAULTS, **known}
    if parameters["action"] == TOGGLE:
        parameters["action"] = START
    return parameters


def _wrong_types(given: Json) -> Iterable[Flaw]:
    for name, type_ in _TYPES.items():
        if name in given and not _CHECKS[type_](given[name]):
            yield Flaw(f"data.{name}", "type", f"not of type {type_}", given[name])


def _wrong_values(given: Json, release: int) -> Iterable[Flaw]:
    choices = {
        "action": _ACTIONS[release],
        "format": ("mp3", "wav"),
        "method": ("put", "post"),
    }
    for name, values in choices.items():
        value = given.get(name)
        if isinstance(value, str) and value not in values:
            message = "not one of " + ", ".join(values)
            yield Flaw(f"data.{name}", "enum", message, value)
