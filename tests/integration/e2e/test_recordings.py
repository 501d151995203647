"""Stored recordings of Vonage Business, through all of tracker."""

import hashlib
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.subscriber import Subscriber, subscriber
from tests.integration.system import running_tracker, tracker_process, write_config
from tracker.client import RefusedError, Tracker, Which
from tracker.simulators.vonage_business import (
    Recording,
    VonageBusinessOptions,
    VonageBusinessSimulator,
)

COUNT = 250
SOURCE = "vonage_business/549825/recordings"


@pytest.fixture
def simulator() -> VonageBusinessSimulator:
    options = VonageBusinessOptions(job_file_s="never")
    simulator = VonageBusinessSimulator(options)
    simulator.fill(COUNT)
    simulator.fill(COUNT, user=options.user)
    return simulator


@pytest.fixture
async def config(
    simulator: VonageBusinessSimulator, tmp_path: Path
) -> AsyncIterator[Path]:
    """Of a tracker that has this one account."""
    options = simulator.options
    async with simulator.serve() as base_url:
        account = {
            "account": options.account,
            "base_url": base_url,
            "users": [options.user],
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "username": options.username,
            "password": options.password,
            "recordings_interval_s": 0.2,
        }
        sections = {"vonage_business": account}
        yield write_config(tmp_path, None, sections, store={"lease_s": 2})


@pytest.fixture
async def url(config: Path) -> AsyncIterator[str]:
    """Where it serves."""
    async with running_tracker(config) as url:
        yield url


@pytest.fixture
def tracker(url: str) -> Tracker:
    """A client of it."""
    return Tracker(url)


async def test_all_are_listed_once_in_their_order(tracker: Tracker) -> None:
    """The company's and the user's together, over all pages."""
    found = [item async for item in tracker.recordings()]
    assert len({item["key"] for item in found}) == len(found) == 2 * COUNT
    begun = [item["started_at"] for item in found]
    assert begun == sorted(begun, reverse=True)
    assert {item["kind"] for item in found} == {"company", "on_demand"}


async def test_one_is_shown_played_and_deleted(
    tracker: Tracker, tmp_path: Path
) -> None:
    """What was streamed is what the platform has; what is deleted is not there."""
    key = (await anext(aiter(tracker.recordings())))["key"]
    shown = await tracker.recording(key)
    file = tmp_path / "recording"
    download = await tracker.download(key, file)
    content = file.read_bytes()
    assert len(content) == shown["size_bytes"]
    assert download.sha256 == hashlib.sha256(content).hexdigest()
    assert (await tracker.delete_recording(key))["document"] == "deleted"
    with pytest.raises(RefusedError, match="no such"):
        await tracker.recording(key)


async def test_an_export_is_prepared_and_fetched(
    simulator: VonageBusinessSimulator, tracker: Tracker, tmp_path: Path
) -> None:
    """Of the user's recordings alone: one file with all of them."""
    begun = await tracker.export(Which(kind="on_demand"))
    (export,) = begun["items"]
    for job in export["jobs"]:
        simulator.complete_job(job["id"])
    state = await tracker.export_state(export["key"])
    assert state["state"] == "completed"
    file = tmp_path / "export.zip"
    await tracker.download_export(export["key"], file)
    with zipfile.ZipFile(file) as archive:
        assert len(archive.namelist()) == COUNT


def key_of(recording: Recording) -> str:
    """Of one of the company's."""
    return f"vonage_business/549825/company%3A{recording.id}"


async def test_what_comes_and_goes_is_announced_once(
    simulator: VonageBusinessSimulator, config: Path
) -> None:
    """Also over a crash; what was there at the first look is told nobody."""
    day_ago = datetime.now(UTC) - timedelta(hours=24)
    async with tracker_process(config) as process, subscriber(process.url) as desk:
        await desk.until_up(SOURCE)
        first = simulator.add_recording()
        told = await desk.event("media.available", key_of(first))
        assert told["data"]["media"]["size_bytes"] == first.size_bytes
        assert told["data"]["change"] == {"from": None, "to": "ready"}
        await process.kill()
        late = simulator.add_recording(start_at=day_ago)
        deleted = simulator.add_recording()
        await process.start()
        desk.url = process.url
        await desk.event("media.available", key_of(late))
        await desk.event("media.available", key_of(deleted))
        await Tracker(process.url).delete_recording(key_of(deleted))
        await desk.event("media.deleted", key_of(deleted))
        simulator.delete_recording(first.id)
        await desk.event("media.deleted", key_of(first))
        keys = [event["subject"] for event in desk.of("media.")]
        assert sorted(keys) == sorted(
            map(key_of, (first, late, deleted, deleted, first))
        )
        assert all(desk.recovered[1:])


async def test_an_export_is_announced_as_it_comes_on(
    simulator: VonageBusinessSimulator, url: str, tracker: Tracker
) -> None:
    """Until it is complete; with what was asked for."""
    async with subscriber(url) as desk:
        await desk.until_up(SOURCE)
        begun = await tracker.export(Which(kind="on_demand"))
        (export,) = begun["items"]
        await desk.event("export.progressed", export["key"])
        (job,) = export["jobs"]
        simulator.advance_job(job["id"], 100)
        await desk.until(lambda: done(desk) == 100)
        simulator.complete_job(job["id"])
        completed = await desk.event("export.completed", export["key"])
        assert completed["data"]["change"] == {"from": "running", "to": "completed"}
        assert completed["data"]["export"]["filters"]["kind"] == "on_demand"
        versions = [int(event["sequence"]) for event in desk.of("export.")]
        assert versions == list(range(1, len(versions) + 1))


def done(desk: Subscriber) -> int | None:
    """How many files were, as told last."""
    told: int | None = desk.of("export.")[-1]["data"]["export"]["jobs"][0][
        "files_completed"
    ]
    return told
