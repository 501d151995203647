"""A simulated account that fails, is told what to do, or drives itself."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from typing import Any

import aiohttp
import pytest

from tests.integration.simulators.vonage_business.caller import (
    API,
    COMPANY,
    ON_DEMAND,
    TOKEN,
    Caller,
    refresh,
)
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_business import (
    VonageBusinessOptions,
    VonageBusinessSimulator,
)
from tracker.simulators.vonage_business.audio import audio_chunks

OTHERS = f"{API}/accounts/549825/users/7/call_recordings"


async def test_a_status_strikes_whom_it_is_meant_for(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """A method, a path, a user; as often as it is said."""
    recording = simulator.add_recording()
    one = f"{COMPANY}/{recording.id}"
    delete = f"DELETE {COMPANY}/*"
    simulator.faults.add(Fault(kind=FaultKind.STATUS, path=delete, count=1))
    limited = Fault(kind=FaultKind.STATUS, agent="7", status=429, retry_after_s=3)
    simulator.faults.add(limited)
    assert (await caller.get(one))[0] == 200
    assert (await caller.ask("DELETE", one))[0] == 503
    assert (await caller.ask("DELETE", one))[0] == 204
    assert (await caller.get(ON_DEMAND))[0] == 200
    async with caller.http.get(OTHERS) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")


async def test_garbage_is_no_answer(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Half a document, with status 200."""
    garbage = Fault(kind=FaultKind.GARBAGE, body="broken", count=1)
    simulator.faults.add(garbage)
    with pytest.raises(json.JSONDecodeError):
        await caller.get()
    assert (await caller.get())[0] == 200


@pytest.mark.parametrize("kind", ["audio", "zip"])
async def test_a_file_may_be_cut_in_the_middle(
    caller: Caller, simulator: VonageBusinessSimulator, kind: str
) -> None:
    """What came until then is right; the next attempt gets all of it."""
    recording = simulator.add_recording(size_bytes=400_000)
    path = f"{API}/audio/recording/{recording.id}"
    if kind == "zip":
        _, body = await caller.ask("POST", f"{COMPANY}/export", json={})
        path = f"{API}/bulkDownload/retrieve?jobId={body['job_ids'][0]}"
    _, _, whole = await caller.file(path)
    cut = Fault(kind=FaultKind.CUT, path="GET *", after=True, count=1)
    simulator.faults.add(cut)
    came = bytearray()

    async def read() -> None:
        async with caller.http.get(path) as answer:
            assert answer.status == 200
            async for chunk in answer.content.iter_any():
                came.extend(chunk)

    with pytest.raises(aiohttp.ClientError):
        await read()
    assert len(came) < len(whole)
    assert whole.startswith(came)
    assert (await caller.file(path))[2] == whole


async def test_the_answer_to_a_refresh_may_get_lost(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """The old refresh token is used up all the same; the password still works."""
    simulator.lose_next_refresh()
    await caller.log_in()
    form = refresh(caller.refresh_token)
    with pytest.raises(aiohttp.ClientError):
        await caller.ask("POST", TOKEN, data=form)
    lost = simulator.requests[-1]
    assert (lost.path, lost.status) == (TOKEN, None)
    refused = await caller.ask("POST", TOKEN, data=form)
    assert refused == (400, {"error": "invalid_grant"})
    await caller.log_in()
    await caller.log_in(refresh(caller.refresh_token))
    assert (await caller.get())[0] == 200


async def test_a_hang_holds_up_nobody_else(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Until it is cleared; who hung is cut off."""
    hang = Fault(kind=FaultKind.HANG, path="POST */export")
    simulator.faults.add(hang)
    asking = asyncio.create_task(caller.ask("POST", f"{COMPANY}/export", json={}))
    await simulator.until(lambda: simulator.requests[-1].path.endswith("/export"))
    assert (await caller.get())[0] == 200
    assert not asking.done()
    simulator.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_more_than_the_limit_is_too_many() -> None:
    """Of whatever kind, until a second has passed; the token was the first."""
    now_s = 1_700_000_000.0
    options = VonageBusinessOptions(limit_per_s=3, retry_after_s=7)
    simulator = VonageBusinessSimulator(options, lambda: now_s)
    async with simulator.serve() as url, aiohttp.ClientSession(url) as http:
        await Caller(http, url).log_in()
        waits = []
        for at_s in (0, 0, 0, 1):
            now_s += at_s
            async with http.get(COMPANY) as answer:
                waits.append(answer.headers.get("Retry-After"))
    assert waits == [None, None, "7", None]
    statuses = [request.status for request in simulator.requests]
    assert statuses == [200, 200, 200, 429, 200]
    assert simulator.peak_per_s() == 4


async def test_everything_outlives_the_server() -> None:
    """Recordings, jobs and tokens."""
    simulator = VonageBusinessSimulator(VonageBusinessOptions(job_file_s="never"))
    simulator.fill(3)
    async with simulator.serve() as url, aiohttp.ClientSession(url) as http:
        caller = Caller(http, url)
        await caller.log_in()
        _, body = await caller.ask("POST", f"{COMPANY}/export", json={})
    headers = {"Authorization": http.headers["Authorization"]}
    async with (
        simulator.serve() as url,
        aiohttp.ClientSession(url, headers=headers) as http,
    ):
        caller = Caller(http, url)
        assert len(await caller.ids()) == 3
        _, job = await caller.get(f"{ON_DEMAND}/jobs/{body['job_ids'][0]}")
        assert job["_links"]["self"]["href"].startswith(url)


async def test_everything_can_be_asked_for_over_http(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """What happens at the account, its tokens, its jobs, and its faults."""

    async def tell(part: str, **body: Any) -> Any:
        status, answer = await caller.ask("POST", f"/_sim/{part}", json=body)
        assert status == 200
        return answer

    told = await tell(
        "archive",
        operation="add_recording",
        start_at="2019-01-01T00:00:00+0000",
        extensions=["200"],
        has_audio=False,
    )
    audio = f"{API}/audio/recording/{told['id']}"
    assert (await caller.file(audio))[0] == 404
    await tell("archive", operation="show_audio", recording_id=told["id"])
    assert (await caller.file(audio))[0] == 200
    _, shown = await caller.get(f"{COMPANY}/{told['id']}")
    assert shown["start"] == "2019-01-01T00:00:00+0000"
    _, job = await caller.ask("POST", f"{COMPANY}/export", json={})
    await tell("jobs", operation="forget_job", job_id=job["job_ids"][0])
    token = (await tell("tokens", operation="give_refresh_token"))["token"]
    await tell("tokens", operation="expire")
    assert (await caller.get())[0] == 401
    await caller.log_in(refresh(token))
    await tell("traffic", recordings_per_s=200)
    await simulator.until(lambda: len(simulator.site.archive) >= 5)
    await tell("traffic", recordings_per_s=0)
    _, state = await caller.get("/_sim/state")
    assert state["recordings"] == len(simulator.site.archive) >= 5
    assert state["token_requests"] == simulator.token_requests == 2
    armed = {"kind": "status", "status": 500}
    assert (await caller.ask("POST", "/_sim/faults", json=armed))[0] == 201
    assert (await caller.get())[0] == 500
    assert (await caller.ask("DELETE", "/_sim/faults"))[0] == 204
    assert (await caller.get())[0] == 200


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("archive", {"operation": "burn"}),
        ("archive", {"operation": "add_recording", "mood": "good"}),
        ("archive", {"operation": "add_recording", "start_at": "yesterday"}),
        ("archive", {"operation": "delete_recording", "recording_id": 1}),
        ("archive", {}),
        ("jobs", {"operation": "complete_job", "job_id": "none"}),
        ("tokens", {"operation": "ask"}),
        ("traffic", {}),
        ("traffic", []),
    ],
)
async def test_what_control_does_not_understand_is_refused(
    caller: Caller, part: str, body: object
) -> None:
    """With the reason."""
    async with caller.http.post(f"/_sim/{part}", json=body) as answer:
        assert answer.status == 422
        assert await answer.text()


async def test_traffic_runs_until_it_is_stopped(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Recordings appear, as a client sees; its rate may change."""
    simulator.start_traffic(1)
    simulator.start_traffic(500)
    await simulator.until(lambda: len(simulator.site.archive.shelves[None]) >= 5)
    await simulator.stop_traffic()
    there = len(simulator.site.archive.shelves[None])
    assert (await caller.get())[1]["total_items"] == there


async def test_a_process_of_its_own() -> None:
    """Says where it is, answers, and ends when it is told to."""
    arguments = ("--recordings", "3", "--types", "schema", "--users", "7", "8")
    module = "tracker.simulators.vonage_business"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, "--rate", "1", stdout=PIPE
    )
    assert process.stdout
    try:
        told = json.loads(await process.stdout.readline())
        assert told["users"] == ["745249", "7", "8"]
        async with aiohttp.ClientSession(told["url"]) as http:
            caller = Caller(http, told["url"])
            await caller.log_in()
            _, page = await caller.get(order="start:ASC")
        assert page["total_items"] >= 3
        assert isinstance(page["_embedded"]["recordings"][0]["caller_id"], str)
    finally:
        process.terminate()
        ended = await process.wait()
    assert ended == 0


async def test_every_byte_of_a_great_file_arrives(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Also to who reads slowly and in pieces of another size."""
    recording = simulator.add_recording(size_bytes=20_000_001)
    path = f"{API}/audio/recording/{recording.id}"
    wanted = b"".join(audio_chunks(recording.id, 0, recording.size_bytes))
    came = bytearray()
    async with caller.http.get(path) as answer:
        async for chunk in answer.content.iter_chunked(100_003):
            came += chunk
            await asyncio.sleep(0)
    assert came == wanted
