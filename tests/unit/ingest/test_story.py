"""Numbers, and where what a source tells goes."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.ingest.scripted import call_key, observation, source_key
from tests.unit.domain.stored import recording
from tracker.domain.key import partition_of
from tracker.domain.reading import (
    Checkpoint,
    Media,
    Observation,
    Saved,
    SourceReport,
    Told,
    Unreadable,
)
from tracker.ingest.story import Story, Tellable

PARTITIONS = 4
SOURCE = source_key("jdoe")
HOME = partition_of("source", SOURCE, PARTITIONS)
UNREADABLE = Unreadable(what="notification", shape="{}")

calls = st.integers(0, 30).map(lambda n: call_key(f"c{n}"))
readings = st.one_of(
    calls.map(observation),
    st.lists(calls, unique=True).map(lambda c: Checkpoint(calls=tuple(c), process="")),
    st.sampled_from([UNREADABLE, SourceReport(state="down")]),
)


def _story() -> Story:
    return Story(SOURCE, 7, "p1", PARTITIONS)


def _place(call: str) -> int:
    return partition_of("call", call, PARTITIONS)


@given(st.lists(st.lists(readings, max_size=5), max_size=8))
def test_numbers_have_no_hole_anywhere(turns: list[list[Tellable]]) -> None:
    """In every partition they go 1, 2, 3 …, in the order of the telling."""
    story, told = _story(), defaultdict[int, list[Told]](list)
    for turn in turns:
        for partition, part in story.tell(turn).items():
            told[partition] += part
    for partition, inputs in told.items():
        stamps = [(t.stamp.source, t.stamp.token, t.stamp.number) for t in inputs]
        assert stamps == [(SOURCE, 7, n) for n in range(1, len(inputs) + 1)]
        seen = [t.reading for t in inputs if isinstance(t.reading, Observation)]
        here = [
            reading
            for turn in turns
            for reading in turn
            if isinstance(reading, Observation) and _place(reading.call) == partition
        ]
        assert seen == here


@given(st.lists(calls, unique=True))
def test_the_first_checkpoint_goes_everywhere(shown: list[str]) -> None:
    """Each partition hears of its own calls, and of the new owner."""
    told = _story().tell([Checkpoint(calls=tuple(shown), process="", age_s=0.3)])
    assert set(told) == set(range(PARTITIONS))
    for partition, [one] in told.items():
        own = tuple(call for call in shown if _place(call) == partition)
        expected = Checkpoint(calls=own, process="p1", age_s=0.3, fresh=True)
        assert one.reading == expected


def test_the_first_checkpoint_goes_everywhere_also_where_something_was_told() -> None:
    """A poller tells of calls before its first round is complete."""
    story = _story()
    story.tell([observation(call_key(f"c{n}")) for n in range(99)])
    assert set(story.tell([Checkpoint(process="")])) == set(range(PARTITIONS))


def test_later_checkpoints_go_where_something_was_told() -> None:
    """Thousands of sources do not wake partitions that they never spoke to."""
    story = _story()
    story.tell([Checkpoint(process="")])
    call = next(c for n in range(99) if _place(c := call_key(f"c{n}")) != HOME)
    story.tell([observation(call)])
    told = story.tell([Checkpoint(calls=(call,), process="")])
    assert set(told) == {_place(call), HOME}
    [at_call], [at_home] = told[_place(call)], told[HOME]
    assert at_call.reading == Checkpoint(calls=(call,), process="p1")
    assert at_home.reading == Checkpoint(process="p1")


def test_who_begins_again_tells_everybody_once() -> None:
    """What was told is lost somewhere; later it is as before."""
    story = _story()
    story.tell([Checkpoint(process="")])
    story.begin_again()
    assert set(story.tell([Checkpoint(process="")])) == set(range(PARTITIONS))
    assert set(story.tell([Checkpoint(process="")])) == {HOME}


def test_health_goes_to_the_source_s_own_partition() -> None:
    """So do unreadable messages: one place counts them."""
    told = _story().tell([SourceReport(state="down"), UNREADABLE])
    assert list(told) == [HOME]
    assert [t.stamp.number for t in told[HOME]] == [1, 2]


@pytest.mark.parametrize(
    "report",
    [SourceReport(state="down", retired=True), SourceReport(state="locked")],
)
def test_a_source_that_will_not_be_read_says_so_everywhere(
    report: SourceReport,
) -> None:
    """Wherever it has legs, they are to turn unknown."""
    assert set(_story().tell([report])) == set(range(PARTITIONS))


def test_a_recording_is_told_where_it_lies_and_where_its_call_does() -> None:
    """One that was there before is no news to its call."""
    media = recording("r1", "c1")
    home = partition_of("media", media.key, PARTITIONS)
    there = _place(media.call_key or "")
    told = _story().tell([Saved(media=media), Saved(media=media, old=True)])
    links = [t.reading for t in told[there] if isinstance(t.reading, Media)]
    assert links == [Media(call=media.call_key or "", media=media.key)]
    assert [type(t.reading) for t in told[home]].count(Saved) == 2
    gone = _story().tell([Saved(media=media, gone=True)])
    assert Media(call=media.call_key or "", media=media.key, gone=True) in [
        t.reading for t in gone[there]
    ]
