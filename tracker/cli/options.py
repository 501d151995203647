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
