"""Sources that are listed, unlisted, changed, refused, overdue, or fail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.integration.ingest.ingesting import Ingesting
from tests.integration.ingest.scripted import (
    ScriptedAccount,
    ScriptedSource,
    call_key,
    source_key,
)
from tests.integration.store.kept import Kept, Listener, running
from tests.unit.outlets.shelf import Shelf
from tracker.domain.archive import MediaQuery
from tracker.domain.key import partition_of
from tracker.domain.reading import Exported, Told
from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.keep.partition import JUST_READ_S
from tracker.providers import exports
from tracker.providers.recordings import RecordingsSource
from tracker.providers.settings import RecordingsSettings
from tracker.store.codec import Input
from tracker.store.inbox import Inbox

CALL = call_key("c1")


def _health(listener: Listener, key: str) -> list[str]:
    """What was told of a source, of late last."""
    return [fact.rpartition(".")[2] for fact in listener.facts(key)]


def _is_gone(listener: Listener, key: str) -> bool:
    return any(header.after is None for header in listener.headers(key))


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
        if self.lost and isinstance(inputs[0], Told):
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


async def test_what_was_removed_while_nobody_ran_is_retired(
    kept: Kept, listener: Listener, account: ScriptedAccount, source: ScriptedSource
) -> None:
    """But not while its account cannot be read, nor what somebody else observes."""
    held, gone = ScriptedSource("kazoo/acme/held"), ScriptedSource("kazoo/acme/gone")
    other = ScriptedAccount("kazoo/acme", held, gone)
    source.show(CALL)
    async with running(kept.role("p1").run()):
        async with running(Ingesting(kept, "p1", account, other).run()):
            await listener.until(lambda: "recording" in listener.states(CALL))
            await listener.until(lambda: bool(_health(listener, held.key)))
            await listener.until(lambda: bool(_health(listener, gone.key)))
        account.listed, other.listed = None, {}
        home = partition_of("source", held.key, kept.partitions)
        elsewhere = kept.leases("p2")[home]
        assert await elsewhere.take([held.key])
        async with running(Ingesting(kept, "p3", account, other).run()):
            await listener.until(lambda: _is_gone(listener, gone.key))
            assert not _is_gone(listener, held.key)
            assert not _is_gone(listener, source.key)
            await elsewhere.release([held.key])
            await listener.until(lambda: _is_gone(listener, held.key))
            assert not _is_gone(listener, source.key)
            account.listed = {}
            await listener.until(lambda: _is_gone(listener, source.key))
            await listener.until(lambda: listener.states(CALL)[-1:] == ["unknown"])


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
    """The sources of the last good one stay; what is wrong is said once."""
    source.show(CALL)
    await listener.until(lambda: "recording" in listener.states(CALL))
    account.listed = None
    with capture_logs() as logs:
        for account.wrong in ("line 3", "line 4"):
            await account.until_asked(2)
    said = [one["error"] for one in logs if one["event"] == "agents_unreadable"]
    assert [why.partition(" of")[0] for why in said] == ["line 3", "line 4"]
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
    assert listener.snapshots(source.key)[-1]["last_error"] == "401 after a renewal"
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
    unknown = listener.snapshots(CALL)[-1]
    since = datetime.fromisoformat(unknown["recording"]["since"])
    recorded_at = listener.headers(CALL)[-1].recorded_at
    assert 0.5 <= (recorded_at - since).total_seconds() < 2 + JUST_READ_S
    source.overdue_after_s = 10
    source.show(call_key("c2"), "paused")
    await listener.until(lambda: listener.states(CALL)[-1:] == ["recording"])
    assert source.resyncs == 1


async def test_an_export_that_was_forgotten_while_nobody_looked_has_expired(
    kept: Kept, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform no longer knows it; what it was, the store does."""
    monkeypatch.setattr(exports, "SHOWN_WITHIN_S", 0.0)
    shelf = Shelf("acme")
    export = await shelf.export(MediaQuery())
    shelf.jobs.clear()
    source = RecordingsSource(shelf, RecordingsSettings(account="acme"))
    ingesting = Ingesting(kept, "p1", ScriptedAccount(shelf.key, source))
    async with running(kept.role("p1").run()):
        inbox = kept.inboxes[partition_of("export", export.key, kept.partitions)]
        await inbox.append([Exported(export=export, asked=True)])
        await listener.until(lambda: bool(listener.facts(export.key)))
        async with running(ingesting.run()):
            await listener.until(lambda: len(listener.facts(export.key)) == 2)
    assert listener.facts(export.key) == ["export.progressed", "export.failed"]
    assert listener.snapshots(export.key)[-1]["state"] == "expired"
    assert await kept.asks.exports(shelf.key) == []


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
