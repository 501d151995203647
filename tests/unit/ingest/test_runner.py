"""One source: observed, backed off, locked, found overdue."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext

import pytest
from structlog.testing import capture_logs

from tests.integration.ingest.scripted import (
    ScriptedSource,
    call_key,
    observation,
    source_key,
)
from tracker.domain.reading import (
    Checkpoint,
    Observation,
    Overdue,
    SourceReport,
    Told,
    Unread,
    Unreadable,
)
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.ingest import runner as running
from tracker.ingest.runner import Runner
from tracker.ingest.story import Story
from tracker.ingest.writer import Writer
from tracker.store.codec import Input

PARTITIONS = 4
TOKEN = 7
SOURCE = source_key("jdoe")
CALL = call_key("c1")
UNREADABLE = Unreadable(what="notification", shape="{}")


class KeptWriter(Writer):
    """Keeps what was told.

    Attributes:
        gate: Nothing is stored while it is closed.
        told: Everything but the repeats of a checkpoint in other partitions.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.partitions: list[set[int]] = []
        self.told: asyncio.Queue[Told] = asyncio.Queue()

    async def append(self, told: Mapping[int, Sequence[Input]]) -> None:
        await self.gate.wait()
        self.partitions.append(set(told))
        kept: list[Told] = []
        for inputs in told.values():
            for one in inputs:
                assert isinstance(one, Told)
                if not kept or not isinstance(one.reading, Checkpoint):
                    kept.append(one)
        for one in kept:
            self.told.put_nowait(one)

    async def next(self) -> object:
        async with asyncio.timeout(2):
            return (await self.told.get()).reading


class Rig:
    """A runner over a scripted source.

    Attributes:
        unreadable: Whose messages could not be read.
        locked: Why nothing more is to be asked of the source.
    """

    def __init__(self) -> None:
        self.source = ScriptedSource(SOURCE)
        self.writer = KeptWriter()
        self.unreadable: list[str] = []
        self.locked: asyncio.Queue[str] = asyncio.Queue()
        self.runner = Runner(
            self.source,
            Story(SOURCE, TOKEN, "p1", PARTITIONS),
            TOKEN,
            self.writer,
            lambda source, _: self.unreadable.append(source),
            lambda source, token: nullcontext(self.locked.put_nowait),
        )
        self.task = asyncio.create_task(self.runner.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(running, "backoff_s", lambda failures, luck: 0.0)
    rig = Rig()
    yield rig
    await rig.stop()


def _is_checkpoint(reading: object) -> bool:
    return isinstance(reading, Checkpoint)


async def test_the_next_turn_is_asked_for_when_the_last_is_stored(rig: Rig) -> None:
    """Only then may it be acknowledged to the provider."""
    assert _is_checkpoint(await rig.writer.next())
    rig.writer.gate.clear()
    rig.source.tell([observation(CALL)])
    rig.source.tell([observation(CALL, "paused")])
    for _ in range(10):
        await asyncio.sleep(0)
    assert rig.source.taken == 1
    rig.writer.gate.set()
    told = [await rig.writer.next(), await rig.writer.next()]
    assert told == [observation(CALL), observation(CALL, "paused")]


async def test_it_is_unread_until_all_of_it_was_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What fails later was read before."""
    monkeypatch.setattr(running, "backoff_s", lambda failures, luck: 0.0)
    rig = Rig()
    rig.writer.gate.clear()
    await asyncio.sleep(0)
    unread = rig.runner.unread
    assert unread == Unread(SOURCE, TOKEN)
    rig.writer.gate.set()
    assert _is_checkpoint(await rig.writer.next())
    rig.source.fail(ProviderUnavailableError("502"))
    assert _is_checkpoint(await rig.writer.next())
    assert rig.runner.unread is None
    await rig.stop()


@pytest.mark.parametrize("error", [ProviderUnavailableError("502"), ValueError("bug")])
async def test_it_is_observed_again_after_a_failure(rig: Rig, error: Exception) -> None:
    """From a full resync on, and whatever the failure was."""
    await rig.writer.next()
    rig.source.fail(error)
    assert _is_checkpoint(await rig.writer.next())
    assert (rig.source.begun, rig.source.ended) == (2, 1)


async def test_an_observation_that_ends_is_a_failure(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is begun again after a back-off, longer each time unless it lasted."""
    failures: list[int] = []

    def backoff_s(count: int, _: float) -> float:
        failures.append(count)
        return 0.0

    monkeypatch.setattr(running, "backoff_s", backoff_s)
    await rig.writer.next()
    for _ in range(2):
        rig.source.end()
        assert _is_checkpoint(await rig.writer.next())
    assert failures == [1, 2]
    monkeypatch.setattr(running, "STEADY_S", -1.0)
    rig.source.end()
    assert _is_checkpoint(await rig.writer.next())
    assert failures == [1, 2, 1]


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailableError("no route to host"),
        NotFoundError("acme: channels: there is no such thing"),
        CommandRefusedError("acme: recordings: invalid"),
    ],
)
async def test_what_never_answered_is_down_with_a_reason(
    rig: Rig, error: Exception
) -> None:
    """It is said once, not at every attempt; a success makes the next one new."""
    rig.source.answered_at_s = None
    await rig.writer.next()
    with capture_logs() as logs:
        for _ in range(2):
            rig.source.answered_at_s = None
            rig.source.fail(error)
            expected = SourceReport(state="down", error=str(error))
            assert await rig.writer.next() == expected
            assert _is_checkpoint(await rig.writer.next())
    assert {one["event"] for one in logs} == {"source_failing", "source_back"}


async def test_a_bug_is_logged_once(rig: Rig) -> None:
    """With its traceback, until it is another one."""
    await rig.writer.next()
    with capture_logs() as logs:
        for words in ("one", "one", "another"):
            rig.source.fail(ValueError(words))
            assert _is_checkpoint(await rig.writer.next())
    assert [one["event"] for one in logs].count("source_broken") == 2


async def test_refused_credentials_stop_it(rig: Rig) -> None:
    """A person is needed; the server is not asked again."""
    await rig.writer.next()
    rig.source.fail(ProviderLockedError("401 after a renewal"))
    expected = SourceReport(state="locked", error="401 after a renewal")
    assert await rig.writer.next() == expected
    assert await rig.locked.get() == expected.error
    assert rig.runner.locked
    assert rig.source.begun == 1


async def test_an_overdue_source_says_so(rig: Rig) -> None:
    """With its token, so that a newer owner's source is not blinded by it."""
    await rig.writer.next()
    assert rig.runner.overdue() is None
    rig.source.overdue_after_s = 0.0
    overdue = rig.runner.overdue()
    assert isinstance(overdue, Overdue)
    assert overdue[:2] == (SOURCE, TOKEN)
    assert overdue.age_s < 2


async def test_what_is_told_again_is_its_health_too(rig: Rig) -> None:
    """Nobody else would say that a person is needed."""
    await rig.writer.next()
    rig.runner.tell_again()
    assert _is_checkpoint(await rig.writer.next())
    assert rig.writer.partitions[-1] == set(range(PARTITIONS))
    rig.source.fail(ProviderLockedError("401 after a renewal"))
    expected = SourceReport(state="locked", error="401 after a renewal")
    for _ in range(PARTITIONS):
        assert await rig.writer.next() == expected
    await rig.locked.get()
    rig.runner.tell_again()
    assert await rig.writer.next() == expected


async def test_a_read_that_was_under_way_makes_nothing_up(rig: Rig) -> None:
    """It shows no more than what has changed; then everything is read again."""
    await rig.writer.next()
    rig.source.overdue_after_s = 0.0
    assert rig.runner.overdue()
    rig.source.tell([Checkpoint(process="")])
    assert _is_checkpoint(await rig.writer.next())
    assert _is_checkpoint(await rig.writer.next())
    assert rig.source.resyncs == 1


async def test_after_being_overdue_everything_is_read_again(rig: Rig) -> None:
    """Its calls turned unknown; a late answer alone would not bring them back."""
    await rig.writer.next()
    rig.source.overdue_after_s = 0.0
    assert rig.runner.overdue()
    rig.source.tell([observation(CALL)])
    rig.source.tell([observation(CALL, "paused")])
    told = [await rig.writer.next() for _ in range(3)]
    assert told[:2] == [observation(CALL), observation(CALL, "paused")]
    assert _is_checkpoint(told[2])
    assert rig.source.resyncs == 1


async def test_after_being_overdue_an_empty_answer_is_enough(rig: Rig) -> None:
    """Quiet calls turned unknown too, and nothing else would bring them back."""
    await rig.writer.next()
    rig.source.overdue_after_s = 0.0
    assert rig.runner.overdue()
    rig.source.overdue_after_s = 10.0
    assert [rig.runner.overdue() for _ in range(2)] == [None, None]
    assert _is_checkpoint(await rig.writer.next())
    assert rig.runner.overdue() is None
    assert rig.source.resyncs == 1


async def test_a_full_read_is_not_read_once_more(rig: Rig) -> None:
    """A reconnect begins with all there is, also after an overdue time."""
    await rig.writer.next()
    rig.source.overdue_after_s = 0.0
    assert rig.runner.overdue()
    rig.source.overdue_after_s = 10.0
    rig.source.fail(ProviderUnavailableError("cut"))
    assert _is_checkpoint(await rig.writer.next())
    rig.source.tell([observation(CALL)])
    assert isinstance(await rig.writer.next(), Observation)
    assert rig.source.resyncs == 0


async def test_unreadable_messages_are_counted(rig: Rig) -> None:
    """The rest of their turn is told."""
    await rig.writer.next()
    rig.source.tell([UNREADABLE, observation(CALL)])
    told = [await rig.writer.next(), await rig.writer.next()]
    assert told == [UNREADABLE, observation(CALL)]
    assert rig.unreadable == [SOURCE]


async def test_stopping_ends_the_session(rig: Rig) -> None:
    """The source's own clean-up runs before the runner is gone."""
    await rig.writer.next()
    await rig.stop()
    assert rig.source.ended == 1


async def test_a_retired_source_tells_every_partition(rig: Rig) -> None:
    """With numbers that go on, so that it is believed."""
    await rig.writer.next()
    await rig.stop()
    await rig.runner.retire()
    assert rig.writer.partitions[-1] == set(range(PARTITIONS))
