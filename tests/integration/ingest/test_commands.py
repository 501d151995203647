"""Commands, from the request in the inbox to their proof, by their source's owner."""

import asyncio
from datetime import timedelta

import pytest
from msgspec import convert

from tests.integration.ingest.conftest import PARTITIONS
from tests.integration.ingest.ingesting import Ingesting
from tests.integration.ingest.scripted import (
    ScriptedAccount,
    ScriptedSource,
    call_key,
)
from tests.integration.servers import Server, until
from tests.integration.store.kept import Kept, Listener, listening, opened, running
from tracker.domain.command import Request, Sent
from tracker.domain.entry import Order, Reply
from tracker.domain.key import partition_of
from tracker.domain.terms import Action, Stage
from tracker.domain.watch import Watch
from tracker.errors import (
    CommandRefusedError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.ingest import pursuit
from tracker.store.requests import Requests

CALL = call_key("c1")


@pytest.fixture
async def requests(kept: Kept) -> Requests:
    return Requests(kept.redis, kept.keys)


@pytest.fixture
async def recorded(
    ingesting: Ingesting, listener: Listener, source: ScriptedSource
) -> ScriptedSource:
    """A call that is being recorded."""
    source.show(CALL)
    await listener.until(lambda: listener.states(CALL) == ["recording"])
    return source


async def ask(
    requests: Requests, action: Action = "pause", id_: str = "c1", **more: object
) -> None:
    fields: dict[str, object] = {"requested_by": "jdoe", "deadline_s": 1.0}
    not_after = await requests.now(CALL) + timedelta(seconds=10)
    fields |= {"id": id_, "call": CALL, "action": action, "not_after": not_after}
    await requests.put(convert(fields | more, Request))


def stages(listener: Listener) -> list[str]:
    facts = listener.facts(CALL)
    return [fact.removeprefix("command.") for fact in facts if "command." in fact]


async def until_stage(listener: Listener, stage: Stage) -> None:
    await listener.until(lambda: stage in stages(listener))


async def test_a_command_is_asked_once_and_proved_by_a_notification(
    recorded: ScriptedSource, listener: Listener, requests: Requests
) -> None:
    """Its stages are told in order, and it is kept with its proof."""
    recorded.on_ask = lambda _: recorded.show(CALL, "paused")
    await ask(requests)
    await until_stage(listener, "confirmed")
    assert stages(listener) == ["requested", "accepted", "confirmed"]
    assert recorded.asked == [(CALL, "pause")]
    kept = await requests.command(CALL, "c1")
    assert kept is not None
    assert (kept.command.stage, kept.view.agents) == ("confirmed", ("jdoe",))


async def test_without_a_notification_the_source_looks(
    recorded: ScriptedSource, listener: Listener, requests: Requests
) -> None:
    """A read begun after the answer proves it."""
    paused = recorded.calls[CALL].but(recording="paused")
    recorded.on_ask = lambda _: recorded.calls.update({CALL: paused})
    await ask(requests)
    await until_stage(listener, "confirmed")
    assert recorded.looked
    assert recorded.asked == [(CALL, "pause")]


async def test_the_last_look_shows_that_nothing_changed(
    recorded: ScriptedSource, listener: Listener, requests: Requests
) -> None:
    """What the deadline's read shows is what it came to."""
    await ask(requests, deadline_s=0.3)
    await until_stage(listener, "contradicted")
    assert stages(listener) == ["requested", "accepted", "contradicted"]


@pytest.mark.parametrize(
    "error", [CommandRefusedError("not on a call"), ProviderLockedError("login")]
)
async def test_a_refusal_is_told_with_its_reason(
    recorded: ScriptedSource,
    listener: Listener,
    requests: Requests,
    error: Exception,
) -> None:
    """In the provider's words."""
    recorded.answers["pause"] = error
    await ask(requests)
    await until_stage(listener, "refused")
    kept = await requests.command(CALL, "c1")
    assert kept is not None
    assert kept.command.problem == str(error)


async def test_a_source_that_needs_a_person_refuses_at_once(
    recorded: ScriptedSource, listener: Listener, requests: Requests
) -> None:
    """With what is wrong with it; the provider is not asked."""
    recorded.fail(ProviderLockedError("HTTP 401 after a renewal"))
    await listener.until(lambda: listener.states(CALL)[-1] == "unknown")
    await ask(requests)
    await until_stage(listener, "refused")
    kept = await requests.command(CALL, "c1")
    assert kept is not None
    assert kept.command.problem == "HTTP 401 after a renewal"
    assert recorded.asked == []


async def test_what_may_have_been_taken_is_never_asked_again(
    recorded: ScriptedSource, listener: Listener, requests: Requests
) -> None:
    """It is looked for, and the old state at the deadline is no proof of anything."""
    recorded.answers["pause"] = ProviderUnavailableError("no answer in time")
    await ask(requests, deadline_s=0.5)
    await until_stage(listener, "unconfirmed")
    assert recorded.asked == [(CALL, "pause")]
    assert stages(listener) == ["requested", "unconfirmed"]


async def test_what_was_taken_though_the_answer_was_lost_is_confirmed(
    recorded: ScriptedSource, listener: Listener, requests: Requests
) -> None:
    """By what is seen after it was sent."""
    recorded.answers["pause"] = ProviderUnavailableError("no answer in time")
    recorded.on_ask = lambda _: recorded.show(CALL, "paused")
    await ask(requests)
    await until_stage(listener, "confirmed")
    assert stages(listener) == ["requested", "confirmed"]


async def test_what_was_not_taken_is_asked_again(
    recorded: ScriptedSource,
    listener: Listener,
    requests: Requests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a while; nobody is told of it as of a new request."""
    monkeypatch.setattr(pursuit, "backoff_s", lambda *_: 0.0)
    recorded.answers["pause"] = ProviderUnavailableError("HTTP 429", taken=False)
    await ask(requests)
    await until(lambda: len(recorded.asked) >= 3)
    recorded.answers.clear()
    recorded.on_ask = lambda _: recorded.show(CALL, "paused")
    await until_stage(listener, "confirmed")
    assert stages(listener) == ["requested", "accepted", "confirmed"]


async def test_a_second_command_meets_the_open_one(
    recorded: ScriptedSource, listener: Listener, requests: Requests
) -> None:
    """Only who asked for it is told, and by which."""
    await ask(requests)
    await until_stage(listener, "accepted")
    await ask(requests, "stop", "c2")
    await listener.until(lambda: any("c2" in str(t.header) for t in listener.entries))
    told = [t.header for t in listener.entries if "c2" in str(t.header)]
    replies = [one for one in told if isinstance(one, Reply)]
    assert [(r.to, r.command, r.problem) for r in replies] == [
        ("c2", "c1", "command_open")
    ]
    assert recorded.asked == [(CALL, "pause")]


async def test_a_new_owner_looks_at_what_was_sent_and_sends_the_rest(
    kept: Kept, listener: Listener, account: ScriptedAccount, source: ScriptedSource
) -> None:
    """Whatever the one before it may have done."""
    requests = Requests(kept.redis, kept.keys)
    calls = [CALL, call_key("c2")]
    async with running(kept.role("k").run()):
        first = Ingesting(kept, "p1", account)
        async with running(first.run()):
            for call in calls:
                source.show(call)
            await listener.until(
                lambda: all(listener.states(c) == ["recording"] for c in calls)
            )
        for call, id_ in zip(calls, ("c1", "c2"), strict=True):
            await ask(requests, id_=id_, call=call, deadline_s=10.0)
        (token,) = first.tokens[source.key]
        sent = Sent(
            call=CALL, command="c1", source=source.key, token=token, attempt="x"
        )
        partition = partition_of("call", CALL, PARTITIONS)
        await kept.inboxes[partition].append([sent])
        await listener.until(
            lambda: any(
                isinstance(ask, Order) and ask.command and ask.command.stage == "sent"
                for ask in listener.asked
            )
        )
        source.on_ask = lambda _: source.show(calls[1], "paused")
        async with running(Ingesting(kept, "p2", account).run()):
            await listener.until(
                lambda: "command.confirmed" in listener.facts(calls[1])
            )
            source.show(CALL, "paused")
            await asyncio.wait_for(_confirmed_or_not(listener), 15)
    assert source.asked == [(calls[1], "pause")]


async def _confirmed_or_not(listener: Listener) -> None:
    await listener.until(
        lambda: {"confirmed", "unconfirmed"} & {*stages(listener)} != set(), 15
    )


async def test_a_watched_call_is_followed_by_the_poller_also_after_a_restart(
    kept: Kept, listener: Listener, account: ScriptedAccount, source: ScriptedSource
) -> None:
    """A source that cannot list its calls is told of them before it begins."""
    source.lists_calls = False
    requests = Requests(kept.redis, kept.keys)
    async with running(kept.role("k").run()):
        async with running(Ingesting(kept, "p1", account).run()):
            await until(lambda: source.begun == 1)
            watch = Watch(id="w1", call=call_key("w"), requested_by="crm")
            await requests.put(watch)
            await until(lambda: source.followed == [call_key("w")])
            source.show(CALL)
            await listener.until(lambda: listener.states(CALL) == ["recording"])
        source.followed.clear()
        async with running(Ingesting(kept, "p2", account).run()):
            await until(lambda: source.begun == 2)
            assert {*source.followed} == {CALL, call_key("w")}
    assert [watch.id for watch in await requests.watches()] == ["w1"]


async def test_a_lost_store_leaves_nothing_to_pursue(
    valkey_server: Server,
    kept: Kept,
    account: ScriptedAccount,
    source: ScriptedSource,
) -> None:
    """What was open in it is open no more."""
    requests = Requests(kept.redis, kept.keys)
    ingesting = Ingesting(kept, "p1", account)
    async with (
        running(kept.role("p1").run(), ingesting.run()),
        listening(kept) as listener,
    ):
        source.show(CALL)
        await listener.until(lambda: listener.states(CALL) == ["recording"])
        await ask(requests, deadline_s=60.0)
        await until_stage(listener, "accepted")
        looked = len(source.looked)
        await until(lambda: len(source.looked) > looked)
        valkey_server.run("FLUSHALL")
        await listener.until(lambda: len(listener.lost) == PARTITIONS)
        source.show(CALL, "stopped")
        await listener.until(lambda: listener.states(CALL)[-1:] == ["stopped"])
        await until(lambda: not ingesting.executor.open_commands)
    async with opened(valkey_server.url, PARTITIONS) as anew:
        assert await Requests(anew.redis, anew.keys).command(CALL, "c1") is None
