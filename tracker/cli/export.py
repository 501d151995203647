"""`tracker export`: have recordings prepared, wait for them, fetch them."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tracker.cli import which
from tracker.cli.ending import end_as
from tracker.cli.options import LOCAL, Token, Url
from tracker.cli.recordings import print_sum, progress_of
from tracker.client import Tracker, Which
from tracker.errors import ConfigError

LOOK_EVERY_S: Final = 2.0
_GOES_ON: Final = "interrupted: what was asked for goes on"

Json = Mapping[str, Any]


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    commands.command()(export)


def export(  # noqa: PLR0913, PLR0917 its arguments are the command's options
    key: Annotated[
        list[str] | None,
        typer.Option(help="Go on with this export; may be repeated."),
    ] = None,
    to: Annotated[Path, typer.Option(help="The directory for the files.")] = Path(),
    wait: Annotated[
        bool, typer.Option(help="Wait for the files and fetch them.")
    ] = True,
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
    to_: Annotated[
        str | None, typer.Option("--until", help="Begun then or earlier.")
    ] = None,
    min_duration: which.Shortest = None,
    max_duration: which.Longest = None,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """Have recordings prepared for a bulk download, and fetch the files."""
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
        to_at=to_,
        min_duration_s=min_duration,
        max_duration_s=max_duration,
    )
    if not to.is_dir():
        message = f"--to {to} is no directory"
        raise ConfigError(message)
    tracker = Tracker(url, token)
    end_as(_export(tracker, wanted, key or [], to if wait else None), url, _GOES_ON)


async def _export(
    tracker: Tracker, wanted: Which, keys: Sequence[str], to: Path | None
) -> str | None:
    """Print each export's key, then each file; why it is no success, or None."""
    failures: list[str] = []
    if not keys:
        answer = await tracker.export(wanted)
        failures = [f"{one['account']}: {one['detail']}" for one in answer["problems"]]
        keys = [item["key"] for item in answer["items"]]
    for key in keys:
        typer.echo(key)
    if to is not None:
        for ended in await _ended(tracker, keys):
            failures += await _fetch(tracker, ended, to)
    return "; ".join(failures) or None


async def _ended(tracker: Tracker, keys: Sequence[str]) -> list[Json]:
    """Every export once it is over, with a bar for each on a terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    shown = Console(stderr=True)
    with Progress(*columns, console=shown, disable=not sys.stderr.isatty()) as progress:

        async def end_of(key: str) -> Json:
            task = progress.add_task(key, total=None)
            while (state := await tracker.export_state(key))["state"] == "running":
                done, total = files(state)
                progress.update(task, completed=done, total=total)
                await asyncio.sleep(LOOK_EVERY_S)
            done, total = files(state)
            progress.update(task, completed=done, total=total)
            return state

        return list(await asyncio.gather(*(end_of(key) for key in keys)))


async def _fetch(tracker: Tracker, export: Json, to: Path) -> list[str]:
    """Fetch what there is of an export that is over; what there is not."""
    failures: list[str] = []
    for job in export["jobs"]:
        name = f"{export['key']} {job['id']}"
        if job["state"] != "completed":
            failures.append(f"{name} {job['state']}: {job['status'] or 'no reason'}")
            continue
        file = to / file_of(export["key"], job["id"])
        if file.exists():
            typer.echo(f"tracker: {file} is there already: it is kept", err=True)
            continue
        with progress_of(name) as told:
            print_sum(
                await tracker.download_export(
                    export["key"], file, job=job["id"], progress=told
                )
            )
    return failures


def files(export: Json) -> tuple[int, int | None]:
    """How many files are ready, and of how many; None = not told yet."""
    jobs = export["jobs"]
    done = sum(job["files_completed"] or 0 for job in jobs)
    totals = [job["files_total"] for job in jobs]
    return done, None if None in totals else sum(totals)


def file_of(key: str, job: str) -> str:
    """The name of a job's file, which no other job has."""
    text = f"{key}-{job}"
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in text) + ".zip"
