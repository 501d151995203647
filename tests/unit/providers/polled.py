"""An archive's poller, observed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from tests.contract.observer import Observer, observing
from tests.unit.outlets.shelf import Shelf
from tracker.providers.recordings import RecordingsSource
from tracker.providers.settings import RecordingsSettings

NEW = datetime.now(UTC)


@asynccontextmanager
async def polled(
    shelf: Shelf, polled_at: datetime | None = NEW, **settings: float
) -> AsyncIterator[Observer]:
    """A poller that looks often, once it has read everything."""
    fields = {"recordings_interval_s": 0.02, "recordings_late_h": 24.0, **settings}
    source = RecordingsSource(shelf, RecordingsSettings(account="acme", **fields))
    source.begin(polled_at)
    async with observing(source) as observer:
        await observer.until_complete()
        yield observer
