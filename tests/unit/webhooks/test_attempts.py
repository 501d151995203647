"""Attempts: what they could not make, or store, is made again."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal, cast

import pytest

from tracker.domain.delivery import Owed
from tracker.domain.endpoint import WhyDisabled
from tracker.errors import StoreUnavailableError
from tracker.fanout.filters import EVERYTHING, Filter
from tracker.outlets.endpoint import Endpoint, new_endpoint_id, new_secret
from tracker.outlets.webhooks.attempts import Attempts, Means
from tracker.outlets.webhooks.backlog import Backlog
from tracker.outlets.webhooks.books import Bodies, Books
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.line import Job
from tracker.outlets.webhooks.phases import Phases
from tracker.outlets.webhooks.sender import Answer
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.outlets.webhooks.slots import Slots
from tracker.store.dispatch import DispatchLedger
from tracker.store.keys import PartitionKeys
from tracker.store.leases import Lease
from tracker.telemetry import Metrics

NOW_MS = 1_000_000
SETTINGS = WebhookSettings()

Part = Literal["bodies", "failed", "disable"]


class Noon(Clock):
    """It does not move."""

    def now_s(self) -> float:
        return NOW_MS / 1000


class World:
    """The store and an endpoint's server.

    Attributes:
        away: What the store has no answer to.
        status: What the endpoint says.
    """

    def __init__(self, away: Part, status: int) -> None:
        self.keys = PartitionKeys(0)
        self.away = away
        self.status = status

    async def commit(self, *_: object) -> None:
        """Of a ledger."""

    async def bodies(self, events: Sequence[str]) -> list[bytes | None]:
        self._ask("bodies")
        return [b"{}"] * len(events)

    async def post(self, _url: str, _: Mapping[str, str], _body: bytes) -> Answer:
        return Answer(self.status, 1, error=f"HTTP {self.status}")

    async def failed(self, _: str, at_ms: int) -> int:
        self._ask("failed")
        return at_ms

    async def recovered(self, _: str) -> None:
        """It took something."""

    async def disable(self, _: str, _why: WhyDisabled) -> None:
        self._ask("disable")

    def _ask(self, part: Part) -> None:
        if part == self.away:
            raise StoreUnavailableError("no answer")


@asynccontextmanager
async def owing(world: World) -> AsyncIterator[Backlog]:
    """One delivery, written down beside the test."""
    ledger, clock = cast("DispatchLedger", world), Noon()
    books = Books(ledger, Lease("dispatch", "p1", 1), "e1")
    books.begin("0-0")
    task = asyncio.create_task(books.run())
    bodies = Bodies(ledger, books)
    backlog = Backlog("ep_1", world.keys, books, bodies, SETTINGS, clock, 1)
    backlog.restore([Owed("e1.0.1-0", "tracker.call.changed", "genesys/a/1", None, 1)])
    try:
        yield backlog
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("away", "status", "due_ms"),
    [
        ("bodies", 200, NOW_MS + 1000),
        ("disable", 410, NOW_MS + 1000),
        ("failed", 500, NOW_MS + 5000),
    ],
)
async def test_a_store_that_was_away_keeps_nothing_back(
    away: Part, status: int, due_ms: int
) -> None:
    """It is tried again soon; where that was settled before, as it was settled."""
    world = World(away, status)
    endpoint = Endpoint(
        id=new_endpoint_id(),
        url="https://example.com/",
        filter=Filter(),
        visible=EVERYTHING,
        created_by="jdoe",
        created_at=datetime.now(UTC),
        since="",
        secrets=(new_secret(),),
    )
    slots, metrics, clock = Slots[Job](1), Metrics(), Noon()
    means = Means(slots, Phases(), world, world, SETTINGS, metrics, clock, lambda: 0.0)
    attempts = Attempts(endpoint, means)
    async with owing(world) as backlog:
        owed = backlog.lanes.take(NOW_MS)
        assert owed is not None
        await attempts.make(backlog, owed, probe=False)
        assert backlog.lanes.next_due_ms() == due_ms
        assert backlog.lanes.take(due_ms) is owed
