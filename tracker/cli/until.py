"""Coroutines as commands: until they end, or somebody ends them."""

import asyncio
import signal
from asyncio import AbstractEventLoop, new_event_loop
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_signal(main: Coroutine[Any, Any, None]) -> None:
    """Run *main*; the first SIGINT or SIGTERM cancels it, and that is a good end.

    A second one ends the process as if it had never been caught.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_cancelled_by_signal(main))


async def _cancelled_by_signal(main: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(main)
    signalled = False

    def cancel() -> None:
        nonlocal signalled
        signalled = True
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not signalled:
            raise


def _loop_factory() -> Callable[[], AbstractEventLoop]:
    """uvloop's, on platforms that have it."""
    try:
        factory: Callable[[], AbstractEventLoop] = import_module(
            "uvloop"
        ).new_event_loop
    except ImportError:
        return new_event_loop
    return factory
