"""The options that choose stored recordings, and events."""

from datetime import datetime
from typing import Annotated

import typer
from pydantic import ValidationError

from tracker.client import Filter, Which
from tracker.errors import ConfigError

Provider = Annotated[str | None, typer.Option(help="Of this kind of platform.")]
Account = Annotated[
    str | None, typer.Option(help="Of this account, alone or as provider/account.")
]
Kind = Annotated[str | None, typer.Option(help="company, on_demand or kazoo.")]
Call = Annotated[str | None, typer.Option(help="Of the platform's call of this id.")]
Agent = Annotated[str | None, typer.Option(help="Of this extension or user.")]
Direction = Annotated[str | None, typer.Option(help="inbound, outbound or internal.")]
CallerId = Annotated[str | None, typer.Option(help="From this number.")]
Cnam = Annotated[str | None, typer.Option(help="From a caller of this name.")]
Dnis = Annotated[str | None, typer.Option(help="To this number.")]
From = Annotated[
    str | None,
    typer.Option("--from", help="Begun then or later: 2026-11-21T09:00:00Z."),
]
To = Annotated[
    str | None, typer.Option("--to", "--until", help="Begun then or earlier.")
]
Shortest = Annotated[
    float | None, typer.Option("--min-duration", min=0, help="Seconds at least.")
]
Longest = Annotated[
    float | None, typer.Option("--max-duration", min=0, help="Seconds at most.")
]


def chosen(
    from_at: str | None, to_at: str | None, **given: str | float | None
) -> Which:
    """What was chosen; times without a zone are this machine's.

    Raises:
        ConfigError: It cannot be.
    """
    wanted = {
        "from_at": instant("--from", from_at),
        "to_at": instant("--until", to_at),
        **given,
    }
    try:
        return Which.model_validate({k: v for k, v in wanted.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        message = f"--{name}: {first['msg']}"
        raise ConfigError(message) from error


def filter_of(**given: list[str] | None) -> Filter:
    """Which events, by the filter's fields; an option is called like one of many.

    Raises:
        ConfigError: They cannot be.
    """
    try:
        return Filter.model_validate({n: v for n, v in given.items() if v})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).removesuffix("s")
        message = f"--{name}: {first['msg'].removeprefix('Value error, ')}"
        raise ConfigError(message) from error


def instant(name: str, text: str | None) -> datetime | None:
    """The time that the option *name* gives; without a zone it is this machine's.

    Raises:
        ConfigError: It is none.
    """
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        message = f"{name} {text}: write it like 2026-11-21T09:00:00Z"
        raise ConfigError(message) from error
