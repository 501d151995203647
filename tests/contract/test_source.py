"""What the framework relies on, held against every provider there is."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.contract.observer import Observer, key_of, observing, state_of
from tests.contract.rigs import RIGS, Rig
from tracker.domain.reading import Observation
from tracker.domain.terms import PLATFORMS
from tracker.providers.base import Source
from tracker.providers.registry import PROVIDERS

CANCELLED_S = 1.0
QUIET_S = 1.5


def test_every_provider_has_a_rig() -> None:
    """A new one is held to this suite too."""
    assert RIGS.keys() == PROVIDERS.keys()


LIVE = [name for name in PROVIDERS if PLATFORMS[name].actions]
"""Those with live calls; the others tell of stored recordings only."""


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def rig(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rig]:
    async with RIGS[provider](tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
async def source(provider: str, rig: Rig) -> AsyncIterator[Source]:
    async with PROVIDERS[provider](rig.settings) as account:
        yield account.sources()[rig.source]


@pytest.fixture
async def observer(rig: Rig, source: Source) -> AsyncIterator[Observer]:
    """On a call that was being recorded before anybody looked."""
    rig.begin()
    async with observing(source) as running:
        await running.until_complete()
        await rig.until_quiet()
        yield running


@pytest.fixture(autouse=True)
def _no_secret_is_logged(rig: Rig, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        yield
    for secret in rig.secrets:
        assert secret not in caplog.text
        assert secret not in str(logs)


def test_what_it_says_of_itself_is_what_the_domain_says(
    provider: str, source: Source
) -> None:
    """Outlets and executors decide by the same fact: must calls be asked for?"""
    assert source.lists_calls == PLATFORMS[provider].lists_calls


async def test_a_full_read_comes_first(rig: Rig, observer: Observer) -> None:
    """What there was is shown, marked as found by looking, and then completed."""
    first = next(r for r in observer.readings if key_of(r) == rig.key)
    assert observer.readings.index(first) < observer.readings.index(
        observer.checkpoints[0]
    )
    assert state_of(first) == rig.states[0]
    assert not isinstance(first, Observation) or first.exact is False


async def test_changes_follow(rig: Rig, observer: Observer) -> None:
    """In their order; and the source says when it was answered last."""
    rig.change()
    await observer.until(lambda: observer.states(rig.key) == list(rig.states[:2]))
    rig.change_again()
    await observer.until(lambda: observer.states(rig.key) == list(rig.states))
    now_s = asyncio.get_running_loop().time()
    assert observer.source.answered_at_s is not None
    assert now_s - observer.source.answered_at_s < observer.source.overdue_after_s


@pytest.mark.parametrize("provider", LIVE)
async def test_quick_changes_follow(rig: Rig, observer: Observer) -> None:
    """Two of a live call, one upon the other."""
    rig.change()
    rig.change_again()
    await observer.until(lambda: observer.states(rig.key) == list(rig.states))


@pytest.mark.parametrize("trouble", ["cut", "hang", "throttle", "garble"])
async def test_trouble_passes(rig: Rig, observer: Observer, trouble: str) -> None:
    """What changes meanwhile is shown afterwards, and everything is read again."""
    reads = len(observer.checkpoints)
    befall: Callable[[], None] = getattr(rig, trouble)
    befall()
    rig.change()
    await observer.until(lambda: observer.states(rig.key)[-1] == rig.states[1])
    await observer.until(lambda: len(observer.checkpoints) > reads)
    rig.change_again()
    await observer.until(lambda: observer.states(rig.key)[-1] == rig.states[2])
    assert observer.locked is None


async def test_a_repetition_claims_nothing_new(rig: Rig, observer: Observer) -> None:
    """The same state again, of the same leg."""
    count = len(observer.readings)
    rig.say_again()
    await observer.until(lambda: len(observer.readings) > count)
    assert observer.states(rig.key) == [rig.states[0]]


async def test_what_was_lost_is_found_by_a_resync(rig: Rig, observer: Observer) -> None:
    """A keeper that finds a gap asks for it; what no read shows stays unknown."""
    reads = len(observer.checkpoints)
    rig.lose_next()
    rig.change()
    observer.source.resync()
    await observer.until(lambda: len(observer.checkpoints) > reads)
    found = rig.states[1 if rig.reads_states else 0]
    await observer.until(lambda: observer.states(rig.key)[-1] == found)


@pytest.mark.parametrize("provider", LIVE)
async def test_a_state_nobody_knows_is_unknown(rig: Rig, observer: Observer) -> None:
    """Never the nearest one."""
    rig.say_nonsense()
    await observer.until(lambda: observer.states(rig.key)[-1] == "unknown")


async def test_refused_credentials_need_a_person(rig: Rig, observer: Observer) -> None:
    """It says so, and asks no more."""
    rig.refuse()
    await observer.until(lambda: observer.locked)
    count = rig.requests
    await asyncio.sleep(QUIET_S)
    assert rig.requests == count


@pytest.mark.parametrize("hangs", [False, True])
async def test_it_ends_at_once_and_leaves_nothing(
    rig: Rig, source: Source, *, hangs: bool
) -> None:
    """Cancelled while it waits for news, or for an answer that never comes."""
    before = clients()
    async with observing(source) as observer:
        await observer.until_complete()
        if hangs:
            rig.hang()
            await rig.until_asked(rig.requests + 1)
        began_s = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began_s < CANCELLED_S
    assert clients() == before


async def test_another_owner_begins_anew(rig: Rig, source: Source) -> None:
    """What was said after the first one had stopped listening is not said as news."""
    rig.begin()
    async with observing(source) as first:
        await first.until_complete()
    rig.change()
    rig.change_again()
    async with observing(source) as second:
        await second.until_complete()
        rig.say_again()
        count = len(second.readings)
        await second.until(lambda: len(second.readings) > count)
    shown = second.states(rig.key) or first.states(rig.key)  # unless nothing is new
    assert shown == [rig.states[2 if rig.reads_states else 0]]


def clients() -> set[asyncio.Task[object]]:
    """All tasks but the simulator's own, which end when they notice."""
    tasks = asyncio.all_tasks()
    return {task for task in tasks if "RequestHandler" not in repr(task.get_coro())}
