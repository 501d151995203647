"""Processes that share a store: who owns what as they come, go, die and freeze."""

import asyncio
import json
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.integration.ingest.process import CALLS, PARTITIONS, SOURCES
from tests.integration.servers import Server
from tests.integration.store.kept import Kept, Listener, listening, opened
from tracker.domain.placement import owner_of
from tracker.domain.reading import Observation, Told
from tracker.store.keys import KEEP_LEASE

LEASE_S = 2.0
TAKEN_OVER_S = LEASE_S + 2.0

FIRST, SECOND = "one", "two"
"""Half of the sources, and half of the partitions, are the share of each."""

Owners = dict[str, str]
"""Who holds each source, and each partition."""


@pytest.fixture
async def kept(valkey_server: Server) -> AsyncIterator[Kept]:
    valkey_server.run("FLUSHALL")
    async with opened(valkey_server.url, PARTITIONS, LEASE_S) as kept:
        yield kept


@pytest.fixture
async def listener(kept: Kept) -> AsyncIterator[Listener]:
    async with listening(kept) as listener:
        yield listener


@asynccontextmanager
async def _process(
    server: Server, name: str, lease_s: float = LEASE_S
) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.ingest.process"),
        *(server.url, name, str(lease_s)),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _owners(kept: Kept) -> Owners:
    """Those of now."""
    found: Owners = {}
    now_ms = await kept.redis.time_ms()
    for number, keys in enumerate(kept.keys):
        flat = await kept.redis.call(keys.leases, "HGETALL", keys.leases)
        for name, value in zip(flat[::2], flat[1::2], strict=True):
            _, until_ms, holder = value.decode().split("|")
            if holder and int(until_ms) > now_ms:
                of_keeper = name.decode() == KEEP_LEASE
                found[f"partition-{number}" if of_keeper else name.decode()] = holder
    return found


async def _until_owned(kept: Kept, *processes: str, within_s: float = 15) -> None:
    """Everything has an owner: each of *processes* all of its share."""
    everything = [*(f"partition-{n}" for n in range(PARTITIONS)), *SOURCES]
    wanted = {name: owner_of(name, processes) for name in everything}
    async with asyncio.timeout(within_s):
        while True:
            if await _owners(kept) == wanted:
                return
            await asyncio.sleep(0.02)


async def _until_shown(listener: Listener, *processes: str) -> None:
    """The newest of every call comes from whose share its source is."""
    owners = {c: owner_of(s, processes) for s, c in zip(SOURCES, CALLS, strict=True)}
    await listener.until(lambda: {c: _shown_by(listener, c) for c in CALLS} == owners)


def _shown_by(listener: Listener, call: str) -> str | None:
    """Whose observation the newest of a call is; None = nobody sees it."""
    newest = listener.headers(call)[-1:]
    agents = newest[0].after.agents if newest and newest[0].after else ()
    return agents[0] if agents else None


def _no_hole(listener: Listener) -> bool:
    """Every version of every call came, once, in order."""
    found = [[header.version for header in listener.headers(call)] for call in CALLS]
    return found == [list(range(1, len(versions) + 1)) for versions in found]


async def test_a_killed_process_s_share_is_taken_over(
    valkey_server: Server, kept: Kept, listener: Listener
) -> None:
    """All of its partitions and sources, within the lease and two seconds."""
    async with (
        _process(valkey_server, FIRST) as killed,
        _process(valkey_server, SECOND),
    ):
        await _until_owned(kept, FIRST, SECOND)
        await _until_shown(listener, FIRST, SECOND)
        killed.kill()
        began = time.monotonic()
        await _until_owned(kept, SECOND)
        await _until_shown(listener, SECOND)
        assert time.monotonic() - began < TAKEN_OVER_S
    assert _no_hole(listener)


async def test_a_frozen_process_that_wakes_up_changes_nothing(
    valkey_server: Server, kept: Kept, listener: Listener
) -> None:
    """What it still has to say is older than what its successor said."""
    async with (
        _process(valkey_server, FIRST) as frozen,
        _process(valkey_server, SECOND),
    ):
        await _until_owned(kept, FIRST, SECOND)
        await _until_shown(listener, FIRST, SECOND)
        frozen.send_signal(signal.SIGSTOP)
        await _until_owned(kept, SECOND)
        await _until_shown(listener, SECOND)
        frozen.send_signal(signal.SIGCONT)
        await _until_owned(kept, FIRST, SECOND)
        await _until_shown(listener, FIRST, SECOND)
    stale = await _stale(kept)
    assert stale
    assert not stale & _shown(listener)
    assert _no_hole(listener)


async def _stale(kept: Kept) -> set[str]:
    """The numbers of observations that came after their source's next owner's."""
    found: set[str] = set()
    tokens: dict[str, int] = {}
    for inbox in kept.inboxes:
        tokens.clear()
        for entry in await inbox.read("-", "+", 100_000):
            for told in (t for t in entry.inputs if isinstance(t, Told)):
                source, token, _ = told.stamp
                tokens[source] = max(token, tokens.get(source, 0))
                if token < tokens[source] and isinstance(told.reading, Observation):
                    found.add(str(told.reading.number))
    return found


def _shown(listener: Listener) -> set[str]:
    """The numbers of all observations that any call has ever shown."""
    snapshots = [json.loads(t.snapshot) for t in listener.entries if t.snapshot]
    calls = [snapshot["call"] for snapshot in snapshots if "call" in snapshot]
    return {str(party["number"]) for call in calls for party in call["parties"]}


async def test_a_process_that_ends_gives_everything_back(
    valkey_server: Server, kept: Kept, listener: Listener
) -> None:
    """At once, however long its leases would have held."""
    async with (
        _process(valkey_server, FIRST, 60) as ending,
        _process(valkey_server, SECOND, 60),
    ):
        await _until_owned(kept, FIRST, SECOND)
        await _until_shown(listener, FIRST, SECOND)
        ending.terminate()
        assert await asyncio.wait_for(ending.wait(), 2) == 0
        await _until_owned(kept, SECOND, within_s=3)
        await _until_shown(listener, SECOND)
    assert _no_hole(listener)
