"""Bodies of requests, and the header fields that say how to answer: one way each."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web
from multidict import MultiMapping
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from tracker.domain.wanted import IdempotencyKey
from tracker.outlets.faults import Fault, faults_of
from tracker.outlets.http.operation import Header
from tracker.outlets.payload import JSON, ProblemError, wrong

MAX_WAIT_S: Final = 30

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

_LONGEST_PREFER: Final = 1024
_PREFERENCE: Final = re.compile(
    r'(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+', re.DOTALL
)  # a quote that is not closed goes to the end: nothing is read twice
_WAIT: Final = re.compile(r'\s*wait\s*=\s*("?)(\d+)\1\s*(?:;.*)?', re.IGNORECASE)
_IS_WAIT: Final = re.compile(r"\s*wait\s*(?:[=;]|$)", re.IGNORECASE)
_KEY: Final[TypeAdapter[str]] = TypeAdapter(IdempotencyKey)
_KEY_WORDS: Final = "Idempotency-Key: once, 1 to 255 visible ASCII characters"

M = TypeVar("M", bound=BaseModel)
Vet = Callable[[Mapping[str, Any]], Awaitable[Sequence[Fault]]]
"""Asked about the fields with which a model finds no fault."""


async def parse_body(model: type[M], request: web.Request, vet: Vet | None = None) -> M:
    """What the body says.

    Raises:
        ProblemError: 413, 415, or 400 that names every wrong field.
    """
    if not _is_json(request.headers.get(hdrs.CONTENT_TYPE, "")):
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
        parsed, faults, wrongs = model.model_validate_json(raw), [], set()
    except ValidationError as error:
        parsed, faults = None, faults_of(model, error)
        wrongs = {each["loc"][0] for each in error.errors() if each["loc"]}
    if vet is not None:
        faults += await vet({k: v for k, v in data.items() if k not in wrongs})
    if parsed is None or faults:
        raise wrong(faults)
    return parsed


def _is_json(content_type: str) -> bool:
    """It is; aiohttp's own way reads parameters in quadratic time."""
    return content_type.partition(";")[0].strip().lower() == JSON


def preferred_wait_s(headers: MultiMapping[str]) -> int | None:
    """The ``wait`` of a request, no more than `MAX_WAIT_S`; None = it has no good one.

    The first one counts (RFC 7240, 2); of more than 1 KiB nothing is read.
    """
    given = ",".join(headers.getall("Prefer", ()))
    if len(given) > _LONGEST_PREFER:
        return None
    waits = (p for p in _PREFERENCE.findall(given) if _IS_WAIT.match(p))
    found = _WAIT.fullmatch(next(waits, ""))
    if found is None:
        return None
    digits = found[2].lstrip("0") or "0"
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
