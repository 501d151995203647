"""An archive in a process of its own, which is killed where it is told to be.

Arguments: the settings as JSON, and the step at which it ends.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn
from unittest import mock

from tracker.domain.archive import MediaQuery
from tracker.providers.vonage_business import tokens
from tracker.providers.vonage_business.archive import open_archive
from tracker.providers.vonage_business.settings import VonageBusinessSettings

STEPS = (
    "marked beside",
    "marked",
    "answered",
    "torn beside",
    "kept beside",
    "kept",
    "used",
)
"""In order; at `answered` and `torn beside` the successor is lost with the process."""


def die(*_args: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def arm(step: str) -> None:
    """Have the process end at a step; the mark is the first thing that is kept."""
    if step == "answered":
        mock.patch.object(tokens, "parse_token", die).start()
    elif step == "torn beside":
        at_call(os, "fchmod", 2, after=True)
    elif step in ("marked beside", "kept beside"):
        at_call(Path, "replace", 1 if step == "marked beside" else 2)
    elif step in ("marked", "kept"):
        at_call(Path, "replace", 1 if step == "marked" else 2, after=True)


def at_call(owner: object, name: str, count: int, *, after: bool = False) -> None:
    original = getattr(owner, name)
    calls = 0

    def counted(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == count and not after:
            die()
        result = original(*args)
        if calls == count:
            die()
        return result

    mock.patch.object(owner, name, counted).start()


async def main(settings: VonageBusinessSettings) -> None:
    async with open_archive(settings) as archive:
        await archive.recordings(MediaQuery(), 1)
        die()


if __name__ == "__main__":
    arm(sys.argv[2])
    asyncio.run(main(VonageBusinessSettings.model_validate(json.loads(sys.argv[1]))))
