"""Keepers: one writer per partition, that nothing stalls and no other one disturbs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue, TypeAdapter

from tests.integration.ingest.scripted import call_key, observation
from tests.integration.proxy import tcp_proxy
from tests.integration.servers import Server
from tests.integration.store.kept import (
    Kept,
    Listener,
    Teller,
    everything,
    listening,
    opened,
    running,
)
from tracker.domain.call import Call
from tracker.domain.changes import Policy
from tracker.domain.decide import CallInput, decide
from tracker.domain.entry import Entry, Resync, Watermark
from tracker.domain.key import account_of
from tracker.domain.reading import (
    Checkpoint,
    Observation,
    SourceReport,
    Stamp,
    Told,
)
from tracker.domain.terms import RecordingState
from tracker.errors import LeaseLostError
from tracker.keep import partition as folding
from tracker.keep.partition import Partition
from tracker.store.codec import HEADER_FIELD, SNAPSHOT_FIELD, dump, parse_entries
from tracker.store.keys import KEEP_LEASE
from tracker.store.redis import ConnectionSettings

CALL, OTHER = call_key("c1"), call_key("c2")
STATES: tuple[RecordingState, ...] = ("recording", "paused", "recording", "stopped")
IMPATIENT = ConnectionSettings(call_timeout_s=0.3)
_JSON: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    async with opened(server.url) as kept:
        yield kept


@pytest.fixture
async def listener(kept: Kept) -> AsyncIterator[Listener]:
    async with listening(kept) as listener:
        yield listener


async def test_an_input_becomes_what_everyone_reads(
    kept: Kept, listener: Listener
) -> None:
    """An outbox entry, the stored call, and its timeline."""
    async with running(kept.run()):
        teller = Teller(kept)
        for age_s, state in zip((4, 3, 2, 1), STATES, strict=True):
            seen = observation(CALL, state).but(age_s=age_s)
            await teller.tell(seen)
        await teller.tell(observation(CALL, "stopped", "ended"))
        await listener.until(lambda: "call.ended" in listener.facts(CALL))
    assert listener.facts(CALL) == [
        "call.started",
        "recording.started",
        "recording.paused",
        "recording.resumed",
        "recording.stopped",
        "call.ended",
    ]
    [stored] = [s for s in await kept.outbox.stored(0) if s.view.key == CALL]
    snapshot = _JSON.validate_json(stored.snapshot)
    assert snapshot["version"] == stored.version == len(listener.headers(CALL))
    timeline, *_ = await kept.outbox.past(CALL)
    lengths = [(i.state, round((i.to - i.from_).total_seconds())) for i in timeline]
    assert lengths == [(state, 1) for state in STATES]
    keys = kept.keys[0]
    assert await kept.redis.call(keys.meta, "PTTL", keys.timeline(CALL)) > 0


async def test_the_versions_of_what_comes_back_go_on(
    kept: Kept, listener: Listener
) -> None:
    """Of a source and its account, also when another keeper saw them go."""
    key = Teller(kept).key
    account = account_of(key)

    async def come_and_go(token: int) -> None:
        teller = Teller(kept, token=token)
        await teller.tell(Checkpoint(process="p"))
        await listener.until(lambda: len(listener.headers(account)) == 2 * token - 1)
        await teller.tell(SourceReport(state="down", retired=True))
        await listener.until(lambda: len(listener.headers(account)) == 2 * token)

    for token, holder in enumerate(("p1", "p2", "p3"), 1):
        async with running(kept.run(holder)):
            await come_and_go(token)
        await kept.leases(holder)[0].release([KEEP_LEASE])
    for one in (key, account):
        versions = [header.version for header in listener.headers(one)]
        assert versions == [1, 1, 2, 2, 3, 3]


async def test_the_past_of_a_call_tells_how_what_lasts_is_known(
    kept: Kept, listener: Listener
) -> None:
    """As the interval will, once it is closed."""
    teller = Teller(kept)
    async with running(kept.run()):
        await teller.tell(observation(CALL, "recording").but(age_s=2))
        await listener.until(lambda: listener.states(CALL) == ["recording"])
        lasts = (await kept.outbox.past(CALL)).recording
        await teller.tell(observation(CALL, "paused").but(exact=False))
        await listener.until(lambda: listener.states(CALL)[-1] == "paused")
        past = await kept.outbox.past(CALL)
    assert lasts is not None
    assert past.recording is not None
    assert (lasts.exact, past.recording.evidence) == (False, "read")
    assert [i.evidence for i in past.intervals] == [lasts.evidence] == ["notification"]
    assert (await kept.outbox.past(OTHER)).recording is None


async def test_a_new_keeper_goes_on_where_the_last_one_was(
    kept: Kept, listener: Listener
) -> None:
    """From what is stored, with nothing twice and nothing left out."""
    teller = Teller(kept)
    for round_, state in enumerate(STATES * 2):
        await teller.tell(observation(CALL, state))
        async with running(kept.run(f"p{round_}")):
            await listener.until(lambda: listener.states(CALL)[-1:] == [state])  # noqa: B023
        await kept.leases(f"p{round_}")[0].release([KEEP_LEASE])
    versions = [header.version for header in listener.headers(CALL)]
    assert versions == list(range(1, len(STATES) * 2 + 1))
    assert listener.states(CALL) == list(STATES * 2)


async def test_what_was_forgotten_is_not_told_with_the_next_end(
    kept: Kept, listener: Listener
) -> None:
    """The stored timeline goes on; a new keeper knows where the new life begins."""
    kept.policy = Policy(ended_for_s=0)
    teller = Teller(kept)
    async with running(kept.run("p1")):
        await teller.tell(observation(CALL, "paused").but(age_s=9))
        await teller.tell(observation(CALL, "paused", "ended").but(age_s=8))
        await listener.until(
            lambda: any(header.after is None for header in listener.headers(CALL))
        )
        await teller.tell(observation(CALL, "recording").but(age_s=1))
        await listener.until(lambda: "call.reopened" in listener.facts(CALL))
    await kept.leases("p1")[0].release([KEEP_LEASE])
    async with running(kept.run("p2")):
        await teller.tell(observation(CALL, "recording", "ended"))
        await listener.until(lambda: listener.facts(CALL).count("call.ended") == 2)
    changes = [f.change for header in listener.headers(CALL) for f in header.facts]
    told = [change["timeline"] for change in changes if "timeline" in change]
    assert [[i["state"] for i in timeline] for timeline in told] == [
        ["paused"],
        ["recording"],
    ]
    intervals, *_ = await kept.outbox.past(CALL)
    assert [interval.state for interval in intervals] == ["paused", "recording"]


async def test_an_overtaken_keeper_changes_nothing(
    kept: Kept, listener: Listener
) -> None:
    """It finds out at its next commit, and ends."""
    old = asyncio.create_task(kept.run("old"))
    teller = Teller(kept)
    await teller.tell(observation(CALL, "recording"))
    await listener.until(lambda: bool(listener.states(CALL)))
    await kept.leases("old")[0].release([KEEP_LEASE])
    async with running(kept.run("new")):
        with pytest.raises(ExceptionGroup) as ended:
            await old
        assert ended.group_contains(LeaseLostError)
        await teller.tell(observation(CALL, "paused"))
        await listener.until(lambda: "paused" in listener.states(CALL))
    assert [header.version for header in listener.headers(CALL)] == [1, 2]


async def test_a_commit_whose_answer_was_lost_is_repeated(server: Server) -> None:
    """The keeper goes on with the same batch; every change is told once."""
    async with (
        opened(server.url) as direct,
        tcp_proxy(server.port) as proxy,
        opened(proxy.url, settings=IMPATIENT) as kept,
        listening(direct) as listener,
        running(kept.run()),
    ):
        await listener.until(lambda: bool(listener.entries))
        teller = Teller(direct)
        for state in STATES:
            proxy.spoil("lose" if state == "paused" else "cut", b"tracker_commit")
            await teller.tell(observation(CALL, state))
            await listener.until(lambda: listener.states(CALL)[-1:] == [state])  # noqa: B023
        await teller.tell(observation(OTHER))
        await listener.until(lambda: bool(listener.states(OTHER)))
        assert listener.states(CALL) == list(STATES)
        assert [header.version for header in listener.headers(CALL)] == [1, 2, 3, 4]


async def test_stale_repeated_and_later_inputs_of_a_lost_owner_change_nothing(
    kept: Kept, listener: Listener
) -> None:
    """Under a lower token nothing counts any more; a repeat counts once."""
    async with running(kept.run()):
        old, new = Teller(kept, token=1), Teller(kept, token=2)
        await old.tell(observation(CALL, "recording"))
        await new.tell(observation(CALL, "paused"))
        await old.tell(observation(CALL, "stopped"), observation(OTHER))
        repeat = Stamp(new.key, 2, 1)
        repeated = Told(stamp=repeat, reading=observation(CALL, "stopped"))
        await kept.inboxes[0].append([repeated])
        await new.tell(observation(CALL, "recording"))
        await listener.until(lambda: listener.states(CALL)[-1:] == ["recording"])
        await listener.until(lambda: len(listener.states(CALL)) == 3)
    assert listener.states(CALL) == ["recording", "paused", "recording"]
    assert not listener.headers(OTHER)
    assert kept.kept[0].counts == {"stale": 2, "repeat": 1}


async def test_a_poisonous_input_is_put_aside(
    kept: Kept, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept and counted, its leg turns unknown, and the partition goes on."""

    def poisoned(call: Call | None, told: CallInput, *args: Any, **rest: Any) -> object:
        if isinstance(told, Told) and isinstance(told.reading, Observation):
            assert told.reading.device != "poison"
        return decide(call, told, *args, **rest)

    monkeypatch.setattr(folding, "decide", poisoned)
    poison = observation(CALL).but(device="poison")
    async with running(kept.run()):
        teller = Teller(kept)
        await teller.tell(observation(CALL))
        await teller.tell(poison, observation(OTHER))
        await listener.until(lambda: bool(listener.states(OTHER)))
        assert listener.states(CALL) == ["recording", "unknown"]
        await teller.tell(observation(CALL, "paused"))
        await listener.until(lambda: "paused" in listener.states(CALL))
    [aside] = await _aside(kept)
    assert aside[b"error"] == b"AssertionError"
    assert b"poison" in aside[b"inputs"]
    assert kept.kept[0].counts["aside"] == 1


async def test_an_entry_that_cannot_be_read_is_put_aside(
    kept: Kept, listener: Listener
) -> None:
    """Whoever wrote it; what comes after it is handled."""
    key = kept.inboxes[0].key
    known, other = b'{"kind":"saved","media":{"key":"%b"}}', b'{"kind":"%b"}'
    packets = [b'{"inputs":[%b]}' % (it % b"\xff") for it in (known, other)]
    strange = [b"{not ours", b'{"inputs":[%b]}' % known, *packets]
    async with running(kept.run()):
        for raw in strange:
            await kept.redis.call(key, "XADD", key, "*", "inputs", raw)
        await kept.redis.call(key, "XADD", key, "*", "other", "field")
        await Teller(kept).tell(observation(CALL))
        await listener.until(lambda: bool(listener.states(CALL)))
    assert [aside[b"inputs"] for aside in await _aside(kept)] == [*strange, b""]
    assert kept.kept[0].counts["aside"] == 5


async def _aside(kept: Kept) -> list[dict[bytes, bytes]]:
    key = kept.keys[0].aside
    raws = parse_entries(await kept.redis.call(key, "XRANGE", key, "-", "+"))
    return [raw.fields for raw in raws]


async def test_a_burst_becomes_many_commits(kept: Kept, listener: Listener) -> None:
    """None too large for the server; every change of it is told, in order."""
    teller = Teller(kept)
    count, each = 4500, 450
    for _ in range(0, count, each):
        pairs = [observation(CALL, state) for state in ("recording", "paused")]
        await teller.tell(*(pairs * (each // 2)))
    async with running(kept.run()):
        await listener.until(lambda: len(listener.headers(CALL)) == count, 30)
    assert [h.version for h in listener.headers(CALL)] == list(range(1, count + 1))
    assert kept.batches[: count // each // 2] == [2] * (count // each // 2)


async def test_lost_inputs_turn_everything_unknown(
    kept: Kept, listener: Listener
) -> None:
    """When the entry of its offset is gone, nobody knows what else is."""
    teller = Teller(kept)
    async with running(kept.run("p1")):
        await teller.tell(observation(CALL), Checkpoint(calls=(CALL,), process=""))
        await listener.until(lambda: bool(listener.states(CALL)))
    await kept.leases("p1")[0].release([KEEP_LEASE])
    await kept.redis.call(kept.inboxes[0].key, "DEL", kept.inboxes[0].key)
    async with running(kept.run("p2")):
        await listener.until(lambda: "unknown" in listener.states(CALL))
        ask = Resync(source=teller.key, token=1)
        await listener.until(lambda: listener.asked == [ask])
        await teller.tell(observation(CALL), Checkpoint(calls=(CALL,), process=""))
        await listener.until(lambda: listener.states(CALL)[-1:] == ["recording"])


async def test_a_newer_release_s_partition_is_left_alone(kept: Kept) -> None:
    """What it wrote cannot be understood; nothing is written."""
    await kept.ledger().adopt(kept.epoch, 99)
    lease = await kept.lease()
    before = await everything(kept.redis)
    with pytest.raises(Exception, match="newer release"):
        await kept.keeper().run(kept.epoch, lease)
    assert await everything(kept.redis) == before


async def test_a_watermark_tells_how_far_it_is(kept: Kept, listener: Listener) -> None:
    """Within a tick of the start, though nothing is told."""
    async with running(kept.run()):
        await listener.until(lambda: bool(listener.entries))
    header = listener.entries[0].header
    assert isinstance(header, Watermark)
    now = datetime.fromtimestamp(await kept.redis.time_ms() / 1000, UTC)
    assert abs((now - header.handled_at).total_seconds()) < 2


async def test_the_same_inbox_makes_the_same_outbox(
    kept: Kept, listener: Listener
) -> None:
    """Folded again, by one entry and by the hundred, to the very bytes."""
    first, second = Teller(kept, "jdoe"), Teller(kept, "asmith")
    async with running(kept.run()):
        for number, state in enumerate(STATES * 10):
            await first.tell(observation(call_key(f"c{number % 7}"), state))
            await second.tell(
                observation(call_key(f"c{number % 5}"), state, agent=second.key),
                Checkpoint(calls=(call_key("c0"),), process=""),
            )
        await first.tell(observation(call_key("last")))
        await listener.until(lambda: bool(listener.headers(call_key("last"))))
    written = [(dump(t.header), t.snapshot) for t in listener.entries]
    stream = kept.keys[0].outbox
    raws = parse_entries(await kept.redis.call(stream, "XRANGE", stream, "-", "+"))
    assert [raw.fields[HEADER_FIELD] for raw in raws] == [
        header for header, _ in written
    ]
    assert [raw.fields.get(SNAPSHOT_FIELD, b"") for raw in raws] == [
        s for _, s in written
    ]
    meta = await kept.ledger().meta()
    entries = await kept.inboxes[0].read("-", meta.offset, 10_000)
    for each in (1, 100):
        again = Partition(0, 1, Policy())
        outgoing = []
        for begin in range(0, len(entries), each):
            for entry in entries[begin : begin + each]:
                at = datetime.fromtimestamp(entry.at_ms / 1000, UTC)
                again.fold(entry.id, at, entry.inputs)
            outgoing += again.take_draft().outgoing
        assert [(dump(o.header), o.snapshot) for o in outgoing] == written
    assert all(isinstance(t.header, Entry | Watermark) for t in listener.entries)
