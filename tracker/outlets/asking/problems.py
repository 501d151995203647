"""Why a command is not taken, in words, and as URNs for programs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tracker.domain.wanted import Wanted
from tracker.errors import CommandRefusedError
from tracker.outlets.faults import Fault
from tracker.outlets.payload import Extra, OptionsCheck, ProblemError, wrong

TYPE: Final = "urn:tracker:problem:"

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "call_ended": "the call is over",
        "no_such_leg": "nobody of that name has a leg of this call that can be asked",
        "unsupported_by_platform": "the call's platform has no such action",
        "not_allowed_now": "the recording is not in a state that this action changes",
        "command_open": "another command of this call is under way: wait for its end",
    }
)


def problem_of(
    status: int,
    code: str,
    detail: str | None = None,
    command_id: str | None = None,
    extra: Extra | None = None,
) -> ProblemError:
    """A problem that programs can tell from others; *code* becomes its URN."""
    return ProblemError(
        status,
        detail or _WORDS.get(code, code),
        type_=TYPE + code.replace("_", "-"),
        extra=extra or Extra(command_id=command_id),
    )


def refuse_wrong_options(wanted: Wanted, check: OptionsCheck | None) -> None:
    """See that the platform would take the options; nobody asks it.

    Raises:
        ProblemError: 400, with what would be right.
    """
    if check is None:
        return
    try:
        check(wanted.action, wanted.options)
    except CommandRefusedError as error:
        raise wrong([Fault(field="options", detail=str(error))]) from error
