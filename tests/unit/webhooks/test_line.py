"""A line gives back all that its attempts had, however they end."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

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


async def test_an_attempt_that_never_began_keeps_no_slot() -> None:
    """The endpoint is removed in the very moment in which it was due."""
    slots, unused = Slots[Job](1), cast("Any", None)
    endpoint = Endpoint(
        id=new_endpoint_id(),
        url="https://example.com/",
        filter=Filter(),
        visible=EVERYTHING,
        created_by="jdoe",
        created_at=datetime.now(UTC),
        since="",
        secrets=(),
    )
    means = Means(
        slots, Phases(), unused, unused, WebhookSettings(), Metrics(), Clock()
    )
    line = Line(endpoint, means)
    owed = Owed("e1.0.1-0", "tracker.call.changed", "genesys/a/1", None, 1)
    backlog = SimpleNamespace(lanes=Lanes([owed]), is_full=False)
    serving = asyncio.create_task(line.run())
    await asyncio.sleep(0)  # until it waits for what may be due
    serving.cancel()
    line.attach(0, cast("Backlog", backlog))
    line.turn()
    assert not slots.has_one(line)
    await asyncio.gather(serving, return_exceptions=True)
    assert slots.has_one(line)
