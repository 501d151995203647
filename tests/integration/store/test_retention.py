"""Trimming: by age and by size, and never what a keeper has not handled."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.ingest.scripted import call_key, observation
from tests.integration.servers import Server
from tests.integration.store.kept import (
    Kept,
    Teller,
    listening,
    opened,
    running,
)
from tracker.domain.call import Tomb
from tracker.keep import keeper as keeping
from tracker.store.codec import parse_entries
from tracker.store.retention import TOMBS_FOR_MS, Limits

COUNT = 1000


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    async with opened(server.url) as kept:
        yield kept


async def _fill(kept: Kept, key: str, ago_ms: int = 0) -> list[str]:
    """Entries, the last of them written *ago_ms* ago."""
    now_ms = await kept.redis.time_ms(key)
    ids = [f"{now_ms - ago_ms - COUNT + number}-0" for number in range(COUNT)]
    payload = "x" * 100
    await kept.redis.pipeline(key, [("XADD", key, id_, "f", payload) for id_ in ids])
    return ids


async def _ids(kept: Kept, key: str) -> list[str]:
    answer = await kept.redis.call(key, "XRANGE", key, "-", "+")
    return [raw.id for raw in parse_entries(answer)]


async def test_what_is_old_goes(kept: Kept) -> None:
    """From both streams; the entry of the offset stays, as the keeper's proof."""
    keys = kept.keys[0]
    inputs = await _fill(kept, keys.inbox, ago_ms=60_000)
    await _fill(kept, keys.outbox, ago_ms=60_000)
    young = await _fill(kept, keys.outbox)
    limits = Limits(inbox_s=30, outbox_s=30)
    await kept.retention(limits=limits).trim(inputs[-1])
    assert (await _ids(kept, keys.inbox))[-1] == inputs[-1]
    assert len(await _ids(kept, keys.inbox)) < COUNT / 5
    left = await _ids(kept, keys.outbox)
    assert left[-COUNT:] == young
    assert len(left) < COUNT * 6 / 5


@pytest.mark.parametrize("limits", [Limits(inbox_s=0), Limits(inbox_bytes=1000)])
async def test_what_was_not_handled_stays(kept: Kept, limits: Limits) -> None:
    """However old it is and however much of it there is."""
    inputs = await _fill(kept, kept.keys[0].inbox, ago_ms=3_600_000)
    offset = inputs[COUNT // 2]
    await kept.retention(limits=limits).trim(offset)
    left = await _ids(kept, kept.keys[0].inbox)
    assert left[-COUNT // 2 :] == inputs[-COUNT // 2 :]
    assert offset in left
    assert len(left) < COUNT * 7 / 10


async def test_young_evidence_stays(kept: Kept) -> None:
    """What was handled is kept for its time."""
    inputs = await _fill(kept, kept.keys[0].inbox)
    await kept.retention().trim(inputs[-1])
    assert await _ids(kept, kept.keys[0].inbox) == inputs


async def test_bytes_are_bounded(kept: Kept) -> None:
    """The newest of the outbox stay."""
    key = kept.keys[0].outbox
    ids = await _fill(kept, key)
    used = await kept.redis.call(key, "MEMORY", "USAGE", key)
    await kept.retention(limits=Limits(outbox_bytes=used // 2)).trim("0-0")
    left = await _ids(kept, key)
    assert left == ids[-len(left) :]
    assert COUNT * 0.4 < len(left) < COUNT * 0.7


async def test_old_tombs_are_forgotten(kept: Kept) -> None:
    """A version that nobody can have seen any more needs not rise."""
    keys, now_ms = kept.keys[0], await kept.redis.time_ms()
    for name, ended_ms in (("old", now_ms - TOMBS_FOR_MS - 1000), ("young", now_ms)):
        await kept.redis.call(keys.tombs, "HSET", keys.tombs, name, 5)
        await kept.redis.call(keys.tombs, "ZADD", keys.tomb_ages, ended_ms, name)
    await kept.retention().trim("0-0")
    assert await kept.ledger().tombs(["old", "young"]) == {
        "old": Tomb(),
        "young": Tomb(5),
    }
    assert await kept.redis.call(keys.tombs, "ZCARD", keys.tomb_ages) == 1


async def test_an_empty_partition_is_trimmed_in_peace(kept: Kept) -> None:
    """Nothing there, nothing to do."""
    await kept.retention().trim("0-0")


async def test_a_running_keeper_tidies_up(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to what it has committed, and goes on keeping."""
    monkeypatch.setattr(keeping, "TIDY_S", 0.05)
    key = kept.keys[0].inbox
    old = await _fill(kept, key, ago_ms=7_200_000)
    async with listening(kept) as listener, running(kept.run()):
        call, teller = call_key("c1"), Teller(kept)
        await teller.tell(observation(call))
        await listener.until(lambda: bool(listener.states(call)))
        async with asyncio.timeout(5):
            while len(set(old) & set(await _ids(kept, key))) > COUNT / 5:
                await kept.redis.time_ms()
        await teller.tell(observation(call, "paused"))
        await listener.until(lambda: "paused" in listener.states(call))
