"""A process that falls silent, a keeper that is late, a store that is away or lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.ingest.conftest import PARTITIONS
from tests.integration.ingest.ingesting import Ingesting
from tests.integration.ingest.scripted import (
    ScriptedAccount,
    ScriptedSource,
    call_key,
    source_key,
)
from tests.integration.servers import Server, until, valkey
from tests.integration.store.kept import Kept, Listener, listening, opened, running
from tests.integration.webhooks.rig import until as until_so
from tracker.domain.key import partition_of
from tracker.domain.reading import Alive
from tracker.domain.terms import RecordingState
from tracker.errors import StoreError
from tracker.ingest import pulse as beating
from tracker.keep import partition as folding
from tracker.store.redis import ConnectionSettings

CALL = call_key("c1")
IMPATIENT = ConnectionSettings(connect_timeout_s=0.5, call_timeout_s=0.5)
STATES: tuple[RecordingState, ...] = ("recording", "paused")


async def test_a_silent_process_s_sources_are_blind_since_its_last_sign(
    kept: Kept,
    listener: Listener,
    account: ScriptedAccount,
    source: ScriptedSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other processes' keepers find out; it is asked to read anew, if it lives."""
    monkeypatch.setattr(folding, "ALIVE_FOR_S", 1.0)
    ingesting = Ingesting(kept, "p1", account)
    async with running(kept.role("p2").run()):
        async with running(ingesting.run()):
            source.show(CALL)
            await listener.until(lambda: "recording" in listener.states(CALL))
        await listener.until(lambda: listener.states(CALL)[-1:] == ["unknown"])
    partition = partition_of("call", CALL, PARTITIONS)
    since = listener.snapshots(CALL)[-1]["recording"]["since"]
    signs = [
        entry.at_ms
        for entry in await kept.inboxes[partition].read("-", "+", 1000)
        for told in entry.inputs
        if isinstance(told, Alive)
    ]
    last_at = datetime.fromtimestamp(max(signs) / 1000, UTC)
    assert abs((datetime.fromisoformat(since) - last_at).total_seconds()) < 0.3


async def test_a_keeper_far_behind_makes_sources_wait(
    kept: Kept,
    listener: Listener,
    account: ScriptedAccount,
    source: ScriptedSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing more is read or acknowledged until it has caught up."""
    monkeypatch.setattr(beating, "BEHIND_MS", 300)
    ingesting = Ingesting(kept, "p1", account)
    async with running(ingesting.run()):
        async with running(kept.role("p2").run()):
            source.show(CALL)
            await listener.until(lambda: "recording" in listener.states(CALL))
        async with asyncio.timeout(5):
            while source.waiting < 10:
                source.show(CALL, STATES[source.waiting % 2])
                await asyncio.sleep(0.05)
        taken = source.taken
        with pytest.raises(TimeoutError):
            await listener.until(lambda: False, within_s=0.3)
        assert source.taken == taken
        async with running(kept.role("p3").run()):
            source.show(CALL, "stopped")
            await listener.until(lambda: listener.states(CALL)[-1:] == ["stopped"])
    versions = [header.version for header in listener.headers(CALL)]
    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize(("lease_s", "owners"), [(30.0, 1), (0.5, 2)])
async def test_what_was_told_while_the_store_was_away_is_not_lost(
    tmp_path: Path, source: ScriptedSource, lease_s: float, owners: int
) -> None:
    """It comes in order when the store is back, also under a new lease."""
    durable = ("--appendonly", "yes", "--appendfsync", "always")
    account = ScriptedAccount("genesys/acme", source)
    with valkey(tmp_path, *durable) as server:
        async with (
            opened(server.url, PARTITIONS, lease_s, IMPATIENT) as kept,
            listening(kept) as listener,
        ):
            ingesting = Ingesting(kept, "p1", account)
            async with running(kept.role("p1").run(), ingesting.run()):
                source.show(CALL)
                await listener.until(lambda: "recording" in listener.states(CALL))
                server.kill()
                for number in range(1, 20):
                    source.show(CALL, STATES[number % 2])
                await asyncio.sleep(1.0)  # longer than the shorter of the leases
                server.start()
                source.show(CALL, "stopped")
                await listener.until(lambda: listener.states(CALL)[-1:] == ["stopped"])
                assert len(ingesting.tokens[source.key]) == owners
    if owners == 1:
        assert listener.states(CALL) == [*STATES * 10, "stopped"]
    versions = [header.version for header in listener.headers(CALL)]
    assert versions == list(range(1, len(versions) + 1))


async def test_a_lost_store_hears_everything_again(
    valkey_server: Server,
    kept: Kept,
    listener: Listener,
    account: ScriptedAccount,
    source: ScriptedSource,
) -> None:
    """Sources begin anew, with tokens that are higher than those before the loss."""
    kept.lease_s = 1.0
    ingesting = Ingesting(kept, "p1", account)
    async with running(kept.role("p1").run(), ingesting.run()):
        source.show(CALL)
        await listener.until(lambda: "recording" in listener.states(CALL))
        every = {*range(PARTITIONS)}
        await listener.until(lambda: {t.partition for t in listener.entries} == every)
        valkey_server.run("FLUSHALL")
        await listener.until(lambda: {*listener.lost} == every)
        await until(lambda: len(ingesting.tokens[source.key]) == 2)
        source.show(CALL, "paused")
        await listener.until(lambda: listener.states(CALL)[-1:] == ["paused"])
    first, second = ingesting.tokens[source.key]
    assert first < second


def go_back(server: Server) -> None:
    """To what was saved last."""
    server.kill()
    server.start()


def lose_a_shard(server: Server) -> None:
    """All partitions but the one that the account's sources lie in."""
    home = partition_of("source", source_key("jdoe"), PARTITIONS)
    for number in {*range(PARTITIONS)} - {home}:
        server.run("DEL", *server.run("KEYS", f"*{{p{number}}}*"))


@pytest.mark.parametrize("loss", [go_back, lose_a_shard])
async def test_what_a_store_forgot_is_told_again(
    tmp_path: Path,
    account: ScriptedAccount,
    source: ScriptedSource,
    loss: Callable[[Server], None],
) -> None:
    """Most calls began since it was saved, and nothing happens there any more."""
    calls = [call_key(f"c{number}") for number in range(8)]
    with valkey(tmp_path) as server:
        async with (
            opened(server.url, PARTITIONS, 10.0, IMPATIENT) as kept,
            listening(kept) as listener,
            running(kept.role("p1").run(), Ingesting(kept, "p1", account).run()),
        ):
            source.show(calls[0])
            await listener.until(lambda: "recording" in listener.states(calls[0]))
            server.run("SAVE")
            source.show(calls[0], "paused")
            for call in calls[1:]:
                source.show(call)
            await listener.until(lambda: listener.states(calls[0])[-1] == "paused")
            await listener.until(lambda: all(map(listener.states, calls)))
            loss(server)

            wanted = dict.fromkeys(calls, "recording") | {calls[0]: "paused"}

            async def are_kept() -> bool:
                shown: dict[str, str] = {}
                with suppress(StoreError):
                    for number in range(PARTITIONS):
                        async for call in kept.ledger(number).calls():
                            shown[call.key] = call.recording.state
                return shown == wanted

            await until_so(are_kept)
