"""All commands together, and how each of them may end."""

import sys
from collections.abc import Iterator
from importlib.metadata import version as version_of

import typer

from tracker.cli import (
    command,
    export,
    inspect,
    recordings,
    serve,
    token,
    watch,
    webhook,
)
from tracker.errors import ConfigError

commands = typer.Typer(
    name="tracker",
    help="Is this call being recorded, and how do we know?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (serve, inspect, watch, command, recordings, export, webhook, token):
    module.add_to(commands)


@commands.command()
def version() -> None:
    """Print the version."""
    typer.echo(version_of("tracker"))


def main() -> None:
    """Run the command line; what a person can put right is one sentence and exit 2."""
    wrong: list[str] = []
    try:
        commands()
    except* ConfigError as errors:
        wrong = [str(error) for error in _leaves(errors)]
    if wrong:
        typer.echo(f"tracker: {wrong[0]}", err=True)
        sys.exit(2)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _leaves(inner)
