"""The projection: what the store has, at a known place, kept up by the tails."""

from pydantic_core import from_json

from tests.unit.fanout.world import MemoryOutbox, entry, view
from tracker.domain.view import View
from tracker.fanout.cursor import BEGINNING, Place
from tracker.fanout.filters import Filter, Query
from tracker.fanout.projection import Projection
from tracker.fanout.settings import FanoutSettings

EVERY = Query(Filter())
ONE, TWO = "genesys/acme/c1", "genesys/acme/c2"


def query(**fields: str) -> Query:
    return Query(Filter.model_validate({n: [value] for n, value in fields.items()}))


async def loaded(outbox: MemoryOutbox) -> Projection:
    projection = Projection(outbox)
    for partition in range(outbox.partitions):
        await projection.load(partition)
    return projection


def keys(
    projection: Projection, wanted: Query = EVERY, *, ended: bool = False
) -> list[str]:
    return [stored.view.key for stored in projection.find(wanted, ended=ended)]


def is_live(projection: Projection) -> bool:
    return projection.live


async def test_loading_ends_at_the_outbox_as_it_was_after_the_scan() -> None:
    """Entries that came while the store was scanned are in, and so is the place."""
    outbox = MemoryOutbox(1)
    outbox.append(entry(None, view(ONE, "ann")))
    outbox.during_scan = [
        entry(view(ONE, "ann"), view(ONE, "bob"), 2),
        entry(None, view(TWO, "ann")),
    ]
    projection = await loaded(outbox)
    assert keys(projection, query(agents="ann")) == [TWO]
    assert keys(projection, query(agents="bob")) == [ONE]
    last = outbox.entries[0][-1].id
    assert projection.cursor.places == (Place.parse(last),)
    assert projection.loaded


async def test_nothing_is_loaded_before_it_is() -> None:
    """Until every partition has been read, it says so, and is not live."""
    projection = Projection(MemoryOutbox(2))
    await projection.load(0)
    assert not projection.loaded
    assert not projection.live
    assert projection.cursor.places == (BEGINNING, BEGINNING)


async def test_older_versions_do_nothing() -> None:
    """An entry that the scan had overtaken is no step back."""
    outbox = MemoryOutbox(1)
    projection = await loaded(outbox)
    newer = outbox.append(entry(None, view(ONE, "bob"), 5))
    projection.apply(newer)
    older = outbox.append(entry(None, view(ONE, "ann"), 4))
    projection.apply(older)
    assert keys(projection, query(agents="bob")) == [ONE]
    assert keys(projection, query(agents="ann")) == []
    known = projection.get("call", ONE)
    assert known is not None
    assert from_json(known.snapshot) == {"key": ONE, "version": 5}


async def test_find_follows_who_is_on_the_call() -> None:
    """The index moves with agents, teams, issues and states."""
    outbox = MemoryOutbox(3)
    projection = await loaded(outbox)
    steps: list[View] = [
        view(ONE, "ann"),
        view(ONE, "ann", "bob"),
        view(ONE, "bob", state="paused", issues=("paused_long",)),
    ]
    before = None
    for version, after in enumerate(steps, 1):
        projection.apply(outbox.append(entry(before, after, version)))
        before = after
    assert keys(projection, query(agents="ann")) == []
    assert keys(projection, query(teams="team-bob")) == [ONE]
    assert keys(projection, query(states="paused", issues="paused_long")) == [ONE]
    assert keys(projection, query(calls=ONE, states="recording")) == []
    assert keys(projection, query(accounts="kazoo/acme")) == []


async def test_ended_calls_stay_to_be_asked_for_but_are_no_live_ones() -> None:
    """Until the store forgets them."""
    outbox = MemoryOutbox(3)
    projection = await loaded(outbox)
    ended = view(ONE, "ann", ended=True)
    projection.apply(outbox.append(entry(view(ONE, "ann"), ended, 2)))
    assert keys(projection) == []
    assert keys(projection, ended=True) == [ONE]
    assert projection.get("call", ONE) is not None
    projection.apply(outbox.append(entry(ended, None, 2, types=())))
    assert projection.get("call", ONE) is None
    assert keys(projection, ended=True) == []


async def test_found_entities_come_by_key_and_of_one_kind() -> None:
    """The order is stable, so lists can be read in pages."""
    outbox = MemoryOutbox(3)
    projection = await loaded(outbox)
    many = [f"genesys/acme/c{n}" for n in (5, 3, 9, 1)]
    for key in many:
        projection.apply(outbox.append(entry(None, view(key))))
    source = view("genesys/acme/ann", kind="source", state=None)
    projection.apply(outbox.append(entry(None, source)))
    assert keys(projection) == sorted(many)
    assert [s.view for s in projection.find(EVERY, "source")] == [source]


async def test_a_reload_replaces_the_partition_alone() -> None:
    """What the store no longer has is gone; other partitions stay."""
    outbox = MemoryOutbox(3)
    projection = await loaded(outbox)
    partitions = {}
    for number in range(9):
        key = f"genesys/acme/c{number}"
        tailed = outbox.append(entry(None, view(key)))
        partitions[key] = tailed.partition
        projection.apply(tailed)
    lost = partitions["genesys/acme/c0"]
    outbox.lose()
    await projection.load(lost)
    left = [key for key, partition in partitions.items() if partition != lost]
    assert keys(projection) == left
    assert projection.cursor.places[lost] == BEGINNING


async def test_live_needs_every_keeper_to_be_heard_and_on_time() -> None:
    """A silent keeper, and one that is behind, make it not live."""
    now = [100.0]
    outbox = MemoryOutbox(2)
    settings = FanoutSettings(live_grace_s=10)
    projection = Projection(outbox, settings, lambda: now[0])
    await projection.load(0)
    await projection.load(1)
    projection.apply(outbox.mark(0))
    assert not is_live(projection), "the other keeper was never heard"
    projection.apply(outbox.mark(1, behind_s=4))
    assert is_live(projection)
    now[0] += 5.9
    assert is_live(projection)
    now[0] += 0.2
    assert not is_live(projection), "4 s behind and 6.1 s silent"
    projection.apply(outbox.mark(1, behind_s=11))
    assert not is_live(projection), "further behind than the grace"
    projection.apply(outbox.mark(1))
    assert is_live(projection)
    await projection.load(1)
    assert not is_live(projection), "read anew, its keeper is yet to be heard"
