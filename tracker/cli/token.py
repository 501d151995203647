"""`tracker token`: an access token, signed with the settings' secret or with a key."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.options import Config
from tracker.cli.which import filter_of
from tracker.domain.terms import ALL_SCOPES
from tracker.errors import ConfigError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Only = Annotated[
    list[str] | None,
    typer.Option(help="Show only these; may be repeated.", show_default="all"),
]


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    commands.command()(token)


def token(  # noqa: PLR0913, PLR0917 its arguments are the command's options
    sub: Annotated[str, typer.Option(help="Who it is for.")] = "operator",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Of {', '.join(sorted(ALL_SCOPES))}; may be repeated.",
            show_default="calls:read",
        ),
    ] = None,
    agent: Only = None,
    team: Only = None,
    account: Only = None,
    provider: Only = None,
    expires: Annotated[str, typer.Option(help="From now: 30m, 1h, 7d.")] = "1h",
    key: Annotated[
        Path | None,
        typer.Option(
            help="Sign with this private key, PEM or JWK.",
            show_default="the secret of the settings",
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Print an access token, for trying: it is signed with the settings' secret."""
    from tracker.outlets.auth import Limits, mint
    from tracker.settings import load

    scopes = {scope for given in scope or ["calls:read"] for scope in given.split()}
    if not scopes <= ALL_SCOPES:
        message = f"--scope: there are {', '.join(sorted(ALL_SCOPES))}"
        raise typer.BadParameter(message)
    if not sub:
        raise ConfigError("--sub: say who it is for")
    given = {"agents": agent, "teams": team, "accounts": account, "providers": provider}
    filter_of(**given)
    limits = Limits.model_validate(given)
    expires_at = datetime.now(UTC) + _duration(expires)
    typer.echo(mint(load(config).auth, sub, scopes, limits, expires_at, key))


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if not match:
        raise typer.BadParameter("--expires: write it like 30m, 1h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
