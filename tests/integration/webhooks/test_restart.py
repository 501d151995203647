"""Crashes, hand-overs and days of absence: all of it arrives, in order."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from tests.integration.servers import Server, until
from tests.integration.webhooks.process import CONCURRENCY
from tests.integration.webhooks.receiver import Receiver, receiving
from tests.integration.webhooks.rig import CHANGED, PARTITIONS, Rig
from tests.integration.webhooks.rig import until as until_so
from tracker.domain.delivery import Owed
from tracker.domain.key import partition_of
from tracker.domain.placement import owner_of
from tracker.errors import StoreUnavailableError
from tracker.fanout.cursor import Place, Position
from tracker.outlets.endpoint import Disabled
from tracker.store.dispatch import DispatchLedger
from tracker.store.endpoints import Known, Wish
from tracker.store.leases import Lease
from tracker.store.ledger import Operation
from tracker.store.retention import Limits

CALLS = 500
CHANGES_PER_CALL = 20
EVENTS_PER_CHANGE = 10
OWED = CALLS * CHANGES_PER_CALL * EVENTS_PER_CHANGE
THREE_DAYS_S = 3 * 86_400
LONG_S = 100.0


class Line(NamedTuple):
    """One request, as the receiving file has it."""

    status: int
    id: str
    entity: str
    version: int


class Log:
    """What a process has delivered, however often it was started."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lines(self) -> Iterator[Line]:
        for text in self._file.read_text().splitlines(keepends=True):
            if text.endswith("\n"):
                status, id_, entity, version = text.split()
                yield Line(int(status), id_, entity, int(version))

    @property
    def bytes(self) -> int:
        return self._file.stat().st_size if self._file.exists() else 0


@asynccontextmanager
async def delivering(server: Server, file: Path) -> AsyncIterator[Process]:
    """A process that delivers into *file*; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.webhooks.process", server.url, str(file)),
        stdin=PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


def say(process: Process, *words: str) -> None:
    assert process.stdin
    process.stdin.write("".join(f"{word}\n" for word in words).encode())


@pytest.mark.timeout(300)
async def test_three_days_of_absence_lose_nothing(
    rig: Rig, valkey_server: Server, tmp_path: Path
) -> None:
    """100,000 are owed; tracker is killed twice on the way."""
    endpoint = await rig.add("http://127.0.0.1:9/")
    calls = [f"genesys/acme/{number}" for number in range(CALLS)]
    for number in range(PARTITIONS):
        mine = [c for c in calls if partition_of("call", c, PARTITIONS) == number]
        changes = [(call, [CHANGED] * EVENTS_PER_CHANGE) for call in mine]
        for _ in range(CHANGES_PER_CALL):
            await rig.tell_all(number, changes)
    log = Log(tmp_path / "log")
    async with delivering(valkey_server, tmp_path / "log") as process:
        await rig.until_owed(endpoint, OWED // 2, LONG_S, at_least=True)
    async with delivering(valkey_server, tmp_path / "log") as process:
        await rig.until_owed(endpoint, OWED, LONG_S)
        refused = sum(1 for _ in log.lines())
        say(process, f"speed {THREE_DAYS_S}")
        await asyncio.sleep(1)  # three days
        say(process, "speed 1000", "up")
        await until(lambda: log.bytes > 1_000_000, LONG_S)
    async with delivering(valkey_server, tmp_path / "log") as process:
        say(process, "up", f"jump {THREE_DAYS_S}", "speed 1000")
        await rig.until_owed(endpoint, 0, LONG_S)
    lines = list(log.lines())
    taken = [line for line in lines if line.status == 200]
    assert len(lines) - len(taken) < refused + 1200  # a probe in 5 min, in 3 days
    first = {line.id: line for line in taken}
    assert len(first) == OWED
    arrived = defaultdict[str, list[Place]](list)
    for line in first.values():
        arrived[line.entity].append(Position.parse(line.id).place)
    assert len(arrived) == CALLS
    for places in arrived.values():
        assert places == sorted(places)
    most = (1 + PARTITIONS) * CONCURRENCY  # under way, and not stored yet
    assert len(taken) - OWED <= most


async def test_a_partition_changes_hands_without_a_gap(
    rig: Rig, receiver: Receiver
) -> None:
    """A process joins, another leaves: in order, and nothing twice."""
    await rig.add(receiver.url)
    calls = [f"genesys/acme/{number}" for number in range(20)]
    async with rig.dispatching(process="p1"):
        for call in calls:
            await rig.tell(call, 5)
        async with rig.dispatching(process="p2"):
            await receiver.until(lambda: len(receiver.taken) >= 50)
            for call in calls:
                await rig.tell(call, 5)
        for call in calls:
            await rig.tell(call, 5)
        await receiver.until(lambda: len(receiver.taken) >= 300)
    assert all(receiver.versions(call) == list(range(1, 16)) for call in calls)


async def test_what_is_wished_while_a_partition_changes_hands_stops_nobody(
    rig: Rig, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next process grants it, and the one before still sees new endpoints."""
    endpoint = await rig.add(receiver.url)
    calls = {partition_of("call", f"genesys/acme/{n}", 2): f"{n}" for n in range(20)}
    entities = [f"genesys/acme/{calls[number]}" for number in range(PARTITIONS)]
    heir = next(
        name
        for name in (f"p{number}" for number in range(2, 100))
        if [owner_of(f"dispatch-{n}", ["p1", name]) for n in (0, 1)] == [name, "p1"]
    )
    commit, hung = DispatchLedger.commit, asyncio.Event()

    async def hanging(
        ledger: DispatchLedger,
        operations: Sequence[Operation],
        lease: Lease,
        *rest: Any,
    ) -> None:
        if receiver.taken and (lease.holder, ledger.keys.partition) == ("p1", 0):
            hung.set()
            await asyncio.Event().wait()
        await commit(ledger, operations, lease, *rest)

    monkeypatch.setattr(DispatchLedger, "commit", hanging)
    async with rig.dispatching(process="p1"):
        await rig.tell(entities[1])
        await receiver.until(lambda: receiver.taken)
        wished = Owed("test", "tracker.webhook.test", endpoint.key, None, 1)
        wish = Wish(endpoint=endpoint.id, partition=0, delivery=wished, body="{}")
        await rig.endpoints.wish([wish])
        await hung.wait()
        async with rig.dispatching(process=heir), receiving() as other:
            await receiver.until(lambda: "test" in {got.id for got in receiver.taken})
            await rig.add(other.url)
            await rig.tell(entities[1])
            await other.until(lambda: other.taken)


async def test_endpoints_that_nobody_could_look_at_yet_are_not_gone(
    rig: Rig, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they are owed is as it was."""
    receiver.answer = lambda _: web.Response(status=500)
    endpoint = await rig.add(receiver.url)

    async def is_tried() -> bool:
        return any(one.attempts for one in await rig.listed(endpoint, owed=True))

    async with rig.dispatching(process="p1"):
        await rig.tell("genesys/acme/a")
        await until_so(is_tried)
        off = Disabled(at=datetime.now(UTC), why="asked")
        await rig.put(endpoint.changed(disabled=off))
    [before] = await rig.listed(endpoint, owed=True)
    known, looks = rig.endpoints.known, list[int]()

    async def away_at_first() -> Known:
        looks.append(1)
        if len(looks) == 1:
            raise StoreUnavailableError("no answer")
        return await known()

    monkeypatch.setattr(rig.endpoints, "known", away_at_first)
    async with rig.dispatching(process="p2"):
        await rig.tell("genesys/acme/b")
        await rig.until_owed(endpoint, 2)
    assert before.attempts
    assert before in await rig.listed(endpoint, owed=True)


@pytest.mark.parametrize("is_trimmed", [False, True])
async def test_an_endpoint_that_cannot_be_read_loses_nothing(
    rig: Rig, receiver: Receiver, is_trimmed: bool
) -> None:
    """A newer release may have made it, which comes back; but for what is trimmed."""
    off = Disabled(at=datetime.now(UTC), why="asked")
    endpoint = await rig.add(receiver.url, disabled=off)
    async with rig.dispatching(process="p1"):
        await rig.tell("genesys/acme/a")
        await rig.until_owed(endpoint, 1)
    await rig.endpoints.change(endpoint.id, lambda _: b'{"form":2}')
    other = await rig.add(receiver.url)
    async with rig.dispatching(process="p2"):
        await rig.tell("genesys/acme/a", 2)
        await receiver.until(lambda: len(receiver.taken) == 2)
        await rig.until_owed(other, 0)
    if is_trimmed:
        key = rig.kept.keys[partition_of("call", "genesys/acme/a", PARTITIONS)].outbox
        await rig.kept.redis.call(key, "XTRIM", key, "MAXLEN", 1)
    assert len(await rig.listed(endpoint, owed=True)) == 1
    receiver.taken.clear()
    wanted = [1, 3] if is_trimmed else [1, 2, 3]
    raw = endpoint.changed(disabled=None).model_dump_json().encode()
    await rig.endpoints.change(endpoint.id, lambda _: raw)
    async with rig.dispatching(process="p1"):
        await receiver.until(lambda: len(receiver.taken) == len(wanted))
    assert receiver.versions("genesys/acme/a") == wanted


async def test_what_the_store_no_longer_has_is_counted(
    rig: Rig, receiver: Receiver
) -> None:
    """As lost, and listed; what comes behind goes on."""
    off, call = Disabled(at=datetime.now(UTC), why="asked"), "genesys/acme/a"
    endpoint = await rig.add(receiver.url, disabled=off)
    async with rig.dispatching(process="p1"):
        await rig.tell(call)
        await rig.until_owed(endpoint, 1)
    for keys in rig.kept.keys:
        await rig.kept.redis.call(keys.bodies, "DEL", keys.bodies)
    await rig.put(endpoint.changed(disabled=None))
    async with rig.dispatching(process="p2"):
        await rig.tell(call)
        await receiver.until(lambda: receiver.taken)
        await rig.until_owed(endpoint, 0)
    assert receiver.versions(call) == [2]
    over = await rig.listed(endpoint, owed=False)
    [lost] = [one for one in over if one.status == "failed"]
    assert (lost.attempted, lost.problem) == (0, "the store no longer has its event")
    name = "tracker_webhook_lost_total"
    assert rig.value(name, endpoint=endpoint.id, how="failed") == 1


async def test_an_outbox_keeps_what_its_dispatcher_has_not_read(rig: Rig) -> None:
    """For a day, whatever the age and the size."""
    await rig.add("http://127.0.0.1:9/")
    async with rig.dispatching():
        pass
    number, key = 0, rig.kept.keys[0].outbox
    call = next(
        call
        for call in (f"genesys/acme/{n}" for n in range(100))
        if partition_of("call", call, PARTITIONS) == number
    )
    await rig.tell_all(number, [(call, [CHANGED])] * 1000)
    limits = Limits(outbox_s=0, outbox_bytes=1000)
    dispatch = rig.kept.keys[number].dispatch
    first = (await rig.kept.outbox.read(number, "0-0", 1))[0].id
    await rig.kept.redis.call(dispatch, "HSET", dispatch, "offset", first)
    await rig.kept.retention(number, limits).trim("0-0")
    assert await rig.kept.redis.call(key, "XLEN", key) == 1000
    await rig.kept.redis.call(dispatch, "HSET", dispatch, "offset", "1-0")
    await rig.kept.retention(number, limits).trim("0-0")
    assert await rig.kept.redis.call(key, "XLEN", key) < 1000
