"""Query parameters: models that say what there is, and one way to read them."""

from typing import Annotated, Final, TypeVar

from multidict import MultiMapping
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from tracker.domain.event import EVENT_TYPES
from tracker.domain.spelt import Spelt
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Filter
from tracker.outlets.faults import Fault, faults_of
from tracker.outlets.payload import wrong

MANY: Final = frozenset(Filter.model_fields)
"""May be repeated, or hold several values between commas."""

MAX_VALUES: Final = 100
"""Of one of them; the stream, whose filters are no part of a line, takes more."""

FROM_NEXT: Final = "no place of a page: take it from a page's `next`"
"""What is said of an *after* that is none."""

_CURSOR: Final = r"^[0-9A-Za-z_-]{1,64}(~\d{1,19}-\d{1,19}(\.\d{1,6})?){1,1024}$"

Q = TypeVar("Q", bound=BaseModel)


def _cursor(text: object) -> object:
    Cursor.parse(str(text))
    return text


def _flag(text: object) -> object:
    return {"true": True, "false": False}.get(text) if isinstance(text, str) else text


Flag = Annotated[bool, BeforeValidator(_flag)]
Limit = Annotated[int, Field(ge=1, le=1000, description="Items of a page.")]
After = Annotated[
    str,
    Spelt(r"^[A-Za-z0-9._~%-]+(/[A-Za-z0-9._~%-]+){1,2}$", FROM_NEXT),
    Field(max_length=4096, description="A key."),
]


class NoQuery(BaseModel):
    """There is nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PageQuery(NoQuery):
    """Which page of a list."""

    limit: Limit = 100
    after: After | None = None


class _FilterQuery(Filter):
    """A filter, its types spelt out for the document."""

    types: Annotated[
        frozenset[str] | None,
        Field(min_length=1),
        WithJsonSchema({"type": "array", "items": {"enum": [*EVENT_TYPES]}}),
    ] = None


class CallQuery(_FilterQuery):
    """Which calls."""

    ended: Annotated[Flag, Field(description="Also calls that are over.")] = False
    limit: Limit = 100
    after: After | None = None


class EventQuery(_FilterQuery):
    """Which events."""

    since: Annotated[
        str | None,
        BeforeValidator(_cursor),
        Field(description="A cursor; without it only the newest cursor is answered."),
        WithJsonSchema({"type": "string", "pattern": _CURSOR}),
    ] = None
    limit: Limit = 100


def parse_query(model: type[Q], given: MultiMapping[str]) -> Q:
    """The parameters of a request.

    Raises:
        ProblemError: 400, naming every wrong parameter and what it should be.
    """
    values = {name: _values(name, given.getall(name)) for name in given}
    many = [_too_many(name, texts) for name, texts in values.items()]
    faults = [fault for fault in many if fault is not None]
    try:
        parsed = model.model_validate(
            {k: v if k in MANY else v[0] for k, v in values.items()}
        )
    except ValidationError as error:
        found = faults_of(model, error, "parameter")
        raise wrong([*faults, *found]) from error
    if faults:
        raise wrong(faults)
    return parsed


def _values(name: str, texts: list[str]) -> list[str]:
    if name not in MANY:
        return texts
    return [value for text in texts for value in text.split(",") if value]


def _too_many(name: str, values: list[str]) -> Fault | None:
    if name in MANY and len(values) > MAX_VALUES:
        return Fault(field=name, detail=f"at most {MAX_VALUES} values")
    if name not in MANY and len(values) > 1:
        return Fault(field=name, detail="give it once")
    return None
