"""A process that keeps and ingests, to be killed: ``python -m … URL NAME LEASE_S``.

Each of its sources shows a call that changes all the time; the call's agent is the
process, and its number tells every observation from every other.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress

from tests.integration.ingest.ingesting import Ingesting
from tests.integration.ingest.scripted import (
    ScriptedAccount,
    ScriptedSource,
    Turn,
    call_key,
    observation,
    source_key,
)
from tests.integration.store.kept import opened
from tracker.domain.reading import Observation
from tracker.domain.terms import RecordingState

PARTITIONS = 4
SOURCES = [source_key(f"agent-{number}") for number in range(8)]
CALLS = [call_key(f"call-{number}") for number in range(8)]
_EVERY_S = 0.05
_STATES: tuple[RecordingState, ...] = ("recording", "paused")


class BusySource(ScriptedSource):
    """Its call goes on changing by itself.

    Args:
        key: Its own.
        call: The call's.
        process: Who observes.
    """

    def __init__(self, key: str, call: str, process: str) -> None:
        super().__init__(key)
        self._call = call
        self._process = process
        self._count = 0

    async def observe(self) -> AsyncGenerator[Turn]:
        self._see()
        changing = asyncio.create_task(self._change())
        try:
            async for turn in super().observe():
                yield turn
        finally:
            changing.cancel()

    async def _change(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            self.tell([self._see()])

    def _see(self) -> Observation:
        self._count += 1
        state = _STATES[self._count % 2]
        number = f"{self._process} {self._call} {self._count}"
        seen = observation(self._call, state, agent=self._process)
        self.calls[self._call] = seen.but(number=number)
        return self.calls[self._call]


async def main(url: str, name: str, lease_s: float) -> None:
    """Work until SIGTERM."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    pairs = zip(SOURCES, CALLS, strict=True)
    sources = [BusySource(source, call, name) for source, call in pairs]
    account = ScriptedAccount("genesys/acme", *sources)
    async with opened(url, PARTITIONS, lease_s) as kept:
        with suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                group.create_task(kept.role(name).run())
                group.create_task(Ingesting(kept, name, account).run())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
