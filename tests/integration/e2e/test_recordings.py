"""Stored recordings of Vonage Business, through all of tracker."""

import hashlib
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.system import running_tracker, write_config
from tracker.client import RefusedError, Tracker, Which
from tracker.simulators.vonage_business import (
    VonageBusinessOptions,
    VonageBusinessSimulator,
)

COUNT = 250


@pytest.fixture
def simulator() -> VonageBusinessSimulator:
    options = VonageBusinessOptions(job_file_s="never")
    simulator = VonageBusinessSimulator(options)
    simulator.fill(COUNT)
    simulator.fill(COUNT, user=options.user)
    return simulator


@pytest.fixture
async def tracker(
    simulator: VonageBusinessSimulator, tmp_path: Path
) -> AsyncIterator[Tracker]:
    """A client of a tracker that has this one account."""
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
        }
        config = write_config(tmp_path, None, {"vonage_business": account})
        async with running_tracker(config) as url:
            yield Tracker(url)


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
