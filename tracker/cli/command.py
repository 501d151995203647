"""`tracker start`, `pause`, `resume` and `stop`: a command, and what becomes of it."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from secrets import token_hex
from typing import Annotated, Any, Final, NamedTuple, get_args

import typer

from tracker.cli.ending import end_as
from tracker.cli.options import LOCAL, Token, Url
from tracker.client import ProblemError, Tracker, UnansweredError
from tracker.domain.terms import ALL_ACTIONS, Action, Reason
from tracker.errors import ConfigError

ROUND_S: Final = 1
"""Of waiting for an end: after each, the stages that have come are printed."""

AGAIN_S: Final = 0.5
"""Until the same is asked again, while a server that is waited for does not answer."""

_SUMMARIES: Final[Mapping[Action, str]] = {
    "start": "Start a call's recording.",
    "pause": "Pause a call's recording: by itself that makes no call PCI compliant.",
    "resume": "Resume a call's paused recording.",
    "stop": "Stop a call's recording.",
}
_REASONS: Final = get_args(Reason)
_LATER: Final = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_NOT_SHOWN: Final = "urn:tracker:problem:not-shown"
"""It was waited for already: the call is not there."""

Json = Mapping[str, Any]


class Wish(NamedTuple):
    """What is asked for, and for how long to wait for its end; None = not at all."""

    call: str
    action: Action
    agent: str | None
    reason: Reason | None
    deadline_s: float | None
    wait_s: int | None


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    for action in ALL_ACTIONS:
        commands.command(action, help=_SUMMARIES[action])(_command(action))


def _command(action: Action) -> Callable[..., None]:
    def command(  # noqa: PLR0913, PLR0917 its arguments are the command's options
        call: Annotated[str, typer.Argument(help="Its key: provider/account/id.")],
        agent: Annotated[
            str | None,
            typer.Option(help="Whose leg.", show_default="every leg that needs it"),
        ] = None,
        reason: Annotated[
            str | None, typer.Option(help=f"One of {', '.join(_REASONS)}.")
        ] = None,
        deadline: Annotated[
            float | None,
            typer.Option(
                min=1,
                max=120,
                help="Seconds until the last look.",
                show_default="15",
            ),
        ] = None,
        wait: Annotated[
            int | None,
            typer.Option(
                min=1, max=300, help="Seconds to wait for proof.", show_default="none"
            ),
        ] = None,
        url: Url = LOCAL,
        token: Token = None,
    ) -> None:
        known = next((one for one in _REASONS if one == reason), None)
        if reason is not None and known is None:
            message = f"--reason {reason}: there are {', '.join(_REASONS)}"
            raise ConfigError(message)
        wish = Wish(call, action, agent, known, deadline, wait)
        end_as(_ask(Tracker(url, token), wish), url)

    return command


async def _ask(tracker: Tracker, wish: Wish) -> str | None:
    """Print each stage as it comes; why it is no success, or None."""
    key, printed = token_hex(16), set[str]()
    until_s, wait_s = time.monotonic() + (wish.wait_s or 0), None
    command: Json | None = None
    while True:
        try:
            command = await tracker.command(
                wish.call,
                wish.action,
                agent=wish.agent,
                reason=wish.reason,
                deadline_s=wish.deadline_s,
                wait_s=wait_s,
                idempotency_key=key,
            )
        except (UnansweredError, ProblemError) as error:
            after_s = _again_in_s(error)
            if after_s is not None and time.monotonic() + after_s < until_s:
                await asyncio.sleep(max(AGAIN_S, after_s))
                continue
            if command is None:
                raise
            return f"{error}: it was taken, and {command['stage']} when last heard of"
        for stage, at in stages(command):
            if stage not in printed:
                printed.add(stage)
                typer.echo(f"{at}  {stage:<12}  {wish.action} {wish.call}")
        wait_s = min(ROUND_S, int(until_s - time.monotonic() + 1))
        if command["settled_at"] or wish.wait_s is None or time.monotonic() >= until_s:
            return _failure(command, wish.wait_s)


def _again_in_s(error: UnansweredError | ProblemError) -> float | None:
    """When the same may be asked again; None = the server has said no."""
    if isinstance(error, UnansweredError):
        return 0.0
    is_final = error.code not in _LATER or error.problem.get("type") == _NOT_SHOWN
    return None if is_final else error.after_s


def stages(command: Json) -> Iterator[tuple[str, str]]:
    """The stages that *command* has come through, each with its time."""
    for stage in ("requested", "sent", "accepted"):
        if at := command.get(f"{stage}_at"):
            yield stage, str(at)
    if at := command["settled_at"]:
        yield str(command["stage"]), str(at)


def _failure(command: Json, wait_s: int | None) -> str | None:
    stage = command["stage"]
    if stage == "confirmed" or (wait_s is None and not command["settled_at"]):
        return None
    if command["settled_at"]:
        return f"{stage}: {command['problem'] or 'the platform gave no reason'}"
    return f"not confirmed within {wait_s} s: it is only {stage}"
