"""Exports that somebody waits for, on an archive that a test fills."""

from contextlib import aclosing
from itertools import repeat

import pytest
from structlog.testing import capture_logs

from tests.contract.observer import Observer
from tests.unit.outlets.shelf import Shelf
from tests.unit.providers.polled import NEW, polled
from tracker.domain.archive import MediaQuery
from tracker.domain.reading import Exported
from tracker.errors import NotFoundError, ProviderUnavailableError
from tracker.providers import exports
from tracker.providers.recordings import RecordingsSource
from tracker.providers.settings import RecordingsSettings


@pytest.fixture
def shelf() -> Shelf:
    return Shelf("acme")


def follow(observer: Observer, export: str) -> None:
    assert isinstance(observer.source, RecordingsSource)
    observer.source.follow_export(export)


async def look(observer: Observer) -> None:
    """Have the recent ones read once more."""
    reads = len(observer.checkpoints)
    observer.source.look("acme")
    await observer.until(lambda: len(observer.checkpoints) > reads)


def states(observer: Observer, key: str) -> list[str]:
    told = [r.export for r in observer.readings if isinstance(r, Exported)]
    return [export.state for export in told if export.key == key]


async def test_an_export_is_looked_at_until_it_is_settled(shelf: Shelf) -> None:
    """One that the platform has forgotten meanwhile has expired."""
    done = (await shelf.export(MediaQuery())).key
    lost = (await shelf.export(MediaQuery())).key
    async with polled(shelf, recordings_interval_s=0.02) as observer:
        source = observer.source
        assert isinstance(source, RecordingsSource)
        source.follow_export(done)

        finished = ["running", "completed"]
        await observer.until(lambda: states(observer, done) == finished)
        source.follow_export(lost)
        await observer.until(lambda: states(observer, lost) == ["running"])
        del shelf.jobs[lost]
        await observer.until(lambda: states(observer, lost)[-1] == "expired")
        looks = [key for what, key in shelf.asked if what == "export_job"]
        reads = len(observer.checkpoints)
        await observer.until(lambda: len(observer.checkpoints) > reads + 2)
        assert looks == [key for what, key in shelf.asked if what == "export_job"]


async def test_an_export_that_is_not_shown_at_once_is_looked_at_again(
    shelf: Shelf,
) -> None:
    """A platform may know a job only after a while."""
    slow = (await shelf.export(MediaQuery())).key
    shelf.faults[slow] = iter([NotFoundError("no export")] * 2)
    async with polled(shelf) as observer:
        follow(observer, slow)
        finished = ["running", "completed"]
        await observer.until(lambda: states(observer, slow) == finished)


async def test_an_export_that_is_never_shown_has_expired(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some minutes; so that nobody waits for ever."""
    monkeypatch.setattr(exports, "SHOWN_WITHIN_S", 0.0)
    lost = await shelf.export(MediaQuery())
    del shelf.jobs[lost.key]
    async with polled(shelf) as observer:
        follow(observer, lost.key)
        await observer.until(lambda: states(observer, lost.key) == ["expired"])


async def test_an_export_that_was_not_taken_is_told_again(shelf: Shelf) -> None:
    """An observation that ends there has told nobody."""
    made = await shelf.export(MediaQuery())
    source = RecordingsSource(shelf, RecordingsSettings(account="acme"))
    source.begin(NEW)
    source.follow_export(made.key)
    for told in ("running", "completed", "completed"):
        async with aclosing(source.observe()) as turns:
            async for turn in turns:
                if isinstance(turn[0], Exported):
                    assert turn[0].export.state == told
                    break


async def test_an_export_that_fails_holds_nothing_else_up(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It alone is left alone for a while; observing goes on as it was."""
    monkeypatch.setattr(exports, "backoff_s", lambda *_, **__: 3600.0)
    bad = (await shelf.export(MediaQuery())).key
    good = (await shelf.export(MediaQuery())).key
    shelf.faults[bad] = repeat(ProviderUnavailableError("HTTP 500"))
    async with polled(shelf, recordings_interval_s=3600) as observer:
        follow(observer, bad)
        follow(observer, good)
        for _ in range(3):
            await look(observer)
        assert states(observer, good) == ["running", "completed"]
        assert observer.failures == []
    assert shelf.asked.count(("export_job", bad)) == 1


async def test_an_export_that_fails_is_looked_at_until_it_does_not(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has its first failure, and its recovery."""
    monkeypatch.setattr(exports, "backoff_s", lambda *_, **__: 0.0)
    bad = (await shelf.export(MediaQuery())).key
    shelf.faults[bad] = iter([ProviderUnavailableError("HTTP 500")] * 3)
    with capture_logs() as logs:
        async with polled(shelf) as observer:
            follow(observer, bad)
            finished = ["running", "completed"]
            await observer.until(lambda: states(observer, bad) == finished)
    assert [line["event"] for line in logs] == ["export_failing", "export_back"]


async def test_a_resync_tells_exports_again(shelf: Shelf) -> None:
    """Also one that the platform has forgotten by then."""
    lost = await shelf.export(MediaQuery())
    async with polled(shelf, recordings_interval_s=3600) as observer:
        source = observer.source
        assert isinstance(source, RecordingsSource)
        source.follow_export(lost.key)
        await observer.until(lambda: states(observer, lost.key) == ["running"])
        shelf.jobs[lost.key] = lost
        source.resync()
        await observer.until(lambda: states(observer, lost.key) == ["running"] * 2)
        del shelf.jobs[lost.key]
        source.resync()
        await observer.until(lambda: states(observer, lost.key)[-1] == "expired")
