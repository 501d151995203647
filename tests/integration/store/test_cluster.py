"""A Cluster: every partition in its slot, and primaries that change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.cluster import Cluster
from tests.integration.ingest.scripted import call_key, observation
from tests.integration.store.kept import (
    Kept,
    Listener,
    Teller,
    flush,
    listening,
    opened,
    running,
)
from tracker.domain.entry import Resync
from tracker.domain.key import partition_of
from tracker.domain.reading import Checkpoint
from tracker.domain.terms import RecordingState
from tracker.store.redis import ConnectionSettings

PARTITIONS = 16
CALLS = [call_key(f"c{number}") for number in range(48)]
IMPATIENT = ConnectionSettings(connect_timeout_s=0.5, call_timeout_s=1)
STATES: tuple[RecordingState, ...] = ("recording", "paused")


@asynccontextmanager
async def _working(cluster: Cluster) -> AsyncIterator[tuple[Kept, Listener]]:
    """A process that keeps every partition, and a reader."""
    flush(cluster)
    async with (
        opened(cluster.url, PARTITIONS, lease_s=3.0, settings=IMPATIENT) as kept,
        listening(kept) as listener,
        running(kept.role("p1").run()),
    ):
        yield kept, listener


async def _rounds(teller: Teller, begin: int, end: int) -> None:
    """Every call changes once in each round."""
    for number in range(begin, end):
        await teller.tell(*(observation(call, STATES[number % 2]) for call in CALLS))


def _versions(listener: Listener, call: str) -> list[int]:
    return [header.version for header in listener.headers(call)]


def _all_at(listener: Listener, version: int) -> bool:
    return all(_versions(listener, call)[-1:] == [version] for call in CALLS)


async def test_every_partition_is_kept_and_read(cluster: Cluster) -> None:
    """Sixteen partitions in three primaries, from one process."""
    async with _working(cluster) as (kept, listener):
        await _rounds(Teller(kept), 0, 10)
        await listener.until(lambda: _all_at(listener, 10))
        expected = list(range(1, 11))
        assert [_versions(listener, c) for c in CALLS] == [expected] * len(CALLS)
        assert {partition_of("call", call, PARTITIONS) for call in CALLS} == {
            *range(16)
        }


async def test_a_primary_that_hands_over_loses_nothing(cluster: Cluster) -> None:
    """Keepers, tails and producers follow it; no change is skipped, none twice."""
    async with _working(cluster) as (kept, listener):
        teller = Teller(kept)
        await _rounds(teller, 0, 5)
        await listener.until(lambda: _all_at(listener, 5))
        async with running(_rounds(teller, 5, 30)):
            cluster.fail_over(kept.keys[0].outbox)
            await listener.until(lambda: _all_at(listener, 30))
        if not listener.lost:
            expected = list(range(1, 31))
            assert [_versions(listener, c) for c in CALLS] == [expected] * len(CALLS)


async def test_a_primary_that_dies_is_replaced(cluster: Cluster) -> None:
    """Whoever reads goes on without a hole or is told; then all is as it was."""
    async with _working(cluster) as (kept, listener):
        teller = Teller(kept)
        await _rounds(teller, 0, 5)
        await listener.until(lambda: _all_at(listener, 5))
        async with running(_rounds(teller, 5, 15)):
            cluster.owner(kept.keys[0].outbox).kill()
            await listener.until(lambda: _all_at(listener, 15), 20)
        for call in CALLS:
            if partition_of("call", call, PARTITIONS) not in listener.lost:
                assert _versions(listener, call) == list(range(1, 16))


async def test_what_the_replica_never_got_is_told(cluster: Cluster) -> None:
    """Its readers lose their place, and its sources are asked for everything."""
    async with _working(cluster) as (kept, listener):
        key = kept.keys[0].outbox
        here = [c for c in CALLS if partition_of("call", c, PARTITIONS) == 0]
        teller = Teller(kept)
        await _rounds(teller, 0, 4)
        await listener.until(lambda: _all_at(listener, 4))
        with cluster.replica(key).paused():
            cluster.owner(key).run("CLIENT", "KILL", "TYPE", "REPLICA")
            await _rounds(teller, 4, 6)
            await listener.until(lambda: _all_at(listener, 6))
            cluster.owner(key).kill()
        ask = Resync(source=teller.key, token=1)
        async with running(_until_asked(teller, here[0], listener, ask)):
            await listener.until(lambda: 0 in listener.lost, 20)
            await listener.until(lambda: ask in _asked(listener), 20)
        shown = [observation(call, "stopped") for call in CALLS]
        await teller.tell(*shown, Checkpoint(calls=tuple(CALLS), process=""))
        await listener.until(
            lambda: all(listener.states(c)[-1:] == ["stopped"] for c in CALLS)
        )


def _asked(listener: Listener) -> list[object]:
    return [ask for ask in listener.asked if isinstance(ask, Resync)]


async def _until_asked(
    teller: Teller, call: str, listener: Listener, ask: Resync
) -> None:
    """Go on telling."""
    number = 0
    while ask not in _asked(listener):
        number += 1
        await teller.tell(observation(call, STATES[number % 2]))
