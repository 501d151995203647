"""Who owns a source, when what was before ends late or is not given back."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from tests.integration.ingest.scripted import (
    ScriptedAccount,
    ScriptedSource,
    call_key,
    source_key,
)
from tracker.domain.command import Command, Execution, Sent
from tracker.domain.entry import Order
from tracker.ingest import supervisor as owning
from tracker.ingest.executor import Executor
from tracker.ingest.runner import Runner
from tracker.ingest.story import Story
from tracker.ingest.supervisor import Supervisor
from tracker.ingest.writer import Writer
from tracker.providers.base import Source
from tracker.store.codec import Input
from tracker.store.leases import Lease, Leases
from tracker.store.registry import Registry

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SOURCE = source_key("jdoe")


class NotedWriter(Writer):
    """Notes what was told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Input] = asyncio.Queue()

    async def append(self, told: Mapping[int, Sequence[Input]]) -> None:
        for inputs in told.values():
            for one in inputs:
                self.told.put_nowait(one)


class Alone(Registry):
    """There is nobody else."""

    def __init__(self) -> None:
        """Without a store."""

    async def live(self, role: str, process: str | None = None) -> list[str]:
        return [process or role]

    async def leave(self, role: str, process: str) -> None:
        """There is nobody to tell."""


class Over(Runner):
    """Ends at once."""

    async def run(self) -> None:
        """There is nothing to do."""


class RunOutLeases(Leases):
    """Grants the same token twice, then none at all.

    Attributes:
        asked: How often.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.news = asyncio.Event()

    async def take(self, names: Iterable[str]) -> dict[str, Lease]:
        self.asked += 1
        self.news.set()
        granted = names if self.asked <= 2 else ()
        return {name: Lease(name, "p", 5) for name in granted}

    async def release(self, names: Iterable[str]) -> None:
        """It is free."""


async def test_who_ends_late_takes_nothing_from_its_successor() -> None:
    """What is ordered then is asked by the new one."""
    writer, source = NotedWriter(), ScriptedSource(SOURCE)
    executor = Executor(writer, 1)
    execution = Execution(source=SOURCE, leg_id="c1", before="recording")
    command = Command(
        id="1",
        action="pause",
        target="paused",
        requested_by="jdoe",
        requested_at=NOW,
        not_after=NOW,
        deadline_s=15.0,
        executions=(execution,),
    )
    old, new = executor.serving(source, 1), executor.serving(source, 2)
    await old.__aenter__()
    async with new:
        await old.__aexit__(None, None, None)
        executor.told(Order(call=call_key("c1"), command=command))
        async with asyncio.timeout(5):
            sent = await writer.told.get()
        assert isinstance(sent, Sent)
        assert sent.token == 2


async def test_no_source_is_observed_under_a_lease_that_was_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new one is taken for it, or it is left alone."""
    monkeypatch.setattr(owning, "EVERY_S", 0.0)
    leases, begun = RunOutLeases(), list[int]()

    def new_runner(source: Source, lease: Lease) -> Runner:
        begun.append(lease.token)
        story = Story(source.key, lease.token, "p", 1)
        serving = nullcontext(lambda _: None)
        writer, token = NotedWriter(), lease.token
        return Over(source, story, token, writer, lambda *_: None, lambda *_: serving)

    account = ScriptedAccount("genesys/acme", ScriptedSource(SOURCE))
    supervisor = Supervisor([account], Alone(), "p", [leases], 10.0, new_runner)
    task = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(5):
        while leases.asked < 6:
            leases.news.clear()
            await leases.news.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert begun == [5]
