"""A simulator as a process of its own."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine

from tracker.simulators.reply import Json


def run(main: Coroutine[None, None, None]) -> None:
    """Run it on an event loop of uvloop, where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)


def end_asked_for() -> asyncio.Event:
    """Is set at SIGINT or SIGTERM, which end nothing by themselves from now on."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    return ended


def announce(told: Json) -> None:
    """Print one line of JSON, at once."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
