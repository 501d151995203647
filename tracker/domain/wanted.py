"""What one may ask of a call: the public form of a request."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from tracker.domain.spelt import Spelt
from tracker.domain.terms import Action, Reason

MAX_OPTIONS = 20
SAFE_INTEGER = 2**53 - 1
"""RFC 7493, 2.2: beyond it not every JSON parser keeps an integer."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Deadline = Annotated[
    float, Field(ge=1, le=120, description="Seconds from the sending to the last look.")
]
IdempotencyKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    Spelt(r"^[!-~]+$", "visible ASCII characters"),
]


def _whole(value: object) -> object:
    """JSON has one kind of number: 1.0 is an integer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


_OptionName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Option = (
    Annotated[str, StringConstraints(max_length=1024)]
    | Annotated[int, BeforeValidator(_whole), Field(ge=-SAFE_INTEGER, le=SAFE_INTEGER)]
    | bool
)


class Wanted(BaseModel):
    """A command that somebody wants.

    Attributes:
        agent: The leg to command; None = every leg that needs it.
        reason: Why; it is told with the change.
        options: What the platform alone understands.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True
    )

    action: Action
    agent: Name | None = None
    reason: Reason | None = None
    options: dict[_OptionName, _Option] = Field(
        default_factory=dict, max_length=MAX_OPTIONS
    )
    deadline_s: Deadline = 15.0
