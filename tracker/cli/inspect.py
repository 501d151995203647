"""`tracker check` and `tracker replay`: is it well, and would it decide the same?"""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from tracker.cli.ending import STOPPED
from tracker.cli.options import Config
from tracker.cli.until import run_until_signal

if TYPE_CHECKING:
    from tracker.app import CheckLine
    from tracker.settings import Settings

_stdout = Console(highlight=False, soft_wrap=True)


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    commands.command()(check)
    commands.command()(replay)


def check(config: Config = None) -> None:
    """Validate the settings and reach the store and every provider, a line each."""
    from tracker import app

    _print_all(app.check(_quietly_loaded(config)))


def replay(config: Config = None) -> None:
    """Decide the stored inputs again, and show where the outcome differs."""
    from tracker import app

    _print_all(app.replay(_quietly_loaded(config)))


def _quietly_loaded(config: Path | None) -> "Settings":
    from tracker.settings import load
    from tracker.telemetry import LogSettings, configure_logging

    settings = load(config)
    configure_logging(LogSettings(level="error"))
    return settings


def _print_all(lines: AsyncIterator["CheckLine"]) -> None:
    """Print *lines* as they come; exit 1 when one is not well, or not all came."""
    bad, ended = 0, False

    async def consume() -> None:
        nonlocal bad, ended
        async for line in lines:
            bad += not line.ok
            mark = Text("ok  ", "green") if line.ok else Text("bad ", "bold red")
            _stdout.print(mark + Text(f"{line.what}: {line.detail}"))
        ended = True

    run_until_signal(consume())
    if not ended:
        typer.echo(f"tracker: {STOPPED}", err=True)
    if bad or not ended:
        sys.exit(1)
