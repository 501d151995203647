"""Outboxes in memory, and entries to put into them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json

from tracker.domain.entry import Entry, Fact, Header, Watermark
from tracker.domain.key import account_of, partition_of
from tracker.domain.terms import Kind, RecordingState
from tracker.domain.view import View
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.fanout.cursor import Place
from tracker.store.follow import BEGINNING
from tracker.store.outbox import Outbox, Stored, Tailed

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
EPOCH = "e1"


def view(
    key: str,
    *agents: str,
    kind: Kind = "call",
    state: RecordingState | None = "recording",
    ended: bool = False,
    **rest: Any,
) -> View:
    """An entity as filters see it; each agent's team is named after it."""
    return View(
        kind=kind,
        key=key,
        account=account_of(key),
        agents=agents,
        teams=tuple(f"team-{agent}" for agent in agents),
        state=state,
        ended=ended,
        **rest,
    )


def entry(
    before: View | None,
    after: View | None,
    version: int = 1,
    types: tuple[str, ...] = ("tracker.call.changed",),
) -> Entry:
    """A change of an entity, told by one fact per type."""
    seen = after or before
    assert seen is not None
    return Entry(
        entity=seen.kind,
        key=seen.key,
        version=version,
        facts=tuple(Fact(type=t, at=NOW, change={"to": "x"}) for t in types),
        before=before,
        after=after,
        recorded_at=NOW,
    )


def snapshot(header: Header, padding: int = 0) -> bytes:
    """Stands for the entity's public snapshot; readers must not look into it."""
    if not isinstance(header, Entry) or header.after is None:
        return b""
    made: dict[str, object] = {"key": header.key, "version": header.version}
    if padding:
        made["padding"] = "x" * padding
    return to_json(made)


async def until(condition: Callable[[], object]) -> None:
    """Let other tasks run until *condition* holds; seconds at most."""
    for turn in range(100_000):
        if condition():
            return
        await asyncio.sleep(0 if turn < 1000 else 0.001)
    raise AssertionError("it never came about")


class MemoryOutbox(Outbox):
    """Outboxes that keep what is appended, until it is trimmed."""

    def __init__(self, partitions: int = 3) -> None:
        self.partitions, self.epoch = partitions, EPOCH
        self.entries: list[list[Tailed]] = [[] for _ in range(partitions)]
        self.padding = 0
        self.away = False
        self.refusals = 0
        self.reading = 0
        self._readable = asyncio.Event()
        self._readable.set()
        self.refreshed: str | None = None
        self.during_scan: list[Header] = []
        self._last_ms = 1000
        self._known: list[dict[tuple[Kind, str], Stored]] = [{} for _ in self.entries]
        self._appended = asyncio.Event()

    def append(self, header: Header, partition: int | None = None) -> Tailed:
        """Put an entry at the end of its partition, as a commit would."""
        if isinstance(header, Entry):
            partition = partition_of(header.entity, header.key, self.partitions)
            known = self._known[partition]
            known.pop((header.entity, header.key), None)
            if header.after is not None:
                stored = Stored(
                    header.after, header.version, snapshot(header, self.padding)
                )
                known[header.entity, header.key] = stored
        self._last_ms += 1
        tailed = Tailed(
            partition or 0, f"{self._last_ms}-0", header, snapshot(header, self.padding)
        )
        self.entries[tailed.partition].append(tailed)
        self._appended.set()
        return tailed

    def mark(self, partition: int = 0, behind_s: float = 0.0) -> Tailed:
        """The keeper's sign of life."""
        at = datetime.fromtimestamp((self._last_ms + 1) / 1000, UTC)
        handled_at = at - timedelta(seconds=behind_s)
        return self.append(Watermark(handled_at=handled_at), partition)

    def trim(self, partition: int, keep: int) -> None:
        """Forget all but the newest *keep* entries."""
        entries = self.entries[partition]
        del entries[: max(0, len(entries) - keep)]

    def lose(self, epoch: str | None = None) -> None:
        """The store comes back empty; *epoch* is its new one."""
        self.entries = [[] for _ in self.entries]
        self._known = [{} for _ in self.entries]
        self.refreshed = epoch
        self._appended.set()

    def hold_reads(self) -> None:
        """Let every `read` hang."""
        self._readable.clear()

    def release_reads(self) -> None:
        """Let them go on."""
        self._readable.set()

    async def refresh(self) -> bool:
        changed = self.refreshed is not None
        self.epoch = self.refreshed or self.epoch
        return changed

    async def end(self, partition: int) -> str:
        entries = self.entries[partition]
        return entries[-1].id if entries else BEGINNING

    async def stored(self, partition: int) -> list[Stored]:
        for header in self.during_scan:
            self.append(header)
        self.during_scan = []
        return list(self._known[partition].values())

    async def entry(self, partition: int, id_: str) -> Tailed:
        self._refuse_when_away()
        for tailed in self.entries[partition]:
            if tailed.id == id_:
                return tailed
        raise PositionLostError(id_)

    async def read(self, partition: int, after: str, count: int) -> list[Tailed]:
        self._refuse_when_away()
        self.reading += 1
        await self._readable.wait()
        self.reading -= 1
        return self._after(partition, after)[:count]

    async def back(self, partition: int, newest: str) -> AsyncGenerator[list[Tailed]]:
        entries = self.entries[partition]
        end = sum(Place.parse(t.id) <= Place.parse(newest) for t in entries)
        for last in range(end, 0, -2):
            self._refuse_when_away()
            yield entries[max(0, last - 2) : last][::-1]

    async def tail(
        self, partition: int, after: str, only: str | None = None
    ) -> AsyncIterator[list[Tailed]]:
        while True:
            self._refuse_when_away()
            self._appended.clear()
            batch = self._after(partition, after)
            after = batch[-1].id if batch else after
            yield batch
            if not batch:
                await self._appended.wait()

    def _refuse_when_away(self) -> None:
        if self.away:
            self.refusals += 1
            raise StoreUnavailableError("the store is away")

    def _after(self, partition: int, after: str) -> list[Tailed]:
        entries = self.entries[partition]
        if after == BEGINNING:
            return list(entries)
        for number, tailed in enumerate(entries):
            if tailed.id == after:
                return entries[number + 1 :]
        message = f"entry {after} is gone"
        raise PositionLostError(message)
