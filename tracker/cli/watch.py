"""`tracker watch`: calls as they move, from any tracker that one may ask."""

import asyncio
from contextlib import aclosing
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from tracker.cli.options import LOCAL, Token, Url
from tracker.cli.printing import print_line
from tracker.cli.table import draw
from tracker.cli.until import run_until_signal
from tracker.cli.which import filter_of
from tracker.client import Filter, LiveCalls, RefusedError, Tracker
from tracker.errors import ConfigError, PositionLostError
from tracker.fanout.cursor import Cursor

_REDRAWS_PER_S = 4
_ROOM = 8  # lines around the table's rows

_TOKEN_WANTED = (401, 403, 4009, 4503)

_stdout = Console(highlight=False)

Only = Annotated[
    list[str] | None,
    typer.Option(help="Only these; may be repeated.", show_default="all"),
]


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    commands.command()(watch)


def watch(  # noqa: PLR0913, PLR0917 its arguments are the command's options
    url: Url = LOCAL,
    token: Token = None,
    agent: Only = None,
    team: Only = None,
    account: Only = None,
    provider: Only = None,
    call: Only = None,
    state: Only = None,
    issue: Only = None,
    type_: Annotated[
        list[str] | None,
        typer.Option("--type", help="With --json: only these events."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events, one a line.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="With --json: begin behind this cursor.")
    ] = None,
) -> None:
    """Show live calls: who is on them, what is recorded of them, and for how long."""
    wanted = filter_of(
        agents=agent,
        teams=team,
        accounts=account,
        providers=provider,
        calls=call,
        states=state,
        issues=issue,
        types=type_,
    )
    if not as_json and (type_ or since):
        raise ConfigError("--type and --since choose events: add --json")
    if since is not None:
        _refuse_no_cursor(since)
    tracker = Tracker(url, token)
    if as_json:
        shown = _print_events(tracker, wanted, since, _Losses(url))
    elif _stdout.is_terminal:
        shown = _show(tracker, wanted)
    else:
        raise ConfigError("the table needs a terminal: add --json for events as lines")
    try:
        run_until_signal(shown)
    except RefusedError as error:
        raise ConfigError(_refusal(url, token, error)) from error
    except PositionLostError as error:
        raise ConfigError(str(error)) from error


def _refusal(url: str, token: str | None, error: RefusedError) -> str:
    if error.code not in _TOKEN_WANTED:
        return f"{url} refused: {error}"
    if token is None:
        return f"{url} asks for a token: give a good --token, or set TRACKER_TOKEN"
    return f"{url} refused: {error}: give a good --token"


def _refuse_no_cursor(since: str) -> None:
    try:
        Cursor.parse(since)
    except ValueError as error:
        message = f"--since {since} is no cursor: give one that tracker has told"
        raise ConfigError(message) from error


class _Losses:
    """Says on stderr that the server at *url* is away, once for each reason."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._said = ""

    def __call__(self, reason: str) -> None:
        if reason != self._said:
            words = f"tracker: {self._url} is away ({reason}): it is tried again"
            typer.echo(words, err=True)
        self._said = reason

    def over(self) -> None:
        """The server is there."""
        self._said = ""


async def _print_events(
    tracker: Tracker, wanted: Filter, since: str | None, losses: _Losses
) -> None:
    events = tracker.events(wanted, since=since, on_loss=losses)
    async with aclosing(events):
        async for event in events:
            losses.over()
            print_line(event)


async def _show(tracker: Tracker, wanted: Filter) -> None:
    """Redraw a few times a second: ages count also when nothing happens."""
    live = LiveCalls()

    async def keep_up() -> None:
        async with aclosing(tracker.calls(wanted, live)) as changes:
            async for _ in changes:
                pass

    following = asyncio.create_task(keep_up())
    try:
        with Live(console=_stdout, screen=True, auto_refresh=False) as screen:
            while not following.done():
                rows = max(1, _stdout.height - _ROOM)
                screen.update(draw(live, tracker.url, rows), refresh=True)
                await asyncio.wait({following}, timeout=1 / _REDRAWS_PER_S)
        await following
    finally:
        following.cancel()
