"""The poller of stored recordings, on an archive that a test fills."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from tests.contract.observer import Observer
from tests.unit.outlets.shelf import BEGUN_AT, Shelf
from tests.unit.providers.polled import NEW, polled
from tracker.domain.reading import Checkpoint, Polled, Saved
from tracker.errors import (
    CommandRefusedError,
    ProviderUnavailableError,
)
from tracker.providers.recordings import RecordingsSource
from tracker.providers.settings import RecordingsSettings


@pytest.fixture
def shelf() -> Shelf:
    return Shelf("acme")


def saved(observer: Observer) -> list[Saved]:
    return [r for r in observer.readings if isinstance(r, Saved)]


def keys(observer: Observer) -> list[str]:
    return [one.media.key for one in saved(observer)]


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
