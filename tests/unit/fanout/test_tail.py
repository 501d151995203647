"""The tails: everything arrives once, in order, also after losses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.unit.fanout.test_hub import Told
from tests.unit.fanout.world import MemoryOutbox, entry, until, view
from tracker.errors import StoreUnavailableError
from tracker.fanout.filters import Filter, Query
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.ring import Ring
from tracker.fanout.settings import FanoutSettings
from tracker.fanout.tail import Tails

EVERY = Query(Filter())
SETTINGS = FanoutSettings(retry_max_s=0.1)


class Serving:
    """A process that serves what an outbox has."""

    def __init__(self, outbox: MemoryOutbox) -> None:
        self.outbox = outbox
        self.projection = Projection(outbox, SETTINGS)
        self.hub = Hub(Ring(outbox.partitions, 100))
        self.tails = Tails(outbox, self.projection, self.hub, SETTINGS)
        self.told = Told()
        self.hub.add(EVERY, self.told)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.tails.start()
        self.told.losses = 0
        task = asyncio.create_task(self.tails.run())
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def up_to_date(self) -> None:
        """Return when the projection has all that the outbox has."""
        ends = [await self.outbox.end(n) for n in range(self.outbox.partitions)]
        projection = self.projection
        await until(lambda: [p.stream_id for p in projection.cursor.places] == ends)

    def keys(self) -> list[str]:
        return [stored.view.key for stored in self.projection.find(EVERY)]


def key(number: int) -> str:
    return f"genesys/acme/c{number}"


async def test_what_was_there_is_served_and_what_comes_is_told() -> None:
    """The projection begins with the store; the hub with what comes after."""
    outbox = MemoryOutbox(3)
    outbox.append(entry(None, view(key(0))))
    serving = Serving(outbox)
    async with serving.running():
        assert serving.keys() == [key(0)]
        for number in range(1, 9):
            outbox.append(entry(None, view(key(number))))
        await serving.up_to_date()
    assert serving.keys() == [key(number) for number in range(9)]
    assert len(set(serving.told.events)) == len(serving.told.events) == 8


async def test_a_store_that_is_away_costs_nothing_but_time() -> None:
    """The tail goes on where it was."""
    outbox = MemoryOutbox(1)
    serving = Serving(outbox)
    async with serving.running():
        outbox.append(entry(None, view(key(0))))
        await serving.up_to_date()
        outbox.away = True
        outbox.append(entry(None, view(key(1))))
        await until(lambda: outbox.refusals >= 2)
        outbox.append(entry(None, view(key(2))))
        outbox.away = False
        await serving.up_to_date()
    assert len(serving.told.events) == 3
    assert serving.told.losses == 0


async def test_a_lost_position_is_a_new_beginning() -> None:
    """What the store no longer has is dropped, and every subscriber is told."""
    outbox = MemoryOutbox(1)
    serving = Serving(outbox)
    async with serving.running():
        outbox.append(entry(None, view(key(0))))
        await serving.up_to_date()
        outbox.lose(epoch="e2")
        outbox.append(entry(None, view(key(1))))
        await serving.up_to_date()
        await until(lambda: serving.told.losses)
        assert serving.keys() == [key(1)]
        assert serving.projection.cursor.epoch == "e2"
        outbox.append(entry(None, view(key(2))))
        await serving.up_to_date()
    assert serving.told.events[-1].startswith("e2.0.")


async def test_starting_without_a_store_says_so() -> None:
    """The caller decides whether to wait."""
    outbox = MemoryOutbox(1)
    outbox.append(entry(None, view(key(0))))
    outbox.during_scan = [entry(None, view(key(1)))]
    outbox.away = True
    with pytest.raises(StoreUnavailableError):
        await Serving(outbox).tails.start()
