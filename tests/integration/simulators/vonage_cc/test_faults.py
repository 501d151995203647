"""A simulated contact centre that fails, is told what to do, or drives itself."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from tests.integration.servers import free_port
from tests.integration.simulators.vonage_cc.caller import (
    AGENTS,
    CALL,
    GUID,
    V0,
    Caller,
    capture,
)
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_cc import Call, VonageCcSimulator

PAUSE = capture("pause-request")
SWITCH = "/_sim/switch"


async def test_a_status_strikes_whom_it_is_meant_for(
    simulator: VonageCcSimulator, caller: Caller, call: Call
) -> None:
    """One agent's calls, one method, once; nobody else is touched."""
    fault = Fault(
        kind=FaultKind.STATUS, path="POST *", agent="10", retry_after_s=7, count=1
    )
    armed = simulator.faults.add(fault)
    other = simulator.begin_call("11", "01555000001")
    assert (await caller.post(PAUSE, f"{V0}/calls/{other.guid}"))[0] == 202
    assert (await caller.get())[0] == 200
    assert (await caller.get(f"{V0}/agents/10"))[0] == 200
    assert armed.fired == 0
    async with caller.http.post(CALL, json=PAUSE) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert not call.due_s
    assert (await caller.post(PAUSE))[0] == 202


async def test_a_status_strikes_every_method_of_a_path(
    simulator: VonageCcSimulator, caller: Caller, call: Call
) -> None:
    """When it names none; in whatever case the path is asked for."""
    simulator.faults.add(Fault(kind=FaultKind.STATUS, path=CALL, status=500))
    assert (await caller.get())[0] == 500
    assert (await caller.post(PAUSE, CALL.upper()))[0] == 500
    assert not call.due_s
    assert (await caller.get(AGENTS))[0] == 200
    simulator.faults.clear()
    assert (await caller.get())[0] == 200


async def test_an_accepted_change_may_never_come(
    simulator: VonageCcSimulator, caller: Caller, call: Call
) -> None:
    """The answer is as good as any; the next one comes."""
    simulator.faults.add(Fault(kind=FaultKind.NEVER, path="POST *", count=1))
    simulator.next_delay(call, 0)
    assert await caller.post(PAUSE) == (202, PAUSE)
    assert not call.due_s
    simulator.contradict_next(call, "Buffering")
    assert await caller.post(PAUSE) == (202, PAUSE)
    await simulator.until(lambda: bool(simulator.changes))
    assert [change.after for change in simulator.changes] == ["Buffering"]


@pytest.mark.parametrize(
    ("body", "content"), [("html", "<html>"), ("empty", ""), ("broken", "[{")]
)
async def test_garbage_is_no_answer(
    simulator: VonageCcSimulator, caller: Caller, body: Any, content: str
) -> None:
    """A page, nothing, or half of it, with status 200; then all is well again."""
    simulator.faults.add(Fault(kind=FaultKind.GARBAGE, body=body, count=1))
    async with caller.http.get(AGENTS) as answer:
        assert answer.status == 200
        text = await answer.text()
    assert text.startswith(content)
    with pytest.raises(ValueError, match=r"Expecting|delimiter|Unterminated"):
        json.loads(text)
    assert (await caller.get(AGENTS))[1]["count"] == 4


@pytest.mark.parametrize("after", [False, True])
async def test_a_cut_request_has_no_status(
    simulator: VonageCcSimulator, caller: Caller, call: Call, after: bool
) -> None:
    """Cut before anything happens, or in the middle of the answer: it took effect."""
    fault = Fault(kind=FaultKind.CUT, path="POST *", after=after, count=1)
    simulator.faults.add(fault)
    with pytest.raises(aiohttp.ClientError):
        await caller.post(PAUSE)
    assert bool(call.due_s) == after
    await simulator.until(lambda: len(simulator.changes) == int(after))
    assert (await caller.post(PAUSE))[0] == 202
    seen = [(request.method, request.status) for request in simulator.requests]
    assert seen == [("POST", 200), ("POST", None), ("POST", 202)]


@pytest.mark.usefixtures("call")
async def test_a_hang_holds_up_nobody_else(
    simulator: VonageCcSimulator, caller: Caller
) -> None:
    """It lasts until it is cleared; then the connection is reset."""
    fault = Fault(kind=FaultKind.HANG, path="POST *", count=1)
    armed = simulator.faults.add(fault)
    hanging = asyncio.create_task(caller.post(PAUSE))
    await simulator.until(lambda: armed.fired == 1)
    assert await caller.recording() == "Started"
    assert (await caller.post(PAUSE))[0] == 202
    assert not hanging.done()
    simulator.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await hanging
    assert [request.status for request in simulator.requests] == [200, None, 200, 202]


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize("after", [False, True])
async def test_a_slow_answer_holds_up_nobody_else(
    simulator: VonageCcSimulator, caller: Caller, after: bool
) -> None:
    """It comes, later."""
    slow_s = 0.5
    fault = Fault(kind=FaultKind.DELAY, path="POST *", delay_s=slow_s, after=after)
    armed = simulator.faults.add(fault)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    slow = asyncio.create_task(caller.post(PAUSE))
    await simulator.until(lambda: armed.fired == 1)
    assert (await caller.get())[0] == 200
    assert not slow.done()
    assert await slow == (202, PAUSE)
    assert loop.time() - began_s >= slow_s


async def test_calls_and_tokens_outlive_the_server(
    simulator: VonageCcSimulator, call: Call
) -> None:
    """Who waits for an answer is cut off; what people did in between is there."""
    port = free_port()
    async with AsyncExitStack() as server:
        url = await server.enter_async_context(simulator.serve(port=port))
        async with aiohttp.ClientSession(url) as http:
            caller = Caller(http, url)
            await caller.log_in()
            armed = simulator.faults.add(Fault(kind=FaultKind.HANG))
            waiting = asyncio.create_task(caller.post(PAUSE))
            await simulator.until(lambda: armed.fired == 1)
            await server.aclose()
            with pytest.raises(aiohttp.ClientError):
                await waiting
            simulator.pause(call)
            async with simulator.serve(port=port) as again:
                assert again == url
                assert await caller.recording() == "Paused"
    assert simulator.token_requests == 1


async def test_everything_can_be_asked_for_over_http(
    simulator: VonageCcSimulator, caller: Caller
) -> None:
    """What people do, traffic, and a look at it all."""

    async def operate(operation: str, **arguments: Any) -> Any:
        body = {"operation": operation, **arguments}
        status, answer = await caller.post(body, SWITCH)
        assert status == 200
        return answer

    made = await operate("begin_call", agent_id="10", caller="01555", guid=GUID)
    assert made == {"call": GUID}
    for operation in ("pause", "resume", "transfer_out"):
        assert await operate(operation, call=GUID) == {}
    await operate("show", call=GUID, status_value="Buffering")
    await operate("show_status", call=GUID, status="OnHold")
    _, body = await caller.get()
    assert (body["status"], body["recordingStatus"]) == ("OnHold", "Buffering")
    await operate("end", call=GUID, result={"code": "Failure"})
    assert (await caller.get())[1]["result"]["code"] == "Failure"
    await operate("forget", call=GUID)
    assert (await caller.get())[0] == 404
    for rate in (50, 0):
        body = {"transitions_per_s": rate}
        assert await caller.post(body, "/_sim/traffic") == (200, {})
    _, state = await caller.get("/_sim/state")
    assert (state["agents"], state["token_requests"]) == (4, 1)
    assert state["requests"] == len(simulator.requests) == 4
    values = [change.after for change in simulator.changes]
    assert values[:3] == ["Paused", "Started", "Buffering"]


async def test_what_becomes_of_requests_can_be_said_over_http(
    simulator: VonageCcSimulator, caller: Caller, call: Call
) -> None:
    """Of changes, by the switch; of anything, by faults."""
    later = {"call": GUID, "delay": "never"}
    assert (await caller.post({"operation": "next_delay", **later}, SWITCH))[0] == 200
    await caller.post(PAUSE)
    other = {"operation": "contradict_next", "call": GUID, "to": "Buffering"}
    assert (await caller.post(other, SWITCH))[0] == 200
    await caller.post(PAUSE)
    await simulator.until(lambda: call.recording == "Buffering")
    fault = {"kind": "status", "path": "GET *", "status": 502}
    assert await caller.post(fault, "/_sim/faults") == (201, {"id": 1})
    assert (await caller.get())[0] == 502
    async with caller.http.delete("/_sim/faults") as answer:
        assert answer.status == 204
    assert (await caller.get())[0] == 200
    assert await caller.post({}, "/_sim/expire") == (200, {})
    assert (await caller.get())[0] == 401


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("faults", {"kind": "earthquake"}),
        ("switch", {"operation": "is_busy", "agent_id": "10"}),
        ("switch", {"operation": "pause", "call": "none"}),
        ("switch", {"operation": "pause", "call": GUID, "milk": 1}),
        ("switch", {"operation": "begin_call", "agent_id": "99", "caller": "01555"}),
        ("traffic", {}),
        ("traffic", [50]),
        ("traffic", {"transitions_per_s": "fast"}),
        ("switch", {"operation": "end", "call": GUID, "result": ["Failure"]}),
    ],
)
async def test_what_control_does_not_understand_is_refused(
    simulator: VonageCcSimulator, caller: Caller, name: str, body: object
) -> None:
    """With 422 and the reason; nothing is done."""
    async with caller.http.post(f"/_sim/{name}", json=body) as answer:
        assert answer.status == 422
        assert await answer.text()
    assert not simulator.faults
    assert (len(simulator.calls), len(simulator.changes)) == (1, 0)


async def test_traffic_runs_until_it_is_stopped(simulator: VonageCcSimulator) -> None:
    """Its rate can change while it runs; afterwards only what is asked for happens."""
    simulator.start_traffic(transitions_per_s=500)
    simulator.start_traffic(transitions_per_s=2_000)
    await simulator.until(lambda: len(simulator.changes) > 20)
    await simulator.stop_traffic()
    calls, changes = len(simulator.calls), len(simulator.changes)
    call = simulator.begin_call("10", "01555000000", guid=GUID)
    simulator.next_delay(call, 0.05)
    simulator.site.switch.accept(call, "Paused")
    await simulator.until(lambda: call.recording == "Paused")
    assert (len(simulator.calls), len(simulator.changes)) == (calls + 1, changes + 1)


async def test_broken_traffic_is_reported(simulator: VonageCcSimulator) -> None:
    """At once, not only when somebody stops it."""
    reported: asyncio.Future[BaseException] = asyncio.Future()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: reported.set_result(context["exception"])
    )

    def break_down() -> None:
        raise RuntimeError("line down")

    simulator.site.switch.listener = break_down
    simulator.start_traffic(transitions_per_s=1_000)
    assert str(await reported) == "line down"
    await simulator.stop_traffic()


async def test_a_process_of_its_own() -> None:
    """It says where it is, does what it was told, and ends when told to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tracker.simulators.vonage_cc", "--agents=30", "--delay-s=never"),
        *("--account=A1", "--rate=200"),
        stdout=PIPE,
    )
    assert process.stdout
    try:
        line = json.loads(await process.stdout.readline())
        assert (line["account"], line["client_id"]) == ("A1", "tracker")
        assert line["agents"] == [str(number) for number in range(10, 40)]
        async with aiohttp.ClientSession(line["url"]) as http:
            caller = Caller(http, line["url"])
            await caller.log_in()
            assert (await caller.get("/v0/A1/agents/39"))[0] == 200
            while not (await caller.get("/_sim/state"))[1]["calls"]:
                assert process.returncode is None
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 5)
    assert process.returncode == 0
