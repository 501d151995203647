"""`tracker recordings`: what platforms have stored, listed, shown, fetched, deleted."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)

from tracker.cli import which
from tracker.cli.ending import STOPPED, end_as
from tracker.cli.options import LOCAL, Token, Url
from tracker.cli.printing import (
    AsJson,
    Json,
    Limit,
    page_of,
    print_each,
    print_whole,
)
from tracker.client import Download, Tracker

_HERE: Final = Path()

Key = Annotated[str, typer.Argument(help="Its key: provider/account/id.")]
Place = Annotated[Path, typer.Option(help="A directory, or a file that is not there.")]

recordings = typer.Typer(help="Recordings that platforms have stored.")


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    commands.add_typer(recordings, name="recordings", no_args_is_help=True)


@recordings.command("list")
def list_(  # noqa: PLR0913, PLR0917 its arguments are the command's options
    provider: which.Provider = None,
    account: which.Account = None,
    kind: which.Kind = None,
    call: which.Call = None,
    agent: which.Agent = None,
    direction: which.Direction = None,
    caller_id: which.CallerId = None,
    cnam: which.Cnam = None,
    dnis: which.Dnis = None,
    from_: which.From = None,
    to: which.To = None,
    min_duration: which.Shortest = None,
    max_duration: which.Longest = None,
    order: Annotated[str, typer.Option(help="start:asc or start:desc.")] = "start:desc",
    limit: Limit = None,
    as_json: AsJson = False,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """List stored recordings of all accounts, newest first, a line each."""
    wanted = which.chosen(
        provider=provider,
        account=account,
        kind=kind,
        call=call,
        agent=agent,
        direction=direction,
        caller_id=caller_id,
        cnam=cnam,
        dnis=dnis,
        from_at=from_,
        to_at=to,
        min_duration_s=min_duration,
        max_duration_s=max_duration,
        order=order,
    )
    found = Tracker(url, token).recordings(wanted, page=page_of(limit))
    end_as(print_each(found, line, as_json=as_json, limit=limit), url, STOPPED)


@recordings.command()
def show(key: Key, url: Url = LOCAL, token: Token = None) -> None:
    """Print everything that is known of a recording, as JSON."""

    async def ask() -> None:
        print_whole(await Tracker(url, token).recording(key))

    end_as(ask(), url, STOPPED)


@recordings.command()
def download(
    key: Key, to: Place = _HERE, url: Url = LOCAL, token: Token = None
) -> None:
    """Fetch a recording's audio, and print its SHA-256."""

    async def ask() -> None:
        with progress_of(key) as told:
            fetched = await Tracker(url, token).download(key, to, told)
        print_sum(fetched)

    refuse_present(to)
    end_as(ask(), url, "interrupted: what had come is thrown away")


@recordings.command()
def delete(
    key: Key,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """Delete a recording at its platform; it cannot be brought back."""
    if not yes:
        typer.confirm(f"Delete {key} for good?", abort=True)

    async def ask() -> None:
        fate = await Tracker(url, token).delete_recording(key)
        typer.echo(f"document {fate['document']}, audio {fate['audio']}  {key}")

    end_as(ask(), url)


def refuse_present(to: Path) -> None:
    """Never write over a file.

    Raises:
        BadParameter: There is one.
    """
    if to.exists() and not to.is_dir():
        message = f"--to {to} is there already: name another file"
        raise typer.BadParameter(message)


def print_sum(fetched: Download) -> None:
    """What came, as `sha256sum` prints it."""
    typer.echo(f"{fetched.sha256}  {fetched.path}")


class Told:
    """Shows how much of a file has come; called by who fetches it.

    Args:
        progress: Where it is shown.
        name: What is shown beside it.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=None)

    def __call__(self, done: int, total: int | None) -> None:
        """So many bytes have come, of so many."""
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def progress_of(name: str) -> Iterator[Told]:
    """A bar for one file, on a terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    console = Console(stderr=True)
    shown = sys.stderr.isatty()
    with Progress(*columns, console=console, disable=not shown) as progress:
        yield Told(progress, name)


def line(item: Json) -> str:
    """A recording in one line."""
    duration_ms = item["duration_ms"]
    lasted = "-" if duration_ms is None else f"{duration_ms / 1000:.1f} s"
    parties = f"{item['caller_id'] or '-'} > {item['dnis'] or '-'}"
    began = item["started_at"] or "-"
    return f"{began}  {lasted:>9}  {item['audio']:<8}  {parties}  {item['key']}"
