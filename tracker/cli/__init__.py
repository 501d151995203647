"""The commands of `tracker`, one module for each family of them."""

from tracker.cli.commands import main

__all__ = ["main"]
