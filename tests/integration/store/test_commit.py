"""The one commit: all of a batch or nothing of it, once."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.cluster import Cluster
from tests.integration.proxy import tcp_proxy
from tests.integration.servers import Server
from tests.integration.store.connected import HASTY
from tests.integration.store.kept import Kept, everything, flush, opened
from tracker.errors import LeaseLostError, StoreError, StoreUnavailableError
from tracker.store import functions as releases
from tracker.store.codec import SCHEMA
from tracker.store.functions import Functions
from tracker.store.keys import KEEP_LEASE
from tracker.store.ledger import Batch, Ledger


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    async with opened(server.url) as kept:
        await kept.ledger().adopt(kept.epoch, SCHEMA)
        yield kept


def _batch(
    kept: Kept, expected: str = "0-0", offset: str = "5-0", number: int = 0
) -> Batch:
    keys = kept.keys[number]
    operations = [
        ("HSET", keys.calls, "c1", "{}", "c2", "{}"),
        ("RPUSH", keys.timeline("c1"), "i1", "i2"),
        ("PEXPIRE", keys.timeline("c1"), 1_000_000),
        ("ZADD", keys.tomb_ages, 5, "c3"),
        ("HDEL", keys.calls, "c2"),
        ("XADD", keys.outbox, "*", "header", "{}", "n", 1),
    ]
    return Batch(expected, offset, f"batch-{offset}", list(operations))


async def test_a_batch_is_written_whole(kept: Kept) -> None:
    """Every operation, and the offset; the answer is the last outbox entry's id."""
    lease = await kept.lease()
    last = await kept.ledger().commit(_batch(kept), kept.epoch, lease)
    keys, redis = kept.keys[0], kept.redis
    assert await redis.call(keys.calls, "HGETALL", keys.calls) == [b"c1", b"{}"]
    assert await kept.ledger().timelines(["c1", "c2"]) == [[b"i1", b"i2"], []]
    assert await kept.outbox.end(0) == last
    assert (await kept.ledger().meta()).offset == "5-0"


async def test_a_repetition_after_a_lost_answer_is_found_done(server: Server) -> None:
    """The answer of the first one never comes; it was applied, and only once."""
    async with (
        tcp_proxy(server.port) as proxy,
        opened(proxy.url, settings=HASTY) as kept,
    ):
        await kept.ledger().adopt(kept.epoch, SCHEMA)
        lease, batch = await kept.lease(), _batch(kept)
        proxy.spoil("lose", b"tracker_commit")
        with pytest.raises(StoreUnavailableError):
            await kept.ledger().commit(batch, kept.epoch, lease)
        before = await everything(kept.redis)
        assert await kept.ledger().commit(batch, kept.epoch, lease) == ""
        assert await everything(kept.redis) == before
        assert server.run("XLEN", kept.keys[0].outbox) == 1


@pytest.mark.parametrize("wrong", ["epoch", "token", "holder", "offset", "batch"])
async def test_what_does_not_match_changes_nothing(kept: Kept, wrong: str) -> None:
    """The newer keeper, store or commit has the say; ours loads everything anew."""
    lease, epoch = await kept.lease(), kept.epoch
    first = _batch(kept)
    await kept.ledger().commit(first, kept.epoch, lease)
    batch = _batch(kept, "5-0", "6-0")
    if wrong == "epoch":
        epoch = "another"
    elif wrong == "token":
        lease = lease._replace(token=lease.token + 1)
    elif wrong == "holder":
        lease = lease._replace(holder="p2")
    elif wrong == "offset":
        batch = _batch(kept, "4-0", "6-0")
    else:
        batch = Batch(first.expected, first.offset, "another", first.operations)
    before = await everything(kept.redis)
    with pytest.raises(LeaseLostError):
        await kept.ledger().commit(batch, epoch, lease)
    assert await everything(kept.redis) == before


async def test_an_operation_that_is_not_allowed_stops_all(kept: Kept) -> None:
    """Also those before it: a function that fails half-way is not rolled back."""
    lease, batch = await kept.lease(), _batch(kept)
    batch.operations.append(("DEL", kept.keys[0].calls))
    before = await everything(kept.redis)
    with pytest.raises(StoreError, match="not allowed: DEL"):
        await kept.ledger().commit(batch, kept.epoch, lease)
    assert await everything(kept.redis) == before


async def test_a_commit_prolongs_the_lease(server: Server) -> None:
    """Nobody else gets it as long as its keeper commits."""
    async with opened(server.url, lease_s=0.5) as kept:
        await kept.ledger().adopt(kept.epoch, SCHEMA)
        lease, loose = await kept.lease(), kept.ledger()
        long = Ledger(kept.redis, kept.functions, kept.keys[0], 60.0)
        await loose.commit(_batch(kept), kept.epoch, lease)
        await long.commit(_batch(kept, "5-0", "6-0"), kept.epoch, lease)
        value = server.run("HGET", kept.keys[0].leases, KEEP_LEASE)
        until_ms = int(value.split("|")[1])
        assert until_ms > await kept.redis.time_ms() + 50_000


async def test_two_releases_work_side_by_side(kept: Kept) -> None:
    """Each loads its own library, and takes over from the other."""
    newer = Functions(kept.redis, source=releases._SOURCE + "\n-- a newer release")
    older = kept.ledger()
    new = Ledger(kept.redis, newer, kept.keys[0], kept.lease_s)
    lease = await kept.lease()
    await older.commit(_batch(kept), kept.epoch, lease)
    await new.commit(_batch(kept, "5-0", "6-0"), kept.epoch, lease)
    await older.commit(_batch(kept, "6-0", "7-0"), kept.epoch, lease)
    listed = await kept.redis.call("", "FUNCTION", "LIST")
    assert len(listed) == 2


async def test_lost_functions_are_loaded_again(server: Server, kept: Kept) -> None:
    """Whoever flushed them, the next call finds out and goes on."""
    lease = await kept.lease()
    server.run("FUNCTION", "FLUSH")
    await kept.ledger().commit(_batch(kept), kept.epoch, lease)
    assert (await kept.ledger().meta()).offset == "5-0"


async def test_every_partition_of_a_cluster_commits(cluster: Cluster) -> None:
    """All that a commit touches lies in one slot, wherever that is."""
    flush(cluster)
    async with opened(cluster.url, partitions=16) as kept:
        for number in range(16):
            ledger = kept.ledger(number)
            await ledger.adopt(kept.epoch, SCHEMA)
            lease = await kept.lease("p1", number)
            await ledger.commit(_batch(kept, number=number), kept.epoch, lease)
            assert (await ledger.meta()).offset == "5-0"
