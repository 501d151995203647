"""Commands: asked of a call, and looked at."""

from typing import Final

from aiohttp import web

from tracker.domain.base import Model
from tracker.domain.key import make_key
from tracker.domain.snapshot import CommandPart
from tracker.domain.wanted import Wanted
from tracker.outlets.asking import Asked, Asker, Asking
from tracker.outlets.http.body import (
    APPLIED,
    BODY_PROBLEMS,
    IDEMPOTENCY_KEY,
    LOCATION,
    PREFER,
    answer_headers,
    idempotency_key,
    parse_body,
    preferred_wait_s,
)
from tracker.outlets.http.calls import PATH as CALL
from tracker.outlets.http.operation import PRINCIPAL, Operation, json_model
from tracker.outlets.payload import SERVICES, ProblemError

PATH: Final = f"{CALL}/commands"


class CommandPage(Model):
    """A call's commands, the newest first.

    Attributes:
        next: None: all of them are here.
    """

    items: tuple[CommandPart, ...]
    next: str | None


async def post_command(request: web.Request) -> web.Response:
    """Have it taken; 200 once it is settled, 202 before."""
    wanted = await parse_body(Wanted, request)
    wait_s = preferred_wait_s(request.headers)
    call, key = _call(request), idempotency_key(request.headers)
    asked = Asked(call, wanted, key, wait_s or 0)
    asker = Asker.of(request[PRINCIPAL])
    command = await Asking(request.app[SERVICES]).ask(asker, asked)
    location = f"/v1/calls/{call}/commands/{command.id}"
    status = 202 if command.settled_at is None else 200
    return json_model(command, status, answer_headers(location, wait_s))


async def list_commands(request: web.Request) -> web.Response:
    """Those of the last day, also of a call that is forgotten."""
    asker, asking = Asker.of(request[PRINCIPAL]), Asking(request.app[SERVICES])
    commands = await asking.commands(asker, _call(request))
    if commands is None:
        raise ProblemError(404, "no such call")
    return json_model(CommandPage(items=tuple(commands), next=None))


async def get_command(request: web.Request) -> web.Response:
    """A command of the last day, also of a call that is forgotten."""
    asker, asking = Asker.of(request[PRINCIPAL]), Asking(request.app[SERVICES])
    id_ = request.match_info["command_id"]
    command = await asking.command(asker, _call(request), id_)
    if command is None:
        raise ProblemError(404, "no such command")
    return json_model(command)


def _call(request: web.Request) -> str:
    parts = request.match_info
    return make_key(parts["provider"], parts["account"], parts["call_id"])


OPERATIONS: Final = (
    Operation(
        PATH,
        post_command,
        "Start, pause, resume or stop a call's recording",
        CommandPart,
        problems=(404, 409, 422, 429, 504, *BODY_PROBLEMS),
        scope="calls:control",
        method="POST",
        body=Wanted,
        statuses=(200, 202),
        hears=(PREFER, IDEMPOTENCY_KEY),
        tells=(LOCATION, APPLIED),
    ),
    Operation(
        PATH,
        list_commands,
        "What was asked of a call",
        CommandPage,
        problems=(404,),
        scope="calls:read",
    ),
    Operation(
        f"{PATH}/{{command_id}}",
        get_command,
        "How far a command has come",
        CommandPart,
        problems=(404,),
        scope="calls:read",
    ),
)
