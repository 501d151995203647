"""What a server told, as commands print it: for people, or as JSON."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Final

import typer

PAGE: Final = 200

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one a line.")]
Limit = Annotated[int | None, typer.Option(min=1, help="How many.", show_default="all")]
Json = Mapping[str, Any]


def page_of(limit: int | None) -> int:
    """How many to ask for at once."""
    return PAGE if limit is None else min(limit, PAGE)


async def print_each(
    found: AsyncGenerator[Json],
    line: Callable[[Json], str],
    *,
    as_json: bool,
    limit: int | None = None,
) -> None:
    """Print what comes, each as its *line* or as JSON, until there are *limit*."""
    left = limit
    async with aclosing(found):
        async for one in found:
            if as_json:
                print_line(one)
            else:
                typer.echo(line(one))
            left = None if left is None else left - 1
            if left == 0:
                return


def print_line(one: Json) -> None:
    """Print *one* as a line of JSON."""
    typer.echo(json.dumps(one, ensure_ascii=False))


def print_whole(one: Json) -> None:
    """Print *one* as JSON for people."""
    typer.echo(json.dumps(one, ensure_ascii=False, indent=2))
