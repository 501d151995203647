"""A line gives back all that its attempts had, however they end."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tracker.domain.delivery import Owed
from tracker.fanout.filters import EVERYTHING, Filter
from tracker.outlets.endpoint import Endpoint, new_endpoint_id
from tracker.outlets.webhooks.attempts import Means
from tracker.outlets.webhooks.backlog import Backlog
from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.lanes import Lanes
from tracker.outlets.webhooks.line import Job, Line
from tracker.outlets.webhooks.phases import Phases
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.outlets.webhooks.slots import Slots
from tracker.telemetry import Metrics


def an_endpoint(rate_per_s: float | None = None) -> Endpoint:
    return Endpoint(
        id=new_endpoint_id(),
        url="https://example.com/",
        filter=Filter(),
        visible=EVERYTHING,
        rate_per_s=rate_per_s,
        created_by="jdoe",
        created_at=datetime.now(UTC),
        since="",
        secrets=(),
    )


def line_of(endpoint: Endpoint, slots: Slots[Job]) -> Line:
    settings, unused = WebhookSettings(), cast("Any", None)
    means = Means(slots, Phases(), unused, unused, settings, Metrics(), Clock())
    return Line(endpoint, means)


def owing(*entities: str) -> Backlog:
    """One delivery of each."""
    owed = [
        Owed(f"e1.0.{n}-0", "tracker.call.changed", entity, None, 1)
        for n, entity in enumerate(entities)
    ]
    return cast("Backlog", SimpleNamespace(lanes=Lanes(owed), is_full=False))


async def test_an_attempt_that_never_began_keeps_no_slot() -> None:
    """The endpoint is removed in the very moment in which it was due."""
    slots = Slots[Job](1)
    line = line_of(an_endpoint(), slots)
    serving = asyncio.create_task(line.run())
    await asyncio.sleep(0)  # until it waits for what may be due
    serving.cancel()
    line.attach(0, owing("genesys/a/1"))
    line.turn()
    assert not slots.has_one(line)
    await asyncio.gather(serving, return_exceptions=True)
    assert slots.has_one(line)


@pytest.mark.parametrize("rate_per_s", [0.001, 5e-324])
def test_a_rate_that_is_changed_counts_at_once(rate_per_s: float) -> None:
    """Nobody waits for what the one before would have let go; no rate is too low."""
    endpoint = an_endpoint(rate_per_s)
    line = line_of(endpoint, Slots[Job](9))
    line.update(endpoint, processes=2, failing=False)
    line.attach(0, owing("genesys/a/1", "genesys/a/2", "genesys/a/3"))
    assert line.next() is not None
    assert line.next() is None
    line.update(endpoint.changed(rate_per_s=None), processes=2, failing=False)
    assert line.next() is not None
    assert line.next() is not None
