"""What is told is appended in order, packed, and again until it is stored."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from tests.integration.ingest.scripted import call_key, observation, source_key
from tracker.domain.reading import Checkpoint, Observation, Reading, Stamp, Told
from tracker.errors import StoreError, StoreUnavailableError
from tracker.ingest import writer as writing
from tracker.ingest.writer import MOST_INPUTS, Writer
from tracker.store.codec import Input
from tracker.store.inbox import Inbox

Appended = list[list[int]]


class GatedInbox(Inbox):
    """Stores an entry when its gate is open.

    Attributes:
        entries: What was stored.
        asked: How many appends began.
        errors: What the next appends end with instead.
    """

    def __init__(self) -> None:
        self.key = "inbox"
        self.entries: list[list[Told]] = []
        self.asked = asyncio.Semaphore(0)
        self.gate = asyncio.Event()
        self.gate.set()
        self.errors: list[StoreError] = []

    async def append(self, inputs: Sequence[Input]) -> str:
        self.asked.release()
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.entries.append([told for told in inputs if isinstance(told, Told)])
        return "1-0"

    @property
    def numbers(self) -> Appended:
        return [[told.stamp.number for told in entry] for entry in self.entries]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_RETRY_S", 0.0)


@pytest.fixture
def inboxes() -> list[GatedInbox]:
    return [GatedInbox(), GatedInbox()]


@pytest.fixture
async def writer(inboxes: list[GatedInbox]) -> AsyncIterator[Writer]:
    writer = Writer(inboxes)
    yield writer
    await writer.close()


def _told(number: int, reading: Reading | None = None) -> Told:
    reading = reading or observation(call_key("c1"))
    assert isinstance(reading, Observation | Checkpoint)
    return Told(stamp=Stamp(source_key("jdoe"), 1, number), reading=reading)


def _append(writer: Writer, number: int) -> asyncio.Task[None]:
    return asyncio.create_task(writer.append({0: [_told(number)]}))


async def test_what_waits_goes_together(
    writer: Writer, inboxes: list[GatedInbox]
) -> None:
    """One append is under way; meanwhile everything else becomes one entry."""
    inboxes[0].gate.clear()
    first = _append(writer, 1)
    await inboxes[0].asked.acquire()
    others = [_append(writer, number) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    inboxes[0].gate.set()
    await asyncio.gather(first, *others)
    assert inboxes[0].numbers == [[1], [2, 3, 4]]


async def test_no_entry_grows_with_a_burst(
    writer: Writer, inboxes: list[GatedInbox]
) -> None:
    """A turn of thousands becomes several entries, and returns after the last."""
    count = 2 * MOST_INPUTS + 1
    await writer.append({0: [_told(n) for n in range(count)]})
    assert [len(entry) for entry in inboxes[0].numbers] == [MOST_INPUTS] * 2 + [1]
    assert [n for entry in inboxes[0].numbers for n in entry] == list(range(count))


@pytest.mark.parametrize("error", [StoreUnavailableError("gone"), StoreError("full")])
async def test_it_is_appended_again_until_it_is_stored(
    writer: Writer, inboxes: list[GatedInbox], error: StoreError
) -> None:
    """What comes meanwhile stays behind it; the other partitions go on."""
    inboxes[0].errors += [error] * 3
    first = asyncio.create_task(writer.append({0: [_told(1)], 1: [_told(1)]}))
    await inboxes[0].asked.acquire()
    await asyncio.gather(first, _append(writer, 2))
    assert inboxes[0].numbers == [[1], [2]]
    assert inboxes[1].numbers == [[1]]


async def test_what_has_to_wait_grows_older(
    writer: Writer, inboxes: list[GatedInbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ages count from the append, so that a late one is not dated late."""
    monkeypatch.setattr(writing, "_PRECISE_S", 0.0)
    seen = observation(call_key("c1")).but(answered_age_s=5.0)
    read = Checkpoint(process="p1", age_s=2.0)
    inboxes[0].errors.append(StoreUnavailableError("gone"))
    await writer.append({0: [_told(1, seen), _told(2, read)]})
    [[first, second]] = inboxes[0].entries
    assert isinstance(first.reading, Observation)
    assert isinstance(second.reading, Checkpoint)
    waited_s = first.reading.age_s
    assert 0 < waited_s < 5
    assert first.reading.answered_age_s == pytest.approx(5.0 + waited_s)
    assert second.reading.age_s == pytest.approx(2.0 + waited_s, abs=0.1)


async def test_a_held_partition_waits(
    writer: Writer, inboxes: list[GatedInbox]
) -> None:
    """A keeper that is too far behind gets no more; the others' sources go on."""
    writer.hold(0, behind=True)
    held = _append(writer, 1)
    await writer.append({1: [_told(1)]})
    assert not held.done()
    assert not inboxes[0].entries
    writer.hold(0, behind=False)
    await held
    assert inboxes[0].numbers == [[1]]


async def test_who_gives_up_waiting_stops_nobody(
    writer: Writer, inboxes: list[GatedInbox]
) -> None:
    """What a stopped source had told is stored all the same, in its place."""
    inboxes[0].gate.clear()
    first = _append(writer, 1)
    await inboxes[0].asked.acquire()
    second, third = _append(writer, 2), _append(writer, 3)
    await asyncio.sleep(0)
    second.cancel()
    inboxes[0].gate.set()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert inboxes[0].numbers == [[1], [2, 3]]


async def test_closing_gives_up(writer: Writer, inboxes: list[GatedInbox]) -> None:
    """A store that never answers does not keep a process from ending."""
    inboxes[0].gate.clear()
    waiting = _append(writer, 1)
    await inboxes[0].asked.acquire()
    await writer.close()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not inboxes[0].entries
