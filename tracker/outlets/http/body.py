"""Bodies of requests, and the header fields that say how to answer: one way each."""

import re
from typing import Final, TypeVar

from aiohttp import hdrs, web
from multidict import MultiMapping
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from tracker.domain.wanted import IdempotencyKey
from tracker.outlets.http.operation import Header
from tracker.outlets.payload import JSON, Extra, Fault, ProblemError

MAX_WAIT_S: Final = 30
MAX_FAULTS: Final = 20

PREFER: Final = Header(
    "Prefer",
    f"wait=N: hold the answer until it is settled, {MAX_WAIT_S} s at most (RFC 7240).",
)
APPLIED: Final = Header("Preference-Applied", "The wait that was kept to.")
IDEMPOTENCY_KEY: Final = Header(
    "Idempotency-Key",
    "The same again, by the same subject on the same call, changes nothing.",
    TypeAdapter(IdempotencyKey).json_schema(),
)
LOCATION: Final = Header("Location", "Where it is from now on.")

BODY_PROBLEMS: Final = (400, 413, 415)
"""What may be wrong with any body."""

_PREFERENCE: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_WAIT: Final = re.compile(r'\s*wait\s*=\s*("?)0*(\d+)\1\s*(?:;.*)?', re.IGNORECASE)
_IS_WAIT: Final = re.compile(r"\s*wait\s*(?:[=;]|$)", re.IGNORECASE)
_KEY: Final[TypeAdapter[str]] = TypeAdapter(IdempotencyKey)
_KEY_WORDS: Final = "Idempotency-Key: once, 1 to 255 visible ASCII characters"
_FIELD_CHARACTERS: Final = 100

M = TypeVar("M", bound=BaseModel)


async def parse_body(model: type[M], request: web.Request) -> M:
    """What the body says.

    Raises:
        ProblemError: 413, 415, or 400 that names every wrong field.
    """
    if request.content_type != JSON:
        raise ProblemError(415, f"send {JSON}")
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        limit_bytes = request.client_max_size
        raise ProblemError(413, f"a body has {limit_bytes} bytes at most") from error
    try:
        data = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise ProblemError(400, "the body is not JSON") from error
    if not isinstance(data, dict):
        raise ProblemError(400, "the body is not a JSON object")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        faults = _faults(model, error)
        first = faults[0]
        detail = f"{first.field}: {first.detail}"
        raise ProblemError(400, detail, extra=Extra(errors=faults)) from error


def preferred_wait_s(headers: MultiMapping[str]) -> int | None:
    """The ``wait`` of a request, no more than `MAX_WAIT_S`; None = it has no good one.

    The first one counts (RFC 7240, 2).
    """
    given = ",".join(headers.getall("Prefer", ()))
    waits = (p for p in _PREFERENCE.findall(given) if _IS_WAIT.match(p))
    found = _WAIT.fullmatch(next(waits, ""))
    if found is None:
        return None
    digits = found[2]
    too_long = len(digits) > len(str(MAX_WAIT_S))
    return MAX_WAIT_S if too_long else min(int(digits), MAX_WAIT_S)


def idempotency_key(headers: MultiMapping[str]) -> str | None:
    """The request's key; None = it has none.

    Raises:
        ProblemError: 400, it is none.
    """
    given = headers.getall(IDEMPOTENCY_KEY.name, ())
    if not given:
        return None
    try:
        return _KEY.validate_python(given[0] if len(given) == 1 else "")
    except ValidationError as error:
        raise ProblemError(400, _KEY_WORDS) from error


def answer_headers(location: str, wait_s: int | None = None) -> dict[str, str]:
    """What goes with the answer to a POST."""
    headers = {str(hdrs.LOCATION): location}
    return headers | ({} if wait_s is None else {APPLIED.name: f"wait={wait_s}"})


def _faults(model: type[BaseModel], error: ValidationError) -> tuple[Fault, ...]:
    """Each wrong field once, with everything that it could have been."""
    found: dict[str, list[str]] = {}
    for fault in error.errors(include_input=False, include_url=False):
        name = ".".join(map(str, fault["loc"][:2]))[:_FIELD_CHARACTERS]
        words = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            known = (field.alias or key for key, field in model.model_fields.items())
            words = f"there is no such field; there are {', '.join(known)}"
        found.setdefault(name, []).append(words)
    faults = (
        Fault(field=name, detail="; or: ".join(dict.fromkeys(words)))
        for name, words in list(found.items())[:MAX_FAULTS]
    )
    return tuple(faults)
