"""What servers and networks do to a call's story, at the real cometd-nodejs-server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.e2e.line import AGENT, SOURCE, Line, notification, open_line
from tests.integration.peers import CometdServer, Request, cometd_server, peak_per_s
from tests.integration.subscriber import Json, assert_unbroken, subscriber
from tests.integration.system import running_tracker, write_agents, write_config
from tracker.ingest import pulse
from tracker.providers.genesys import bayeux, source

CONNECT = "/meta/connect"
OVERDUE_S = 1.0
"""In place of 10, without an answer a source is blind."""

Fault = Callable[[CometdServer], Coroutine[None, None, None]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bayeux, "SHORTEST_LIMIT_S", OVERDUE_S)
    monkeypatch.setattr(bayeux, "GRACE_S", 0.3)
    monkeypatch.setattr(source, "ENDED_FOR_S", OVERDUE_S)
    monkeypatch.setattr(pulse, "EVERY_S", 0.2)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with (
        cometd_server(csrf=True, timeout_s=0.5) as server,
        open_line(server, tmp_path) as opened,
    ):
        yield opened


async def expire(server: CometdServer) -> None:
    await server.expire()


async def reset(server: CometdServer) -> None:
    await server.fault("reset", containing="CallRecordingStateChange")


async def cut(server: CometdServer) -> None:
    await server.cut()


async def advise(server: CometdServer) -> None:
    advice = {"reconnect": "retry", "interval": 300, "timeout": 200}
    await server.alter_reply({"advice": advice}, count=3)


async def dismiss(server: CometdServer) -> None:
    advice = {"successful": False, "advice": {"reconnect": "none"}}
    await server.alter_reply(advice)


async def refuse(server: CometdServer) -> None:
    await server.refuse_subscription()
    await server.expire()


async def rotate(server: CometdServer) -> None:
    await server.rotate_csrf()


async def log_out(server: CometdServer) -> None:
    await server.log_out()


def answer(status: int, body: str = "") -> Fault:
    async def arm(server: CometdServer) -> None:
        await server.answer(status, body, channel=CONNECT)

    return arm


QUICK: dict[str, Fault] = {
    "session expiry": expire,
    "answer lost in flight": reset,
    "connection reset": cut,
    "interval and timeout advice": advise,
    "advice none": dismiss,
    "refused subscription": refuse,
    "rotated CSRF token": rotate,
    "expired login": log_out,
    "401": answer(401),
    "403 not authenticated": answer(403, '{"statusCode":20}'),
    "403 of a proxy": answer(403, "<html>Forbidden</html>"),
    "429": answer(429),
    "500": answer(500, '{"statusCode":4,"statusMessage":"oops"}'),
    "HTML": answer(200, "<html>Sign in</html>"),
    "empty": answer(200),
    "broken": answer(200, '[{"channel":"/meta/connect","succ'),
}


@pytest.mark.parametrize("fault", QUICK.values(), ids=QUICK)
async def test_a_fault_costs_no_transition(line: Line, fault: Fault) -> None:
    """What changes meanwhile is told, once and in order; so is what changes later."""
    await line.show("Recording")
    await line.until("recording")
    began = len(await line.server.requests())
    await fault(line.server)
    await line.show("Paused")
    await line.until("paused")
    await line.show("Recording")
    await line.until("recording")
    await line.show("Stopped")
    await line.until("stopped")

    told = line.desk.of("recording.")
    known = [e["data"]["change"]["to"] for e in told if "unknown" not in e["type"]]
    assert [k for k, _ in runs(known)] == [
        "recording",
        "paused",
        "recording",
        "stopped",
    ]
    assert_unbroken(line.desk.events)
    assert_seamless(await line.timeline())
    requests = (await line.server.requests())[began:]
    failing = [request for request in requests if request.status != 200]
    assert peak_per_s(failing) <= 2


def runs(states: list[str]) -> list[tuple[str, int]]:
    """Each state with how often it was said in a row."""
    found: list[tuple[str, int]] = []
    for state in states:
        if found and found[-1][0] == state:
            found[-1] = (state, found[-1][1] + 1)
        else:
            found.append((state, 1))
    return found


def assert_seamless(timeline: Sequence[Json]) -> None:
    """Each interval begins where the last one ended."""
    assert all(a["to"] == b["from"] for a, b in pairwise(timeline))


async def restart(server: CometdServer) -> None:
    await server.restart(down_s=3)


async def hang(server: CometdServer) -> None:
    await server.fault("hang", channel=CONNECT)


async def another_answer(server: CometdServer) -> None:
    """Wait until a poll is answered that was asked after now."""
    count = len(await server.requests())
    for _ in range(200):
        if len(await server.requests()) >= count + 2:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


@pytest.mark.parametrize("fault", [restart, hang])
async def test_a_blind_interval_begins_with_the_last_answer(
    line: Line, fault: Fault
) -> None:
    """It is found later, and told as of then; what the provider shows ends it."""
    await line.show("Recording")
    await line.until("recording")
    await line.until_answered()
    began_at = line.desk.of("recording.started")[0]["time"]
    await another_answer(line.server)
    away = asyncio.create_task(fault(line.server))
    unknown = await line.desk.event("recording.unknown")
    await line.server.set_calls(AGENT, [notification("Paused")["call"]])
    await away
    await line.until("paused")
    await line.show("Recording")
    await line.until("recording")

    found_late = at(unknown["recordedtime"]) - at(unknown["time"])
    assert found_late >= timedelta(seconds=OVERDUE_S)
    recording, blind, paused = await line.timeline()
    assert [i["state"] for i in (recording, blind, paused)] == [
        "recording",
        "unknown",
        "paused",
    ]
    assert recording["from"] == began_at
    assert (blind["from"], blind["unknown_reason"]) == (unknown["time"], "source_blind")
    assert_seamless([recording, blind, paused])
    assert line.desk.states("genesys/acme/1") == [
        "recording",
        "unknown",
        "paused",
        "recording",
    ]
    assert_unbroken(line.desk.events)


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_need_a_person(line: Line, status: int) -> None:
    """The source is locked, and the server hears no more of it."""
    await line.server.answer(status, '{"statusCode":20}', count=None)
    locked = await line.desk.event("source.locked", SOURCE)
    assert "not authenticated" in locked["data"]["source"]["last_error"]
    count = len(await line.server.requests())
    await asyncio.sleep(2 * OVERDUE_S)
    assert len(await line.server.requests()) == count


async def refused(server: CometdServer) -> list[Request]:
    """What it answered with a 500."""
    return [asked for asked in await server.requests() if asked.status == 500]


async def test_a_failing_server_is_spared_by_all_agents(tmp_path: Path) -> None:
    """At most 2 requests a second by one, 50 by all; and everybody comes back."""
    names = [f"agent{n}" for n in range(120)]
    write_agents(tmp_path, names)
    async with cometd_server(timeout_s=1) as server:
        account = {"base_url": server.url, "agents_file": "agents.csv"}
        config = write_config(tmp_path, account)
        async with running_tracker(config) as url, subscriber(url) as desk:
            sources = [f"genesys/acme/{name}" for name in names]
            await desk.until_up(*sources, within_s=30)
            await server.answer(500, count=None)
            await server.cut()
            requests: list[Request] = []
            for _ in range(60):
                if len(requests) <= len(names):
                    await asyncio.sleep(0.5)
                    requests = await refused(server)
            assert len(requests) > len(names)
            assert peak_per_s(requests) <= 51
            for name in names:
                assert peak_per_s([r for r in requests if r.login == name]) <= 2
            await server.heal()
            await desk.until_up(*sources, within_s=30)
            told = [event["data"]["change"]["to"] for event in desk.of("account.")]
            assert told[-2:] == ["down", "up"]
            assert len(desk.of("account.down")) == 1
