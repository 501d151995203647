"""What a subscriber is told over cuts and resumes: everything, once, in order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.fanout.process import Process, begun, started
from tests.unit.fanout.test_replay import by_partition
from tests.unit.fanout.world import MemoryOutbox
from tests.unit.websocket.client import Client
from tests.unit.websocket.loopback import Served
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Filter, Query, Verdict
from tracker.fanout.published import Published

AGENTS = ("ann", "bob")

changes = st.tuples(
    st.integers(0, 4),
    st.lists(st.sampled_from(AGENTS), unique=True).map(tuple),
    st.integers(1, 3),
    st.sampled_from(("recording", "paused")),
)
wanted_filters = st.sampled_from(
    ({}, {"agents": ["ann"]}, {"states": ["paused"]}, {"accounts": ["genesys/acme"]})
)
steps = st.lists(
    st.one_of(changes, st.tuples(st.just("cut"), st.integers(0, 12))), max_size=40
)
"""Changes of calls, and cuts after so many frames of those that wait to be read."""


class Recorder:
    """Everything that is published, as the hub sees it."""

    def __init__(self, process: Process) -> None:
        self.published: list[Published] = []
        process.hub.add(Query(Filter()), self)

    def deliver(self, event: Published) -> None:
        self.published.append(event)

    def removed(self, event: Published) -> None:
        raise AssertionError("everything matches")

    def lost(self) -> None:
        raise AssertionError("nothing is lost")


def check(client: Client, wanted: dict[str, Any], recorder: Recorder) -> None:
    """Hold what the client was told against what was published."""
    query = Query(Filter.model_validate(wanted))
    assert client.began_at is not None
    since = client.began_at
    missed = [e for e in recorder.published if not since.covers(e.position)]
    chosen = query.choose(missed)
    events = [str(e.position) for e, is_ in chosen if is_ is Verdict.EVENT]
    removed = [(e.key, e.version) for e, is_ in chosen if is_ is Verdict.REMOVED]
    assert by_partition(client.events) == by_partition(events)
    assert sorted(client.removed) == sorted(removed)


@given(steps, st.lists(changes, max_size=10), wanted_filters, st.integers(2, 40))
async def test_everything_is_told_once_over_any_cuts(
    story: list[Any], meanwhile: list[Any], wanted: dict[str, Any], ring_entries: int
) -> None:
    """Subscribe, cut anywhere, resume, with changes while it is being brought up."""
    process = await begun(ring_entries)
    recorder = Recorder(process)
    waiting = iter(meanwhile)

    def publish_one() -> None:
        for change in waiting:
            process.change(*change)
            return

    async def connected(client: Client) -> Served:
        served = Served(process, publish_one)
        await served.begin(filter=wanted, **client.asks())
        return served

    client = Client()
    served = await connected(client)
    for step in story:
        if step[0] == "cut":
            served.cut()
            client.read(served.inbox()[: step[1]])
            served = await connected(client)
        else:
            process.change(*step)
    client.read(served.inbox())
    check(client, wanted, recorder)
    found = process.projection.find(Query(Filter.model_validate(wanted)))
    assert client.known == {stored.view.key: stored.version for stored in found}


@given(st.lists(changes, min_size=1, max_size=30), st.data())
async def test_several_subscriptions_share_one_copy(
    story: list[Any], data: st.DataObject
) -> None:
    """An event that several want is sent once; each gets its own removals.

    The first one begins now, the others with all that was ever published.
    """
    process = await begun(100)
    recorder = Recorder(process)
    cursor = str(process.cursor)
    served = Served(process)
    wanted: dict[str, dict[str, Any]] = {
        "a": {"agents": ["ann"]},
        "b": {"states": ["paused"]},
        "c": {},
    }
    begins = {id_: data.draw(st.integers(0, len(story) - 1)) for id_ in wanted}
    missed = 0
    for number, change in enumerate(story):
        for id_, fields in wanted.items():
            if begins[id_] == number:
                since = {} if id_ == "a" else {"since": cursor}
                await served.begin(id_, filter=fields, **since)
                missed = len(recorder.published) if id_ == "a" else missed
        process.change(*change)
    inbox = served.inbox()
    every: set[str] = set()
    for id_, fields in wanted.items():
        published = recorder.published[missed if id_ == "a" else 0 :]
        chosen = Query(Filter.model_validate(fields)).choose(published)
        every |= {str(e.position) for e, is_ in chosen if is_ is Verdict.EVENT}
        removed = [(e.key, e.version) for e, is_ in chosen if is_ is Verdict.REMOVED]
        told = [
            (frame["key"], frame["version"])
            for frame in inbox
            if frame.get("op") == "removed" and frame["id"] == id_
        ]
        assert sorted(told) == sorted(removed)
    ids = [frame["id"] for frame in inbox if "op" not in frame]
    assert len(ids) == len(set(ids))
    assert set(ids) == every


async def test_a_fresh_subscription_begins_now() -> None:
    """Without ``since`` and ``snapshot`` only what comes is told."""
    process = await begun()
    process.change(1)
    served = Served(process)
    await served.begin()
    process.change(1)
    subscribed, cursor, event = served.inbox()
    assert (subscribed["op"], subscribed["recovered"]) == ("subscribed", False)
    assert (cursor["op"], cursor["live"]) == ("cursor", True)
    assert event["sequence"] == "0000000002"


async def test_a_snapshot_comes_in_pages_then_a_cursor() -> None:
    """All but the last say that there is more."""
    process = await begun(100)
    for number in range(20):
        process.change(number)
    waiting = [0, 0, 0]

    def publish_one() -> None:
        if waiting:
            process.change(waiting.pop())

    served = Served(process, publish_one)
    await served.begin(snapshot=True)
    inbox = served.inbox()
    pages = [frame for frame in inbox if frame.get("op") == "snapshot"]
    assert [page["more"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert len(pages) > 2
    assert len([call for page in pages for call in page["calls"]]) == 20
    meanwhile = [frame for frame in inbox if "op" not in frame]
    assert [event["sequence"][-1] for event in meanwhile] == ["2", "3", "4"]
    assert inbox[-1]["op"] == "cursor"


async def test_a_lost_cursor_is_answered_with_a_snapshot() -> None:
    """Even to one who did not ask for it; what the client knew is void."""
    process = await begun(2)
    process.change(1)
    cursor = str(process.cursor)
    for _ in range(5):
        process.change(1)
    for partition in range(3):
        process.outbox.trim(partition, 1)
    served = Served(process)
    await served.begin(since=cursor)
    subscribed, page, shown = served.inbox()
    assert (subscribed["recovered"], subscribed["cursor"]) == (
        False,
        str(process.cursor),
    )
    assert page["calls"] == [{"key": "genesys/acme/c1", "version": 6}]
    assert shown["op"] == "cursor"


async def test_a_replay_that_breaks_off_begins_anew() -> None:
    """What was trimmed under way: ``recovered`` is taken back, a snapshot follows."""
    process = await begun(2)
    process.change(1)
    cursor = str(process.cursor)
    for _ in range(9):
        process.change(1)

    def trim() -> None:
        for partition in range(3):
            process.outbox.trim(partition, 1)

    served = Served(process, trim)
    await served.begin(since=cursor)
    ops = [frame.get("op") for frame in served.inbox() if "op" in frame]
    assert ops == ["subscribed", "subscribed", "snapshot", "cursor"]


async def test_a_store_that_is_away_is_an_error_and_no_subscription() -> None:
    """The socket stays; the client asks again."""
    process = await begun(2)
    process.change(1)
    cursor = str(process.cursor)
    for _ in range(9):
        process.change(1)
    process.outbox.away = True
    served = Served(process)
    await served.begin(since=cursor)
    (error,) = served.inbox()
    assert (error["op"], error["id"], error["status"]) == ("error", "s", 503)
    process.outbox.away = False
    await served.begin(since=cursor)
    assert served.inbox()[0]["recovered"] is True


async def test_nothing_begins_before_the_store_was_read() -> None:
    """A process that has just started says so."""
    process = Process(MemoryOutbox())
    served = Served(process)
    await served.begin()
    (error,) = served.inbox()
    assert error["status"] == 503


async def test_no_cursor_is_shown_while_a_subscription_is_brought_up() -> None:
    """It would be ahead of what the client has been told."""
    process = await begun(100)
    for number in range(20):
        process.change(number)
    served = Served(process)
    served._meanwhile = served.show_cursor
    await served.begin(snapshot=True)
    inbox = served.inbox()
    assert [frame["op"] for frame in inbox if frame["op"] == "cursor"] == ["cursor"]
    assert inbox[-1]["op"] == "cursor"
    served.show_cursor()
    assert [frame["op"] for frame in served.inbox()] == ["cursor"]


async def test_no_cursor_is_shown_while_it_is_found_out_what_was_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor to a socket with another subscription, which goes on."""
    process = await begun(100)
    served, since = Served(process), str(process.cursor)
    await served.begin("other")
    served.told()
    check = process.replay.check

    async def slowly(cursor: Cursor) -> None:
        process.change(1)
        served.show_cursor()
        await check(cursor)

    monkeypatch.setattr(process.replay, "check", slowly)
    await served.begin(since=since)
    ops = [frame.get("op", "event") for frame in served.told()]
    assert ops == ["event", "subscribed", "cursor"]


async def test_no_cursor_is_shown_before_there_is_a_subscription() -> None:
    """It would be ahead of what a client that comes back has missed."""
    served = Served(await begun())
    served.show_cursor()
    assert served.inbox() == []


async def test_unsubscribing_ends_it() -> None:
    """Nothing more is told, and the id is free again."""
    process = await begun()
    served = Served(process)
    await served.begin()
    served.unsubscribe("s")
    process.change(1)
    served.show_cursor()
    assert served.inbox()[-1] == {"op": "result", "of": "unsubscribe", "id": "s"}
    await served.begin()


@pytest.mark.parametrize("partitions", [1, 3])
async def test_a_lost_partition_asks_for_the_close(partitions: int) -> None:
    """Every subscription asks its socket."""
    process = await started()
    served = Served(process)
    await served.begin("a")
    await served.begin("b", filter={"agents": ["ann"]})
    for partition in range(partitions):
        process.hub.reset(partition, process.cursor.places[partition])
    assert served.losses == 2 * partitions
