"""`tracker run` and `tracker demo`.

The rooms that take long to load are loaded by the command that wants them.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tracker.cli.options import Config
from tracker.cli.until import run_until_signal
from tracker.domain.placement import ROLES, Role
from tracker.errors import ConfigError

if TYPE_CHECKING:
    from tracker.app import Running
    from tracker.settings import Settings

_stderr = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
_stdout = Console(highlight=False, soft_wrap=True)

_ANYBODY = (
    'without authentication (auth.mode = "none"): anybody on this machine may see and '
    "do everything, and nobody from elsewhere"
)


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    commands.command()(run)
    commands.command()(demo)


def run(
    config: Config = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Only this of {', '.join(ROLES)}; may be repeated.",
            show_default="all",
        ),
    ] = None,
) -> None:
    """Observe, keep and serve, until Ctrl-C."""
    from tracker import app
    from tracker.settings import load, with_roles
    from tracker.telemetry import configure_logging

    settings = load(config)
    if role:
        settings = with_roles(settings, _roles(role))
    _refuse_emptiness(settings, config)
    configure_logging(settings.log)
    _prepare_secret(settings)
    with _progress("starting") as started:

        def ready(running: Running) -> None:
            started()
            _stderr.print(f"tracker {_does(running, settings)} (Ctrl-C ends it)")
            if settings.auth.mode == "none" and "serve" in settings.roles:
                _stderr.print(_ANYBODY)

        run_until_signal(app.run(settings, settings.roles, on_ready=ready))


def demo(
    agents: Annotated[int, typer.Option(min=1, help="Simulated agents.")] = 20,
    rate: Annotated[float, typer.Option(min=0, help="Changes a second.")] = 2,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free.")] = 8080,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Keep the store here.", show_default="forgotten at the end"),
    ] = None,
) -> None:
    """Show moving calls: everything, against simulated telephony."""
    from tracker import app
    from tracker.telemetry import LogSettings, configure_logging

    configure_logging(LogSettings(level="warning"))
    with _progress("starting a store, simulated telephony and tracker") as started:

        def ready(running: Running) -> None:
            started()
            _welcome(running.url, agents, min(agents, app.FEW_AGENTS))

        run_until_signal(
            app.demo(
                agents=agents, rate=rate, port=port, data_dir=data_dir, on_ready=ready
            )
        )


def _does(running: Running, settings: Settings) -> str:
    if running.url:
        return f"serves at {running.url}"
    return f"runs {', '.join(role for role in ROLES if role in settings.roles)}"


def _roles(names: list[str]) -> frozenset[Role]:
    found = frozenset(role for role in ROLES if role in names)
    if unknown := set(names) - found:
        message = f"--role {unknown.pop()}: there are {', '.join(ROLES)}"
        raise ConfigError(message)
    return found


def _welcome(url: str, agents: int, few: int) -> None:
    is_module = Path(sys.argv[0]).name == "__main__.py"
    program = [sys.executable, "-m", "tracker"] if is_module else [sys.argv[0]]
    command = shlex.join([*program, "watch", "--url", url])
    _stdout.print(
        f"[bold]tracker[/] is watching {agents} simulated agents on Genesys, and"
        f" {few} on Vonage Contact Center and on Kazoo each.\n"
    )
    _stdout.print("In a browser:\n")
    _stdout.print(f"  [bold]{url}/[/]                      every call, for supervisors")
    _stdout.print(f"  [bold]{url}/desktop[/]               one agent, at a desktop\n")
    _stdout.print("For programs:\n")
    _stdout.print(f"  {url}/v1/calls?states=paused   calls whose recording is paused")
    _stdout.print(f"  {url}/v1/recordings            stored recordings")
    _stdout.print(f"  {url}/openapi.json             what else can be asked\n")
    _stdout.print("In another terminal, for the calls as they move:\n")
    _stdout.print(f"  [bold]{command}[/]\n")
    _stdout.print("Ctrl-C ends it.")


def _refuse_emptiness(settings: Settings, config: Path | None) -> None:
    if "ingest" not in settings.roles or any(settings.accounts.values()):
        return
    from tracker.settings import DEFAULT_FILE

    if config is None and not DEFAULT_FILE.exists():
        message = (
            f"there is no {DEFAULT_FILE} here and no account in the environment: "
            "write one, name another file with --config, or try `tracker demo`"
        )
        raise ConfigError(message)
    *some, last = (f"[[{name}]]" for name in settings.accounts)
    _stderr.print(
        "no account is configured, so nothing will be seen: add "
        f"{', '.join(some)} or {last}"
    )


def _prepare_secret(settings: Settings) -> None:
    from tracker.outlets.auth import create_secret_file

    file = settings.auth.secret_file
    if settings.auth.mode == "jwt" and file is not None and create_secret_file(file):
        _stderr.print(f"made a new secret for access tokens: {file}")


@contextmanager
def _progress(what: str) -> Iterator[Callable[[], None]]:
    """A spinner on a terminal's stderr, until what is yielded is called."""
    status = _stderr.status(f"{what} …")
    if _stderr.is_terminal:
        status.start()
    try:
        yield status.stop
    finally:
        status.stop()
