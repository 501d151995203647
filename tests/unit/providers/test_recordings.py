"""The poller of stored recordings, on an archive that a test fills."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat

import pytest
from structlog.testing import capture_logs

from tests.contract.observer import Observer, observing
from tests.unit.outlets.shelf import BEGUN_AT, Shelf
from tracker.domain.archive import MediaQuery
from tracker.domain.reading import Checkpoint, Exported, Polled, Saved
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderUnavailableError,
)
from tracker.providers import exports
from tracker.providers.recordings import RecordingsSource
from tracker.providers.settings import RecordingsSettings

NEW = datetime.now(UTC)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf("acme")


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


def saved(observer: Observer) -> list[Saved]:
    return [r for r in observer.readings if isinstance(r, Saved)]


def keys(observer: Observer) -> list[str]:
    return [one.media.key for one in saved(observer)]


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


async def test_each_is_told_once_however_often_it_is_read(shelf: Shelf) -> None:
    """The first read is whole, and says so; later ones tell what is new."""
    first = [shelf.put(number) for number in range(3)]
    async with polled(shelf) as observer:
        kinds = [type(reading) for reading in observer.readings]
        assert kinds == [Saved, Saved, Saved, Polled, Checkpoint]
        reads = len(observer.checkpoints)
        late = shelf.put(9)
        await observer.until(lambda: len(observer.checkpoints) > reads + 2)
    assert keys(observer) == [*first, late]
    assert not any(one.old for one in saved(observer))


@pytest.mark.parametrize("by_start", [True, False])
async def test_one_that_appears_late_is_told_by_the_next_read(
    shelf: Shelf, by_start: bool
) -> None:
    """Whatever its list goes by; and only where it is by start is much read again."""
    shelf.lists_by_start = by_start
    async with polled(shelf, recordings_interval_s=3600) as observer:
        late = shelf.put(1, started_at=NEW - timedelta(hours=23))
        observer.source.look(late)
        await observer.until(lambda: len(observer.checkpoints) == 2)
    assert keys(observer) == [late]
    asked = [at for what, at in shelf.asked if what == "saved_since"]
    assert (NEW - asked[1] > timedelta(hours=23)) == by_start


async def test_a_read_that_breaks_off_loses_nothing(shelf: Shelf) -> None:
    """What it told is not told again, what it did not show is neither new nor gone."""
    shelf.lists_by_start = True
    for number in range(4):
        shelf.put(number, started_at=NEW + timedelta(seconds=number))
    async with polled(shelf) as observer:
        shelf.breaks_off = True
        await observer.until(lambda: observer.failures)
        first = shelf.put(0, started_at=NEW - timedelta(hours=1))
        last = shelf.put(9, started_at=NEW + timedelta(seconds=9))
        failures = len(observer.failures)
        await observer.until(lambda: len(observer.failures) > failures + 1)
        assert keys(observer)[4:] == [first]
        shelf.breaks_off = False
        await observer.until(lambda: len(saved(observer)) == 6)
    assert keys(observer)[4:] == [first, last]
    assert not any(one.gone for one in saved(observer))


async def test_one_whose_audio_came_is_told_again(shelf: Shelf) -> None:
    """And nothing else is."""
    shelf.put(1, audio="pending")
    shelf.put(2)
    async with polled(shelf) as observer:
        shelf.put(1, audio="ready")
        await observer.until(lambda: len(saved(observer)) == 3)
    assert [one.media.audio for one in saved(observer)] == ["pending", "ready", "ready"]


async def test_an_account_s_first_read_is_of_old_ones(shelf: Shelf) -> None:
    """Unless somebody asked for the last days; what comes later is new."""
    shelf.put(1, started_at=NEW - timedelta(days=3))
    shelf.put(2, started_at=NEW - timedelta(days=1))
    async with polled(shelf, None) as observer:
        assert [one.old for one in saved(observer)] == [True, True]
        shelf.put(3, started_at=NEW - timedelta(hours=20))
        await observer.until(lambda: len(saved(observer)) == 3)
        assert saved(observer)[-1].old is False
    async with polled(shelf, None, backfill_days=2) as observer:
        assert [one.old for one in saved(observer)] == [True, False, False]
    asked = min(at for what, at in shelf.asked if what == "saved_since")
    assert timedelta(days=2) > NEW - asked > timedelta(days=1.9)


async def test_after_a_pause_it_looks_back_behind_it(shelf: Shelf) -> None:
    """What was saved while nothing ran, as late as recordings may be."""
    ended = NEW - timedelta(days=10)
    async with polled(shelf, ended):
        pass
    [asked, *_] = [at for what, at in shelf.asked if what == "saved_since"]
    assert asked == ended - timedelta(hours=24)


async def test_what_is_gone_is_told_when_the_platform_says_so(shelf: Shelf) -> None:
    """One that is no longer listed is asked for; one that is too old is not missed."""
    gone = shelf.put(1, started_at=NEW)
    hidden = shelf.put(2, started_at=NEW)
    aged = shelf.put(3, started_at=NEW - timedelta(days=9))
    async with polled(shelf) as observer:
        held = dict(shelf.held)
        del shelf.held[gone], shelf.held[aged]
        await observer.until(lambda: any(one.gone for one in saved(observer)))
        assert held[hidden] == shelf.held[hidden]
        await observer.until(
            lambda: sum(isinstance(r, Polled) for r in observer.readings) > 2
        )
    assert [one.media.key for one in saved(observer) if one.gone] == [gone]
    assert ("recording", gone) in shelf.asked
    assert ("recording", aged) not in shelf.asked


async def test_a_resync_tells_everything_again(shelf: Shelf) -> None:
    """A keeper found that something was lost."""
    first = shelf.put(1)
    async with polled(shelf) as observer:
        observer.source.resync()
        await observer.until(lambda: keys(observer) == [first, first])


async def test_a_resync_amid_a_read_tells_everything_again(shelf: Shelf) -> None:
    """Also what that read had shown before."""
    told = [shelf.put(number) for number in range(4)]
    source = RecordingsSource(shelf, RecordingsSettings(account="acme"))
    source.begin(NEW)
    again: list[str] = []
    async with aclosing(source.observe()) as turns:
        async for turn in turns:
            again += [it.media.key for it in turn if isinstance(it, Saved)]
            if again == told:
                source.resync()
            if len(again) == 2 * len(told):
                break
    assert again == [*told, *told]


async def test_it_begins_anew_after_trouble(shelf: Shelf) -> None:
    """What was told stays told."""
    first = shelf.put(1)
    async with polled(shelf) as observer:
        shelf.failure = ProviderUnavailableError("busy")
        await observer.until(lambda: observer.failures)
        second = shelf.put(2)
        shelf.failure = None
        await observer.until(lambda: len(saved(observer)) == 2)
    assert keys(observer) == [first, second]


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


async def test_it_takes_no_commands(shelf: Shelf) -> None:
    """There is nothing live here."""
    async with polled(shelf) as observer:
        asking = observer.source.commanding(BEGUN_AT)
        with pytest.raises(CommandRefusedError):
            async with asking as ask:
                await ask("r1", "pause", {})


async def test_it_is_asked_to_look_now(shelf: Shelf) -> None:
    """Something else told that there is a new one."""
    async with polled(shelf, recordings_interval_s=3600) as observer:
        new = shelf.put(1)
        observer.source.look(new)
        async with asyncio.timeout(5):
            await observer.until(lambda: keys(observer) == [new])
