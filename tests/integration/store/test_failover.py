"""A server that dies, hangs, comes back, or comes back empty."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.ingest.scripted import call_key, observation
from tests.integration.servers import Server, redis7, valkey
from tests.integration.store.kept import (
    Kept,
    Listener,
    Teller,
    listening,
    opened,
    running,
)
from tracker.domain.entry import Resync
from tracker.domain.key import partition_of
from tracker.domain.reading import Checkpoint
from tracker.domain.terms import RecordingState
from tracker.store.redis import ConnectionSettings

PARTITIONS = 4
CALLS = [call_key(f"c{number}") for number in range(8)]
IMPATIENT = ConnectionSettings(connect_timeout_s=0.5, call_timeout_s=0.5)
DURABLE = ("--appendonly", "yes", "--appendfsync")


@pytest.fixture(params=["valkey", "redis7"])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server that acknowledges nothing that it has not written to disk."""
    kind = {"valkey": valkey, "redis7": redis7}[request.param]
    with kind(tmp_path / "server", *DURABLE, "always") as server:
        yield server


@asynccontextmanager
async def _working(server: Server) -> AsyncIterator[tuple[Kept, Listener]]:
    """A process that keeps every partition, and a reader."""
    async with (
        opened(server.url, PARTITIONS, lease_s=2.0, settings=IMPATIENT) as kept,
        listening(kept) as listener,
        running(kept.role("p1").run()),
    ):
        yield kept, listener


async def _rounds(teller: Teller, begin: int, end: int) -> None:
    """Every call changes once in each round."""
    states: tuple[RecordingState, ...] = ("recording", "paused")
    for number in range(begin, end):
        await teller.tell(*(observation(call, states[number % 2]) for call in CALLS))


def _versions(listener: Listener, call: str) -> list[int]:
    return [header.version for header in listener.headers(call)]


async def _all_at(listener: Listener, version: int) -> None:
    """Every call has come so far, one version after the other."""
    expected = list(range(1, version + 1))
    wait = lambda: all(_versions(listener, c)[-1:] == expected[-1:] for c in CALLS)  # noqa: E731
    await listener.until(wait)
    assert [_versions(listener, call) for call in CALLS] == [expected] * len(CALLS)


async def test_nothing_acknowledged_is_lost_by_a_crash(durable: Server) -> None:
    """Commits and inputs; keepers, tails and producers come back by themselves."""
    async with _working(durable) as (kept, listener):
        teller = Teller(kept)
        await _rounds(teller, 0, 20)
        durable.kill()
        async with running(_rounds(teller, 20, 40)):
            durable.start()
            await _all_at(listener, 40)
        assert not listener.lost


async def test_what_was_synced_survives_a_crash(tmp_path: Path) -> None:
    """With the default, everything up to the last second's sync."""
    with valkey(tmp_path, *DURABLE, "everysec") as server:
        async with _working(server) as (kept, listener):
            teller = Teller(kept)
            await _rounds(teller, 0, 20)
            await _all_at(listener, 20)
            synced = [("SET", "probe", 1), ("WAITAOF", 1, 0, 3000)]
            assert (await kept.redis.pipeline("probe", synced))[1] == [1, 0]
            server.kill()
            server.start()
            await _rounds(teller, 20, 30)
            await _all_at(listener, 30)


async def test_a_server_that_hangs_loses_nothing(tmp_path: Path) -> None:
    """What was sent and not answered is sent again, and counts once."""
    with valkey(tmp_path) as server:
        async with _working(server) as (kept, listener):
            teller = Teller(kept)
            await _rounds(teller, 0, 5)
            async with running(_rounds(teller, 5, 25)):
                with server.paused(), pytest.raises(TimeoutError):
                    await listener.until(lambda: False, within_s=1.2)
                await _all_at(listener, 25)
        assert not listener.lost


@pytest.mark.parametrize("loss", ["flushed", "restarted"])
async def test_a_lost_store_is_begun_anew(tmp_path: Path, loss: str) -> None:
    """A new epoch; readers are told, keepers adopt it, and everything goes on."""
    with valkey(tmp_path) as server:
        async with _working(server) as (kept, listener):
            before = kept.epoch
            await _rounds(Teller(kept, token=1), 0, 5)
            await _all_at(listener, 5)
            if loss == "flushed":
                server.run("FLUSHALL")
            else:
                server.kill()
                server.start()
            await listener.until(lambda: sorted(listener.lost) == [0, 1, 2, 3])
            assert kept.outbox.epoch != before
            facts = kept.outbox.epoch, kept.partitions
            assert await kept.registry.look(None) == facts
            listener.entries.clear()
            again = Teller(kept, token=2)
            await again.tell(Checkpoint(process="p1"))
            await _rounds(again, 0, 5)
            await _all_at(listener, 5)
            epochs = {(await kept.ledger(n).meta()).epoch for n in range(PARTITIONS)}
            assert epochs == {kept.outbox.epoch}


async def test_what_a_store_forgot_is_unknown_until_it_is_read_again(
    tmp_path: Path,
) -> None:
    """It comes back as it was a while ago, and nothing else tells."""
    with valkey(tmp_path) as server:
        async with _working(server) as (kept, listener):
            teller = Teller(kept)
            await teller.tell(Checkpoint(process="p1"))
            await _rounds(teller, 0, 1)
            await _all_at(listener, 1)
            server.run("SAVE")
            await _rounds(teller, 1, 2)
            await _all_at(listener, 2)
            server.kill()
            server.start()
            partitions = {partition_of("call", call, PARTITIONS) for call in CALLS}
            await listener.until(
                lambda: {listener.states(call)[-1] for call in CALLS} == {"unknown"}
            )
            ask = Resync(source=teller.key, token=1)
            await listener.until(lambda: ask in listener.asked)
            metas = [await kept.ledger(number).meta() for number in partitions]
            assert all("lost" in meta.fields for meta in metas)


async def test_a_source_that_missed_the_loss_is_asked_again(tmp_path: Path) -> None:
    """Its next input is a hole in a story that the new store never heard."""
    with valkey(tmp_path) as server:
        async with _working(server) as (kept, listener):
            teller = Teller(kept, token=1)
            await _rounds(teller, 0, 5)
            await _all_at(listener, 5)
            server.run("FLUSHALL")
            await listener.until(lambda: sorted(listener.lost) == [0, 1, 2, 3])
            await teller.tell(observation(CALLS[0], "paused"))
            ask = Resync(source=teller.key, token=1)
            await listener.until(lambda: ask in listener.asked)
