"""A recording that appears a day late, through all of tracker."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.subscriber import subscriber
from tests.integration.system import running_tracker, write_config
from tracker.domain.key import make_key
from tracker.simulators.faults import Fault, FaultBoard, FaultKind
from tracker.simulators.kazoo import KazooOptions, KazooSimulator, Recorded
from tracker.simulators.vonage_business import VonageBusinessSimulator

LATE = timedelta(hours=24)
OFTEN = {"recordings_interval_s": 0.3}

Add = Callable[[], str]
Platform = tuple[dict[str, str], FaultBoard, Add]
"""Its account's settings, its faults, and what makes a late one and tells its key."""


@asynccontextmanager
async def vonage_business() -> AsyncIterator[Platform]:
    simulator = VonageBusinessSimulator()
    options = simulator.options

    def add() -> str:
        made = simulator.add_recording(start_at=datetime.now(UTC) - LATE)
        return make_key("vonage_business", options.account, f"company:{made.id}")

    async with simulator.serve() as url:
        login = {"username": options.username, "password": options.password}
        client = {
            "client_id": options.client_id,
            "client_secret": options.client_secret,
        }
        account = {"account": options.account, "base_url": url, **login, **client}
        yield account, simulator.faults, add


@asynccontextmanager
async def kazoo() -> AsyncIterator[Platform]:
    simulator = KazooSimulator(KazooOptions(bucket=None))
    options = simulator.options

    def add() -> str:
        start_at = datetime.now(UTC) - LATE
        made = simulator.add_recording(Recorded(start_at_s=start_at.timestamp()))
        return make_key("kazoo", options.account, made.id)

    async with simulator.serve() as urls:
        account = {"account": options.account, "base_url": urls.base_url}
        yield account | {"api_key": options.api_key}, simulator.faults, add


Opener = Callable[[], AbstractAsyncContextManager[Platform]]


@pytest.mark.parametrize("platform", [vonage_business, kazoo])
async def test_the_next_poll_announces_it(platform: Opener, tmp_path: Path) -> None:
    """One list is answered from its appearance on, and no other."""
    lists = "*recordings"
    async with platform() as (account, faults, add):
        config = write_config(tmp_path, None, {platform.__name__: {**account, **OFTEN}})
        async with running_tracker(config) as url, subscriber(url) as desk:
            await desk.until_up(f"{platform.__name__}/{account['account']}/recordings")
            faults.add(Fault(kind=FaultKind.DELAY, path=lists, count=1, delay_s=0))
            faults.add(Fault(kind=FaultKind.STATUS, path=lists))
            late = add()
            told = await desk.event("media.available", late)
            assert told["data"]["change"] == {"from": None, "to": "ready"}
