"""Leases: one holder at a time, and a token that only ever rises."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.servers import Server
from tests.integration.store.kept import Kept, opened
from tracker.store.leases import Lease, Leases


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    async with opened(server.url) as kept:
        yield kept


def _leases(kept: Kept, holder: str, ttl_s: float = 10.0) -> Leases:
    return Leases(kept.functions, kept.keys[0], holder, ttl_s)


async def test_one_process_holds_it(kept: Kept) -> None:
    """Others get nothing; the holder renews it, and its token stays."""
    ours, theirs = _leases(kept, "p1"), _leases(kept, "p2")
    first = await ours.take(["a", "b"])
    assert set(first) == {"a", "b"}
    assert set(await theirs.take(["a", "b", "c"])) == {"c"}
    assert await ours.take(["a", "b", "c"]) == first


async def test_what_was_given_back_is_free_at_once(kept: Kept) -> None:
    """With a higher token, also for the one who gave it back."""
    ours, theirs = _leases(kept, "p1"), _leases(kept, "p2")
    first = (await ours.take(["a"]))["a"]
    await theirs.release(["a"])
    assert not await theirs.take(["a"])
    await ours.release(["a"])
    second = (await theirs.take(["a"]))["a"]
    await theirs.release(["a"])
    third = (await ours.take(["a"]))["a"]
    assert first.token < second.token < third.token


async def test_what_is_not_renewed_runs_out(kept: Kept) -> None:
    """Then whoever asks has it, with a higher token; the old holder has it not."""
    ours, theirs = _leases(kept, "p1", ttl_s=0.05), _leases(kept, "p2")
    first = (await ours.take(["a"]))["a"]
    held: dict[str, Lease] = {}
    for _ in range(200):
        held = held or await theirs.take(["a"])
        await asyncio.sleep(0 if held else 0.01)
    assert held["a"].token > first.token
    assert not await ours.take(["a"])


async def test_tokens_rise_over_a_lost_store(server: Server, kept: Kept) -> None:
    """What an owner from before the loss appends is older than any new token."""
    ours = _leases(kept, "p1")
    first = (await ours.take(["a"]))["a"]
    server.run("FLUSHALL")
    assert (await ours.take(["a"]))["a"].token > first.token


async def test_nothing_is_asked_for_nothing(kept: Kept) -> None:
    """No names, no leases."""
    assert await _leases(kept, "p1").take([]) == {}
    await _leases(kept, "p1").release([])
