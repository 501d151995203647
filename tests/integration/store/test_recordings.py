"""What is remembered of stored recordings, over restarts and for how long."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.integration.ingest.scripted import call_key, observation
from tests.integration.servers import Server
from tests.integration.store.kept import (
    Kept,
    Listener,
    Teller,
    listening,
    opened,
    running,
)
from tests.unit.domain.stored import export, recording
from tracker.domain.reading import Exported, Polled, Saved
from tracker.store.keys import KEEP_LEASE
from tracker.store.retention import MEDIA_FOR_MS

CALL = call_key("c1")
MEDIA = recording("r1").but(call_key=CALL)


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    async with opened(server.url) as kept:
        yield kept


@pytest.fixture
async def listener(kept: Kept) -> AsyncIterator[Listener]:
    async with listening(kept) as listener:
        yield listener


async def test_a_new_keeper_remembers_what_was_told(
    kept: Kept, listener: Listener
) -> None:
    """The recording, the link that waits for its call, the export, the full read."""
    teller, waited = Teller(kept), export()
    async with running(kept.run("p1")):
        await teller.tell(Saved(media=MEDIA), Polled(age_s=60))
        await teller.tell(Exported(export=waited, asked=True))
        await listener.until(lambda: bool(listener.facts(waited.key)))
    await kept.leases("p1")[0].release([KEEP_LEASE])
    assert await kept.asks.exports("kazoo/acme") == [waited]
    polled_at = await kept.asks.polled(teller.key)
    now = await kept.ledger().now()
    assert polled_at is not None
    assert timedelta(seconds=59) < now - polled_at < timedelta(seconds=90)
    async with running(kept.run("p2")):
        await teller.tell(Saved(media=MEDIA), observation(CALL, "recording"))
        await teller.tell(Exported(export=waited), Saved(media=MEDIA, gone=True))
        await teller.tell(Exported(export=export("completed")))
        await listener.until(lambda: len(listener.facts(waited.key)) == 2)
    assert listener.facts(MEDIA.key) == ["media.available", "media.deleted"]
    assert listener.facts(waited.key) == ["export.progressed", "export.completed"]
    assert [shown["media"] for shown in listener.snapshots(CALL)] == [[MEDIA.key], []]
    assert await kept.asks.exports("kazoo/acme") == []
    assert (await kept.outbox.past(CALL)).media == ()


async def test_links_outlive_their_call_for_a_while(
    kept: Kept, listener: Listener
) -> None:
    """As long as its timeline does."""
    async with running(kept.run()):
        await Teller(kept).tell(Saved(media=MEDIA))
        await listener.until(lambda: bool(listener.facts(MEDIA.key)))
    assert (await kept.outbox.past(CALL)).media == (MEDIA.key,)
    name = kept.keys[0].links(CALL)
    ttl_ms = await kept.redis.call(name, "PTTL", name)
    assert timedelta(days=6) < timedelta(milliseconds=ttl_ms) <= timedelta(days=7)


async def test_recordings_of_long_ago_are_forgotten(kept: Kept) -> None:
    """No poller reads back so far."""
    keys, now_ms = kept.keys[0], await kept.redis.time_ms()
    known = '{"version":1,"audio":"ready"}'
    for name, told_ms in (("old", now_ms - MEDIA_FOR_MS - 1000), ("young", now_ms)):
        await kept.redis.call(keys.media, "HSET", keys.media, name, known)
        await kept.redis.call(keys.media, "ZADD", keys.media_ages, told_ms, name)
    await kept.retention().trim("0-0")
    assert list(await kept.ledger().media(["old", "young"])) == ["young"]
