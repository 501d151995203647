"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        help="The settings file; else tracker.toml in this directory.",
        show_default=False,
    ),
]
"""The settings file."""

Url = Annotated[str, typer.Option(envvar="TRACKER_URL", help="The server's address.")]
"""Of a running tracker."""

Token = Annotated[
    str | None,
    typer.Option(
        envvar="TRACKER_TOKEN", help="As `tracker token` makes it.", show_default=False
    ),
]
"""An access token."""

LOCAL = "http://127.0.0.1:8080"
"""Where `tracker run` and `tracker demo` serve, unless told otherwise."""
