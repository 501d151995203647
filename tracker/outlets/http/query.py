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
from tracker.fanout.filters import Filter
from tracker.outlets.payload import ProblemError

MANY: Final = frozenset(Filter.model_fields)
"""May be repeated, or hold several values between commas."""

MAX_VALUES: Final = 100
"""Of one of them; the stream, whose filters are no part of a line, takes more."""

_CURSOR: Final = r"^[0-9A-Za-z_-]{1,64}(~\d{1,19}-\d{1,19}(\.\d{1,6})?){1,1024}$"

Q = TypeVar("Q", bound=BaseModel)


def _flag(text: object) -> object:
    return {"true": True, "false": False}.get(text) if isinstance(text, str) else text


Flag = Annotated[bool, BeforeValidator(_flag)]
Limit = Annotated[int, Field(ge=1, le=1000, description="Items of a page.")]
After = Annotated[str, Field(min_length=1, max_length=1024, description="A key.")]


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
        Field(description="A cursor; without it only the newest cursor is answered."),
        WithJsonSchema({"type": "string", "pattern": _CURSOR}),
    ] = None
    limit: Limit = 100


def parse_query(model: type[Q], given: MultiMapping[str]) -> Q:
    """The parameters of a request.

    Raises:
        ProblemError: 400, naming the parameter and what it should be.
    """
    values = {name: _value(name, given.getall(name)) for name in given}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0]
        detail = f"{name}: {first['msg'].removeprefix('Value error, ')}"
        if first["type"] == "extra_forbidden":
            fields = model.model_fields.items()
            known = ", ".join(sorted(field.alias or key for key, field in fields))
            detail = f"there is no parameter {name}; there are {known}"
        raise ProblemError(400, detail) from error


def _value(name: str, texts: list[str]) -> str | list[str]:
    if name in MANY:
        values = [value for text in texts for value in text.split(",") if value]
        if len(values) > MAX_VALUES:
            raise ProblemError(400, f"{name}: at most {MAX_VALUES} values")
        return values
    if len(texts) > 1:
        raise ProblemError(400, f"{name}: give it once")
    return texts[0]
