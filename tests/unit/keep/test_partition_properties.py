"""What holds for every inbox."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.life import second
from tests.unit.keep.inbox import TICK, Inbox, alive, call_key, entries
from tracker.domain.call import Interval
from tracker.domain.changes import Policy
from tracker.domain.reading import Media, Told
from tracker.store.codec import Input, parse_packet

POLICY = Policy(lost_after_s=60, ended_for_s=60, paused_long_after_s=10)
NAMES = ("01A", "01B")
SOURCES = ("genesys/acme/jdoe", "genesys/acme/asmith", "genesys/beta/jdoe")

sources = st.sampled_from(SOURCES)
observations = st.tuples(
    st.just("observed"),
    sources,
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(["ringing", "active", "active", "held", "ended"]),
            "recording": st.sampled_from(["recording", "paused", "stopped", None]),
            "call": st.sampled_from([*map(call_key, NAMES), "nonsense"]),
            "token": st.sampled_from([1, 1, 1, 2]),
            "hands_over": st.booleans(),
        }
    ),
)
others = st.one_of(
    st.tuples(
        st.just("complete"),
        sources,
        st.fixed_dictionaries(
            {
                "calls": st.sets(st.sampled_from([*map(call_key, NAMES)])).map(tuple),
                "process": st.sampled_from(["p1", "p2"]),
                "token": st.sampled_from([1, 1, 2]),
                "age_s": st.sampled_from([0.0, 2.0]),
            }
        ),
    ),
    st.tuples(st.just("alive"), sources, st.sampled_from(["p1", "p2"])),
    st.tuples(st.just("overdue"), sources, st.sampled_from([0.0, 11.0])),
    st.tuples(st.just("report"), sources, st.sampled_from(["up", "down", "locked"])),
    st.tuples(st.just("skip"), sources, st.none()),
    st.tuples(st.just("media"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("tick"), st.none(), st.none()),
    st.tuples(st.just("tick"), st.none(), st.none()),
)
packets = st.lists(
    st.tuples(
        st.sampled_from([0.001, 0.5, 3.0, 11.0, 70.0]),
        st.lists(st.one_of(observations, others), min_size=1, max_size=4),
    ),
    max_size=14,
)
Packets = list[tuple[float, list[tuple[str, Any, Any]]]]


def inputs_of(inbox: Inbox, kind: str, what: Any, more: Any) -> Sequence[Input]:
    """What enters; nothing when it should have, but did not."""
    match kind:
        case "observed":
            made: Input = inbox.observed(what, **more)
        case "complete":
            made = inbox.complete(what, **more)
        case "alive":
            made = alive(more)
        case "overdue":
            made = alive("p1", (what, 1, more))
        case "report":
            made = inbox.report(what, more)
        case "media":
            made = Media(call=call_key(what), media="m")
        case "skip":
            inbox.skip(what)
            return []
        case _:
            made = TICK
    return [made]


def fed(given_packets: Packets) -> Inbox:
    """An inbox that they all have entered."""
    inbox, s = Inbox(POLICY), 0.0
    for passes, told in given_packets:
        s = round(s + passes, 3)
        inbox.enter(s, *(made for one in told for made in inputs_of(inbox, *one)))
    return inbox


@given(packets)
def test_the_same_inbox_makes_the_same_outbox(given_packets: Packets) -> None:
    """Byte for byte, also when all of it is one commit."""
    inbox, again = fed(given_packets), Inbox(POLICY)
    for number, (s, raw) in enumerate(inbox.raw, 1):
        offset = f"{round(s * 1000)}-{number}"
        again.partition.fold(offset, second(s), parse_packet(raw).inputs)
    again.drafts = [again.partition.take_draft()]
    assert again.outbox() == inbox.outbox()
    assert again.partition.calls == inbox.partition.calls
    assert again.partition.timelines == inbox.partition.timelines
    assert again.partition.offset == inbox.partition.offset


@given(packets)
def test_every_entry_is_one_version_more(given_packets: Packets) -> None:
    """Each says what was before; the one that ends an entity says so."""
    inbox = fed(given_packets)
    versions: dict[tuple[str, str], int] = {}
    views: dict[tuple[str, str], Any] = {}
    for entry in (e for draft in inbox.drafts for e in entries(draft)):
        name = (entry.entity, entry.key)
        if entry.after is None:
            assert entry.version == versions[name]
        else:
            assert entry.version == versions.get(name, 0) + 1
        if entry.entity == "call":
            assert entry.before == views.get(name)
            assert entry.facts or entry.after is None
        versions[name] = entry.version
        views[name] = entry.after


@given(packets)
def test_a_draft_holds_all_that_changed(given_packets: Packets) -> None:
    """Who applies every draft to an empty store has the partition."""
    inbox = fed(given_packets)
    calls: dict[str, Any] = {}
    timelines: dict[str, list[Interval]] = {}
    for draft in inbox.drafts:
        for key, intervals in draft.intervals.items():
            timelines.setdefault(key, []).extend(intervals)
        calls |= draft.calls
    kept = {key: call for key, call in calls.items() if call is not None}
    assert kept == inbox.partition.calls
    for key, timeline in inbox.partition.timelines.items():
        stored = timelines.get(key, [])
        assert stored[len(stored) - len(timeline) :] == [*timeline]


@given(packets)
def test_whatever_is_dead_is_unknown(given_packets: Packets) -> None:
    """When nothing comes any more, nothing is believed any more."""
    inbox = fed(given_packets)
    s = (inbox.raw[-1][0] if inbox.raw else 0.0) + 10.5
    inbox.enter(s, TICK)
    for key, call in inbox.partition.calls.items():
        assert call.ended_at or call.recording.state == "unknown", key
    inbox.enter(s + 61, TICK)
    assert all(call.ended_at for call in inbox.partition.calls.values())
    inbox.enter(s + 200, TICK)
    assert not inbox.partition.calls
    assert not inbox.partition.timelines


@given(packets)
@settings(max_examples=30)
def test_repeated_packets_change_nothing(given_packets: Packets) -> None:
    """A producer that had no answer appends again."""
    inbox = fed(given_packets)
    calls = dict(inbox.partition.calls)
    if inbox.raw:
        s, raw = inbox.raw[-1]
        told = [one for one in parse_packet(raw).inputs if isinstance(one, Told)]
        for one in told:
            inbox.enter(s, one)
            assert inbox.drafts[-1].outgoing == []
    assert inbox.partition.calls == calls
