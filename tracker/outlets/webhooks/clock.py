"""The clock that deliveries go by; a test may bring one that runs faster."""

import asyncio
import time
from contextlib import suppress
from typing import Final

LONGEST_S: Final = 60.0
"""Of one sleep: clocks are set, now and then."""


class Clock:
    """The time of day."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def now_ms(self) -> int:
        """Likewise, in ms."""
        return round(self.now_s() * 1000)

    async def sleep(self, seconds: float | None, woken: asyncio.Event) -> None:
        """Until *woken* is set, or *seconds* later; None = however long it takes."""
        if seconds is None:
            await woken.wait()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(0.0, seconds), LONGEST_S)):
                await woken.wait()
