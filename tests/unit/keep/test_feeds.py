"""Stamps of sources, and signs of life of those who tell for them."""

import pytest

from tests.unit.domain.life import second
from tests.unit.keep.inbox import JDOE
from tracker.domain.reading import Checkpoint, Stamp, Told, Unreadable
from tracker.keep.feeds import Feeds

UNREADABLE = Unreadable(what="?", shape="{}")


def told(token: int, number: int, process: str | None = None) -> Told:
    """An input; a checkpoint when a process is named."""
    reading = Checkpoint(process=process) if process else UNREADABLE
    return Told(stamp=Stamp(JDOE, token, number), reading=reading)


STORIES = [
    ([(1, 1)], "next"),
    ([(1, 1), (1, 2)], "next"),
    ([(1, 1), (1, 1)], "repeat"),
    ([(1, 1), (1, 2), (1, 1)], "repeat"),
    ([(1, 1), (1, 3)], "gap"),
    ([(1, 2)], "gap"),
    ([(1, 1), (1, 3), (1, 4)], "next"),
    ([(1, 5), (2, 1)], "next"),
    ([(2, 1), (1, 2)], "stale"),
    ([(1, 1), (2, 2)], "gap"),
    ([(1, 1), (1, 3), (1, 2)], "repeat"),
]


@pytest.mark.parametrize(("stamps", "verdict"), STORIES)
def test_a_stamp_is_judged_by_what_was_told_before(
    stamps: list[tuple[int, int]], verdict: str
) -> None:
    """Tokens rise, numbers are contiguous from 1."""
    feeds = Feeds()
    verdicts = [feeds.admit(told(*stamp), second(0)) for stamp in stamps]
    assert verdicts[-1] == verdict


def test_what_is_stale_or_a_repeat_leaves_no_trace() -> None:
    """There is nothing to write."""
    feeds = Feeds()
    feeds.admit(told(2, 1, "p1"), second(0))
    feeds.changed_feeds.clear()
    feeds.changed_processes.clear()
    feeds.admit(told(2, 1, "p1"), second(5))
    feeds.admit(told(1, 2, "p1"), second(5))
    assert not feeds.changed_feeds
    assert not feeds.changed_processes
    assert feeds.processes == {"p1": second(0)}


def test_a_silent_process_takes_its_sources_with_it_once() -> None:
    """With when it was last alive."""
    feeds = Feeds()
    feeds.admit(told(1, 1, "p1"), second(0))
    feeds.alive("p1", second(3))
    assert list(feeds.silent(second(3))) == []
    assert list(feeds.silent(second(4))) == [(JDOE, second(3))]
    assert list(feeds.silent(second(9))) == []
    assert feeds.changed_processes == {"p1"}
    assert "p1" not in feeds.processes


def test_a_source_that_changed_hands_does_not_go_with_its_old_process() -> None:
    """The new one speaks for it."""
    feeds = Feeds()
    feeds.admit(told(1, 1, "p1"), second(0))
    feeds.admit(told(2, 1, "p2"), second(5))
    assert list(feeds.silent(second(5))) == []
    assert list(feeds.silent(second(6))) == [(JDOE, second(5))]


def test_an_owner_that_died_before_it_named_itself_is_missed() -> None:
    """It lived as long as it told something."""
    feeds = Feeds()
    feeds.admit(told(1, 1, "p1"), second(0))
    feeds.admit(told(2, 1), second(5))
    feeds.admit(told(2, 2), second(6))
    assert list(feeds.silent(second(6))) == []
    assert list(feeds.silent(second(7))) == [(JDOE, second(6))]


def test_tokens_of_owners() -> None:
    """Current is the newest that spoke here; stale is any below."""
    feeds = Feeds()
    assert not feeds.is_current(JDOE, 1)
    assert not feeds.is_stale(JDOE, 1)
    feeds.admit(told(2, 1, "p1"), second(0))
    assert [feeds.is_current(JDOE, token) for token in (1, 2, 3)] == [0, 1, 0]
    assert [feeds.is_stale(JDOE, token) for token in (1, 2, 3)] == [1, 0, 0]
    assert feeds.resync(JDOE).token == 2


def test_a_source_is_turned_blind_once_until_it_sees() -> None:
    """Being overdue is told every two seconds."""
    feeds = Feeds()
    assert feeds.turn_blind(JDOE)
    assert not feeds.turn_blind(JDOE)
    feeds.sees(JDOE)
    assert feeds.turn_blind(JDOE)


def test_a_process_that_wakes_up_and_tells_something_is_missed_again() -> None:
    """Though it never says that it is alive."""
    feeds = Feeds()
    feeds.admit(told(1, 1, "p1"), second(0))
    assert list(feeds.silent(second(11))) == [(JDOE, second(0))]
    feeds.admit(told(1, 2), second(20))
    assert list(feeds.silent(second(31))) == [(JDOE, second(20))]
