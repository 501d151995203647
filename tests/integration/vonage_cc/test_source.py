"""What the poller shows, and when."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.contract.observer import Observer, observing
from tests.integration.rates import peak_per_s
from tests.integration.vonage_cc.site import shown, site
from tracker.domain.reading import Checkpoint
from tracker.errors import ConfigError
from tracker.providers.vonage_cc import budget, rota
from tracker.providers.vonage_cc import settings as module
from tracker.simulators.vonage_cc import VonageCcOptions

LATER_S = 0.3
"""Some six polls."""


def _begins(observer: Observer, key: str, told: list[str]) -> bool:
    return observer.states(key)[: len(told)] == told


async def test_an_agents_call_is_found_and_followed_until_it_ends() -> None:
    """The agent's own pause is seen, and what comes after the agent has left."""
    async with site() as at:
        call, key = at.begin_call()
        async with at.observed() as observer:
            assert observer.checkpoints[0].calls == (key,)
            first = shown(observer, key)[0]
            assert (first.agent, first.recording) == ("10", "recording")
            at.simulator.pause(call)
            await observer.until(lambda: observer.states(key)[-1] == "paused")
            at.simulator.transfer_out(call)
            count = len(shown(observer, key))
            await observer.until(lambda: len(shown(observer, key)) > count + 2)
            assert shown(observer, key)[-1].agent == "10"
            at.simulator.end(call)
            await observer.until(lambda: shown(observer, key)[-1].state == "ended")
            reads = len(observer.checkpoints)
            await observer.until(lambda: len(observer.checkpoints) > reads + 1)
            assert observer.checkpoints[-1].calls == ()


async def test_an_agents_previous_call_is_not_shown() -> None:
    """And asked for only once."""
    async with site() as at:
        call, key = at.begin_call()
        at.simulator.end(call)
        async with at.observed() as observer:
            await asyncio.sleep(LATER_S)
            assert shown(observer, key) == []
        assert at.asked("GET", call.guid) == 1


async def test_a_call_that_is_gone_has_ended() -> None:
    """A 404 after a 200; it is shown with what was known of it."""
    async with site() as at:
        call, key = at.begin_call()
        async with at.observed() as observer:
            at.simulator.forget(call)
            await observer.until(lambda: shown(observer, key)[-1].state == "ended")
            last = shown(observer, key)[-1]
            assert (last.agent, last.recording) == ("10", None)


async def test_a_call_that_was_never_there_is_shown_as_ended() -> None:
    """To whom it may concern, before and during an observation."""
    async with site(agents=[]) as at:
        before, during = at.key("nobody"), at.key("somebody")
        at.source.follow(before)
        async with at.observed() as observer:
            assert [o.state for o in shown(observer, before)] == ["ended"]
            at.source.follow(during)
            await observer.until(lambda: shown(observer, during))
            assert [o.state for o in shown(observer, during)] == ["ended"]
        assert at.asked("GET", "/calls/") == 2


async def test_followed_calls_stay_between_observations() -> None:
    """Whoever had told of them."""
    async with site(agents=[]) as at:
        _, key = at.begin_call()
        at.source.follow(key)
        for _ in range(2):
            async with at.observed() as observer:
                assert observer.checkpoints[0].calls == (key,)


async def test_nothing_to_read_is_still_an_answer() -> None:
    """The source is seen, and its rounds go on."""
    async with site(agents=[]) as at, at.observed() as observer:
        first = at.source.answered_at_s
        await observer.until(lambda: len(observer.checkpoints) > 2)
        assert first is not None
        assert (at.source.answered_at_s or 0) > first
        assert at.asked("GET", "/agents/") >= 3


async def test_a_look_shows_the_call_at_once() -> None:
    """Not only when it is due."""
    async with site(poll_interval_s=600, agents_interval_s=600) as at:
        call, key = at.begin_call()
        async with at.observed() as observer:
            at.simulator.pause(call)
            began_at_s = asyncio.get_running_loop().time()
            at.source.look(key)
            at.source.look(key)
            await observer.until(lambda: observer.states(key)[-1] == "paused")
            passed_s = asyncio.get_running_loop().time() - began_at_s
            assert shown(observer, key)[-1].age_s <= passed_s
            assert at.asked("GET", call.guid) == 2


async def test_a_confirming_look_began_after_the_command() -> None:
    """The claim's age goes back to the beginning of its read."""
    async with site(poll_interval_s=600, agents_interval_s=600) as at:
        call, key = at.begin_call()
        async with at.observed() as observer:
            at.simulator.next_delay(call, 0.0)
            await at.command(call, "pause")
            await at.simulator.until(lambda: call.recording == "Paused")
            at.source.look(key)
            await observer.until(lambda: observer.states(key)[-1] == "paused")


async def test_a_resync_reads_everything_again() -> None:
    """In a round of its own."""
    async with site(poll_interval_s=600, agents_interval_s=600) as at:
        call, key = at.begin_call()
        async with at.observed() as observer:
            at.simulator.pause(call)
            at.source.resync()
            await observer.until(lambda: len(observer.checkpoints) == 2)
            assert observer.states(key) == ["recording", "paused"]
            assert isinstance(observer.readings[-1], Checkpoint)


async def test_a_failed_read_is_repeated_in_its_round() -> None:
    """It does not end the observation."""
    async with site() as at:
        call, key = at.begin_call()
        at.fail(500, f"*{call.guid}", count=1)
        async with at.observed() as observer:
            assert observer.checkpoints[0].calls == (key,)
            assert observer.failures == []


async def test_one_call_that_always_fails_slows_nothing_else_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only its first failure may be everybody's."""
    pauses: list[int] = []

    def backoff_s(failures: int, _luck: float) -> float:
        pauses.append(failures)
        return 0.05

    monkeypatch.setattr(budget, "backoff_s", backoff_s)
    monkeypatch.setattr(rota, "backoff_s", lambda *_, **__: 0.2)
    async with site() as at:
        _, good = at.begin_call()
        at.fail(500, "*odd")
        at.source.follow(at.key("odd"))
        async with at.observed() as observer:
            await at.simulator.until(lambda: at.asked("GET", "odd") >= 8)
            assert observer.failures == []
            assert observer.states(good) == ["recording"]
    assert len(pauses) < 4


async def test_a_platform_that_never_answers_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a few failures in a row the framework has to back off."""
    monkeypatch.setattr(budget, "backoff_s", lambda _failures, _luck: 0.05)
    async with site() as at:
        at.begin_call()
        at.fail(500, "/v0/*")
        async with observing(at.source) as observer:
            await observer.until(lambda: observer.failures)
            assert "HTTP 500" in str(observer.failures[0])
            at.simulator.faults.clear()
            await observer.until(lambda: observer.checkpoints)


async def test_a_wrong_secret_locks_the_source() -> None:
    """Nothing is asked any more."""
    async with site(client_secret="wrongword") as at:  # noqa: S106
        async with at.observed() as observer:
            assert observer.locked
        assert at.asked("GET", "") == 0


async def test_what_the_budget_is_too_small_for_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is unknown, said once, until it is read again."""
    monkeypatch.setattr(module, "SHORTEST_OVERDUE_S", 0.2)
    monkeypatch.setattr(budget, "WINDOW_S", 0.1)
    told = ["recording", "unknown", "recording", "unknown"]
    async with site(agents=[], poll_interval_s=0.02, requests_per_s=3) as at:
        keys = [at.begin_call()[1] for _ in range(10)]
        for key in keys:
            at.source.follow(key)
        async with observing(at.source) as observer:
            for key in keys:
                await observer.until(partial(_begins, observer, key, told))
                unknown = [o for o in shown(observer, key) if o.recording == "unknown"]
                assert len(unknown) == observer.states(key).count("unknown")
                assert all(one.unseen for one in unknown)
                assert all(o.agent == "10" and o.age_s > 0.19 for o in unknown)


async def test_a_429_slows_everything() -> None:
    """Nothing is asked until it has passed."""
    async with site() as at:
        at.begin_call()
        async with at.observed():
            at.fail(429, count=1, retry_after_s=1)
            asked = len(at.simulator.requests)
            await at.simulator.until(lambda: len(at.simulator.requests) > asked + 9)
            refused, *later = at.simulator.requests[asked:]
            early = [request for request in later if request.at_s < refused.at_s + 0.95]
            assert len(early) <= 2  # on their way when it came


async def test_the_budget_is_never_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By polling, commands, looks and tokens together; nothing is asked beside it."""
    begun: list[float] = []
    begin = budget.Ledger.begin

    def noted(ledger: budget.Ledger, now_s: float) -> None:
        begun.append(now_s)
        begin(ledger, now_s)

    monkeypatch.setattr(budget.Ledger, "begin", noted)
    options = VonageCcOptions(agents=1, delay_s=0.01)
    async with site(options, requests_per_s=10) as at:
        call, key = at.begin_call()

        def reads() -> int:
            asked = at.simulator.requests
            return sum(r.method == "GET" and r.status == 200 for r in asked)

        async with at.observed():
            for _ in range(2):
                await at.command(call, "pause")
                at.source.look(key)
                before = reads()  # a token that is refused when new locks the source
                await at.simulator.until(lambda: reads() > before)  # noqa: B023 at once
                at.simulator.expire_tokens()
            await at.simulator.until(lambda: len(at.simulator.requests) >= 30)
        arrived = [request.at_s for request in at.simulator.requests]
        assert peak_per_s(begun, late_s=0) <= 10
        assert len(arrived) <= len(begun)
        assert peak_per_s(arrived) <= 10


async def test_a_command_finds_a_place_while_all_is_polled() -> None:
    """At once, though more is to be read than the budget allows."""
    options = VonageCcOptions(agents=20)
    agents = [{"id": str(number)} for number in range(10, 30)]
    async with site(options, requests_per_s=10, agents=agents) as at:
        call, _ = at.begin_call()
        async with observing(at.source):
            await at.simulator.until(lambda: at.asked("GET", "") >= 7)
            async with asyncio.timeout(0.5):
                async with at.source.commanding(datetime.now(UTC)) as ask:
                    await ask(call.guid, "pause", {})


async def test_agents_are_read_again_when_their_file_changes(tmp_path: Path) -> None:
    """The source stays the same one; a broken file changes nothing."""
    file = tmp_path / "agents.csv"
    file.write_text("id\n10\n")
    async with site(agents=[], agents_file=file) as at:
        call = at.simulator.begin_call("11", "15551234567")
        source, key = at.source, at.key(call.guid)
        async with at.observed() as observer:
            file.write_text("id,team\n11,sales\n")
            assert at.source is source
            await observer.until(lambda: shown(observer, key))
            assert shown(observer, key)[0].team == "sales"
            file.write_text("id,team,what\n")
            with pytest.raises(ConfigError, match="column 'what'"):
                at.account.sources()
            count = len(shown(observer, key))
            await observer.until(lambda: len(shown(observer, key)) > count)
