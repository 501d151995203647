"""Sources that are listed, lost, refused, overdue, or told to an absent store."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ingest.ingesting import Ingesting
from tests.integration.ingest.scripted import (
    ScriptedAccount,
    ScriptedSource,
    call_key,
    source_key,
)
from tests.integration.servers import Server, until, valkey
from tests.integration.store.kept import Kept, Listener, listening, opened, running
from tracker.domain.reading import Alive
from tracker.domain.terms import RecordingState
from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.ingest import pulse as beating
from tracker.ingest import supervisor as owning
from tracker.keep import partition as folding
from tracker.store.codec import Input
from tracker.store.inbox import Inbox
from tracker.store.redis import ConnectionSettings

PARTITIONS = 4
CALL = call_key("c1")
IMPATIENT = ConnectionSettings(connect_timeout_s=0.5, call_timeout_s=0.5)
STATES: tuple[RecordingState, ...] = ("recording", "paused")


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owning, "EVERY_S", 0.1)
    monkeypatch.setattr(beating, "EVERY_S", 0.2)


@pytest.fixture
async def kept(valkey_server: Server) -> AsyncIterator[Kept]:
    valkey_server.run("FLUSHALL")
    async with opened(valkey_server.url, PARTITIONS) as kept:
        yield kept


@pytest.fixture
async def listener(kept: Kept) -> AsyncIterator[Listener]:
    async with listening(kept.outbox) as listener:
        yield listener


@pytest.fixture
def source() -> ScriptedSource:
    return ScriptedSource(source_key("jdoe"))


@pytest.fixture
def account(source: ScriptedSource) -> ScriptedAccount:
    return ScriptedAccount("genesys/acme", source)


@pytest.fixture
async def ingesting(kept: Kept, account: ScriptedAccount) -> AsyncIterator[Ingesting]:
    """With all partitions kept."""
    ingesting = Ingesting(kept, "p1", account)
    async with running(kept.role("p1").run(), ingesting.run()):
        yield ingesting


def _health(listener: Listener, key: str) -> list[str]:
    """What was told of a source, of late last."""
    return [fact.rpartition(".")[2] for fact in listener.facts(key)]


def _is_gone(listener: Listener, key: str) -> bool:
    return any(header.after is None for header in listener.headers(key))


def _snapshots(listener: Listener, key: str) -> list[dict[str, Any]]:
    headers = listener.headers(key)
    found = [t.snapshot for t in listener.entries if t.header in headers and t.snapshot]
    return [json.loads(raw) for raw in found]


@pytest.mark.usefixtures("ingesting")
async def test_what_a_source_shows_is_known(
    listener: Listener, source: ScriptedSource
) -> None:
    """From its first read on; and that it is up, and its account with it."""
    source.show(CALL)
    await listener.until(lambda: "recording" in listener.states(CALL))
    source.show(CALL, "paused")
    await listener.until(lambda: "paused" in listener.states(CALL))
    await listener.until(lambda: _health(listener, source.key) == ["up"])
    await listener.until(lambda: _health(listener, "genesys/acme") == ["up"])


class LossyInbox(Inbox):
    """Acknowledges, and forgets, the next inputs of sources."""

    lost = 0

    async def append(self, inputs: Sequence[Input]) -> str:
        if self.lost and inputs[0].kind == "told":
            self.lost -= 1
            return "0-0"
        return await super().append(inputs)


async def test_a_hole_is_seen_and_filled(
    kept: Kept, listener: Listener, account: ScriptedAccount, source: ScriptedSource
) -> None:
    """Its calls are unknown from then on, until the source has read everything."""
    lossy = [LossyInbox(kept.redis, keys) for keys in kept.keys]
    kept.inboxes[:] = lossy
    ingesting = Ingesting(kept, "p1", account)
    async with running(kept.role("p1").run(), ingesting.run()):
        source.show(CALL)
        await listener.until(lambda: "recording" in listener.states(CALL))
        for inbox in lossy:
            inbox.lost = 1
        source.show(CALL, "paused")
        source.show(CALL, "stopped")
        await listener.until(lambda: listener.states(CALL)[-1:] == ["stopped"])
        await listener.until(lambda: source.resyncs == 1)
    assert listener.states(CALL) == ["recording", "unknown", "stopped"]


async def test_sources_come_and_go(
    listener: Listener,
    ingesting: Ingesting,
    account: ScriptedAccount,
    source: ScriptedSource,
) -> None:
    """Added ones are observed; of removed ones nothing is said to be known."""
    other = ScriptedSource(source_key("asmith"))
    source.show(CALL)
    await listener.until(lambda: "recording" in listener.states(CALL))
    account.listed = {s.key: s for s in (source, other)}
    other.show(call_key("c2"))
    await listener.until(lambda: "recording" in listener.states(call_key("c2")))
    account.listed = {other.key: other}
    await listener.until(lambda: listener.states(CALL)[-1:] == ["unknown"])
    await listener.until(lambda: _is_gone(listener, source.key))
    assert source.ended == source.begun == 1
    assert other.ended == 0
    assert [r.source for r in ingesting.supervisor.runners] == [other]


async def test_changed_settings_make_a_source_begin_anew(
    listener: Listener, ingesting: Ingesting, account: ScriptedAccount, source: Any
) -> None:
    """Under a token of its own: its numbers begin at 1 again."""
    source.show(CALL)
    await listener.until(lambda: "recording" in listener.states(CALL))
    changed = ScriptedSource(source.key)
    account.listed = {changed.key: changed}
    changed.show(CALL, "paused")
    await listener.until(lambda: "paused" in listener.states(CALL))
    first, second = ingesting.tokens[source.key]
    assert first < second
    assert source.ended == 1


async def test_an_unreadable_list_changes_nothing(
    listener: Listener, ingesting: Ingesting, account: ScriptedAccount, source: Any
) -> None:
    """The sources of the last good one stay; it is said once."""
    source.show(CALL)
    await listener.until(lambda: "recording" in listener.states(CALL))
    account.listed = None
    source.show(CALL, "paused")
    await listener.until(lambda: "paused" in listener.states(CALL))
    account.listed = {source.key: source}
    assert ingesting.tokens.keys() == {source.key}
    assert source.begun == 1


@pytest.mark.usefixtures("ingesting")
async def test_a_refused_login_is_told_and_not_tried_again(
    listener: Listener, source: ScriptedSource
) -> None:
    """Its calls are unknown; a person is needed."""
    source.show(CALL)
    await listener.until(lambda: "recording" in listener.states(CALL))
    source.fail(ProviderLockedError("401 after a renewal"))
    await listener.until(lambda: _health(listener, source.key)[-1:] == ["locked"])
    await listener.until(lambda: listener.states(CALL)[-1:] == ["unknown"])
    assert _snapshots(listener, source.key)[-1]["last_error"] == "401 after a renewal"
    assert source.begun == 1


@pytest.mark.usefixtures("ingesting")
async def test_an_overdue_source_is_blind_since_its_last_answer(
    listener: Listener, source: ScriptedSource
) -> None:
    """Until it has read everything again after a late answer."""
    source.show(CALL)
    source.show(call_key("c2"))
    await listener.until(lambda: "recording" in listener.states(call_key("c2")))
    source.overdue_after_s = 0.5
    await listener.until(lambda: listener.states(CALL)[-1:] == ["unknown"])
    unknown = _snapshots(listener, CALL)[-1]
    since = datetime.fromisoformat(unknown["recording"]["since"])
    recorded_at = listener.headers(CALL)[-1].recorded_at
    assert 0.5 <= (recorded_at - since).total_seconds() < 2
    source.overdue_after_s = 10
    source.show(call_key("c2"), "paused")
    await listener.until(lambda: listener.states(CALL)[-1:] == ["recording"])
    assert source.resyncs == 1


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
    partition = next(t.partition for t in listener.entries if t.snapshot)
    since = _snapshots(listener, CALL)[-1]["recording"]["since"]
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
            listening(kept.outbox) as listener,
        ):
            ingesting = Ingesting(kept, "p1", account)
            async with running(kept.role("p1").run(), ingesting.run()):
                source.show(CALL)
                await listener.until(lambda: "recording" in listener.states(CALL))
                server.kill()
                for number in range(1, 20):
                    source.show(CALL, STATES[number % 2])
                await asyncio.sleep(1.0)
                server.start()
                source.show(CALL, "stopped")
                await listener.until(lambda: listener.states(CALL)[-1:] == ["stopped"])
                assert len(ingesting.tokens[source.key]) == owners
    if owners == 1:
        assert listener.states(CALL) == [*STATES * 10, "stopped"]
    versions = [header.version for header in listener.headers(CALL)]
    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.usefixtures("ingesting")
async def test_a_failing_source_goes_on_by_itself(
    listener: Listener, source: ScriptedSource
) -> None:
    """From a full read on: what has ended meanwhile is over."""
    source.show(CALL)
    source.show(call_key("c2"))
    await listener.until(lambda: "recording" in listener.states(call_key("c2")))
    del source.calls[CALL]
    source.fail(ProviderUnavailableError("cut"))
    await listener.until(lambda: "call.ended" in listener.facts(CALL))
    assert listener.states(call_key("c2")) == ["recording"]


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
