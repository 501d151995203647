"""What the framework does with a source, without the rest of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from itertools import groupby

from tracker.domain.reading import Checkpoint, Observation, Reading, Saved
from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.providers.base import Source

_AGAIN_S = 0.1


class Observer:
    """Observes a source until it is locked, and keeps what it says.

    Attributes:
        readings: All so far, in order.
        failures: Why observing had to begin again.
        locked: Why a person is needed; None = none is.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.readings: list[Reading] = []
        self.failures: list[ProviderUnavailableError] = []
        self.locked: ProviderLockedError | None = None
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Observe, and again after a while, for ever or until it is locked."""
        while self.locked is None:
            try:
                async with aclosing(self.source.observe()) as turns:
                    async for turn in turns:
                        self.readings += turn
                        self._news.set()
            except ProviderUnavailableError as error:
                self.failures.append(error)
                await asyncio.sleep(_AGAIN_S)
            except ProviderLockedError as error:
                self.locked = error
            self._news.set()

    async def until(self, what: Callable[[], object], within_s: float = 10) -> None:
        """Wait for something about what was said."""
        async with asyncio.timeout(within_s):
            while not what():
                self._news.clear()
                await self._news.wait()

    async def until_complete(self) -> None:
        """Wait for the first full read's end."""
        await self.until(lambda: self.checkpoints)

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Ends of full reads."""
        return [r for r in self.readings if isinstance(r, Checkpoint)]

    def states(self, key: str) -> list[str | None]:
        """The states of a call's recording, or a stored one's, repeats left out."""
        states = (state_of(r) for r in self.readings if key_of(r) == key)
        return [state for state, _ in groupby(states)]


def key_of(reading: Reading) -> str | None:
    """Of the call or the stored recording that it tells of."""
    match reading:
        case Observation(call=key):
            return key
        case Saved(media=media):
            return media.key
        case _:
            return None


def state_of(reading: Reading) -> str | None:
    """What it says of the recording."""
    match reading:
        case Observation(recording=state):
            return state
        case Saved(media=media, gone=gone):
            return "gone" if gone else media.audio
        case _:
            return None


@asynccontextmanager
async def observing(source: Source) -> AsyncIterator[Observer]:
    """An `Observer` that runs; leaving ends it as the framework would."""
    observer = Observer(source)
    running = asyncio.create_task(observer.run())
    try:
        yield observer
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()
