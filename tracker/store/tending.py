"""Work that goes on by itself, also when the store was away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from tracker.errors import StoreError

log = structlog.get_logger(__name__)


async def tend(
    work: Callable[[], Awaitable[None]], every_s: float, away: str
) -> NoReturn:
    """Do *work* again and again, until cancelled.

    Args:
        work: May find the store away: then it is left until the next time.
        every_s: Between its end and its next beginning.
        away: The event that is logged when it does, once.
    """
    is_away = False
    while True:
        try:
            await work()
            is_away = False
        except StoreError as error:
            if not is_away:
                log.warning(away, error=str(error))
            is_away = True
        await asyncio.sleep(every_s)
