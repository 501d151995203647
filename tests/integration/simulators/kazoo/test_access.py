"""Who may ask over HTTP, how often, and what goes wrong on demand."""

import asyncio
import hashlib
import json
import signal
import sys
from asyncio.subprocess import PIPE

import aiohttp
import pytest

from tests.integration.simulators.kazoo.caller import (
    AUDIO,
    BASE,
    CHANNELS,
    LOGIN,
    RECORDINGS,
    Caller,
    capture,
)
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.kazoo import KazooOptions, KazooSimulator, Recorded


async def test_a_token_is_needed(simulator: KazooSimulator, caller: Caller) -> None:
    """A good one; expired ones are as bad as none, and a new login helps."""
    assert (await caller.get(RECORDINGS))[0] == 200
    simulator.expire_tokens()
    for _ in range(2):
        status, body = await caller.get(RECORDINGS)
        shown = capture("invalid-credentials")
        assert status == 401
        assert shown.keys() <= {*body.keys(), "auth_token"}
        assert body["data"] == shown["data"]
        caller.http.headers.pop("X-Auth-Token", None)
    await caller.log_in()
    assert (await caller.get(RECORDINGS))[0] == 200
    assert simulator.token_requests == 2


async def test_a_token_is_looked_at_and_revoked(caller: Caller) -> None:
    path = "/v2/token_auth"
    status, body = await caller.get(path)
    assert (status, body["auth_token"]) == (200, caller.token)
    assert (await caller.ask("DELETE", path))[0] == 200
    assert (await caller.get(path))[0] == 401


async def test_logins(caller: Caller) -> None:
    """By key or by credentials; a wrong one gets no token."""
    hashed = hashlib.md5(b"tracker:opensesame").hexdigest()  # noqa: S324
    data = {"credentials": hashed, "account_name": "acme"}
    status, body = await caller.put("/v2/user_auth", {"data": data})
    assert (status, capture("user-auth").keys() <= body.keys()) == (201, True)
    assert body["data"].keys() == capture("user-auth")["data"].keys()
    status, body = await caller.put("/v2/api_auth", {"data": {"api_key": "no"}})
    assert (status, body["message"]) == (401, "invalid_credentials")
    assert (await caller.put("/v2/api_auth", []))[0] == 400
    assert (await caller.ask("PUT", "/v2/api_auth", data=b"{"))[0] == 400
    assert (await caller.ask("POST", "/v2/api_auth", json=LOGIN))[0] == 405


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2", 404),
        ("GET", "/v2/accounts/other/recordings", 404),
        ("GET", f"{BASE}/users/nobody/recordings", 404),
        ("GET", f"{CHANNELS}/nothing", 404),
        ("PUT", f"{CHANNELS}/nothing", 400),
        ("POST", RECORDINGS, 405),
        ("DELETE", CHANNELS, 405),
        ("DELETE", f"{CHANNELS}/nothing", 405),
        ("POST", "/v2/token_auth", 405),
    ],
)
async def test_other_requests_are_refused(
    caller: Caller, method: str, path: str, status: int
) -> None:
    """In an envelope, whose code is a string."""
    answered, body = await caller.ask(method, path)
    assert (answered, body["error"], body["status"]) == (status, str(status), "error")


@pytest.mark.parametrize(
    "options", [KazooOptions(bucket=3, refill_per_s=0.001)], ids=["three"]
)
async def test_a_bucket_runs_empty(simulator: KazooSimulator, caller: Caller) -> None:
    """What is left is told; who comes too often is told no more than that."""
    lefts = [(await caller.get(RECORDINGS))[1]["tokens"] for _ in range(3)]
    assert [left["remaining"] for left in lefts] == [2, 1, 0]
    status, body = await caller.get(RECORDINGS)
    shown = capture("too-many-requests")
    assert (status, {name: body[name] for name in shown}) == (429, shown)
    assert [request.status for request in simulator.requests][-2:] == [200, 429]
    assert simulator.peak_per_s() >= 1


async def test_requests_are_written_down(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """With query and answer."""
    await caller.get(RECORDINGS, page_size="2")
    await simulator.until(lambda: simulator.requests[-1].status is not None)
    request = simulator.requests[-1]
    assert (request.method, request.path, request.status) == ("GET", RECORDINGS, 200)
    assert request.query == "page_size=2"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(kind=FaultKind.STATUS, status=502, count=1), 502),
        (Fault(kind=FaultKind.STATUS, path=f"GET {BASE}/*", count=1), 503),
    ],
)
async def test_faults_strike_once(
    simulator: KazooSimulator, caller: Caller, fault: Fault, status: int
) -> None:
    simulator.faults.add(fault)
    assert (await caller.get(RECORDINGS))[0] == status
    assert (await caller.get(RECORDINGS))[0] == 200


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("audio", [False, True])
async def test_an_answer_is_cut_in_its_middle(is_chunked: bool, audio: bool) -> None:
    """A listing's, streamed or not, and audio's; the next one is whole."""
    simulator = KazooSimulator(KazooOptions(is_chunked=is_chunked))
    document = simulator.add_recording(Recorded(size_bytes=500_000))
    path = f"{RECORDINGS}/{document.id}" if audio else RECORDINGS
    async with (
        simulator.serve() as urls,
        aiohttp.ClientSession(urls.base_url, headers=AUDIO if audio else {}) as http,
    ):
        caller = Caller(http, urls)
        await caller.log_in()
        simulator.faults.add(
            Fault(kind=FaultKind.CUT, path="GET *", after=True, count=1)
        )
        with pytest.raises(aiohttp.ClientError):
            async with http.get(path) as answer:
                await answer.read()
        async with http.get(path) as answer:
            assert len(await answer.read()) > 0


async def test_everything_outlives_the_server(simulator: KazooSimulator) -> None:
    """Tokens, recordings and calls."""
    document = simulator.add_recording(Recorded())
    token = ""
    for _ in range(2):
        async with (
            simulator.serve() as urls,
            aiohttp.ClientSession(urls.base_url) as http,
        ):
            caller = Caller(http, urls)
            if token:
                http.headers["X-Auth-Token"] = token
            else:
                await caller.log_in()
                token = caller.token
            assert (await caller.get(f"{RECORDINGS}/{document.id}"))[0] == 200
    assert simulator.token_requests == 1


async def test_control_over_http(simulator: KazooSimulator, caller: Caller) -> None:
    """Everything that a test in this process can do as well."""
    user_id = simulator.users[0]

    async def post(name: str, **body: object) -> tuple[int, str]:
        async with caller.http.post(f"/_sim/{name}", json=body) as answer:
            return answer.status, await answer.text()

    _, told = await post("switch", operation="begin_call", user_id=user_id)
    begun = json.loads(told)
    call, channel = begun["call"], begun["channels"][0]
    assert (await post("switch", operation="answer", call=call))[0] == 200
    assert (await post("switch", operation="record", channel=channel))[0] == 200
    assert simulator.channels[channel].recording
    _, told = await post("recordings", duration_ms=1_000)
    assert json.loads(told)["recording"] in simulator.recordings
    assert (await post("recordings", volume=11))[0] == 422
    assert (await post("switch", operation="clear", call=call))[0] == 422
    assert (await post("sockets", operation="drop_bindings"))[0] == 200
    assert (await post("sockets", operation="serve"))[0] == 422
    assert (await post("faults", kind="status", path="/v2/*", count=1))[0] == 201
    assert (await caller.get(RECORDINGS))[0] == 503
    await post("expire")
    assert (await caller.get(RECORDINGS))[0] == 401
    _, state = await caller.get("/_sim/state")
    assert (state["calls"], state["channels"], state["recordings"]) == (1, 2, 1)


async def test_traffic_makes_calls_and_recordings(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """Until it is stopped."""
    async with caller.http.post("/_sim/traffic", json={"transitions_per_s": 500}):
        await simulator.until(lambda: len(simulator.recordings) > 3)
    async with caller.http.post("/_sim/traffic", json={"transitions_per_s": 0}):
        told = len(simulator.changes)
    assert (await caller.get(CHANNELS))[0] == 200
    assert len(simulator.changes) == told


async def test_a_process_of_its_own() -> None:
    """It prints where it answers, makes traffic, and ends when told to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tracker.simulators.kazoo", "--users=30", "--rate=200"),
        *("--bucket=none", "--control-delay-s=never"),
        stdout=PIPE,
    )
    assert process.stdout
    try:
        line = json.loads(await process.stdout.readline())
        assert len(set(line["users"])) == 30
        async with aiohttp.ClientSession() as http:
            async with http.put(line["base_url"] + "/v2/api_auth", json=LOGIN) as it:
                assert it.status == 201
            async with http.ws_connect(line["websocket_url"]) as socket:
                assert not socket.closed
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 5)
    assert process.returncode == 0
