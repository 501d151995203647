"""Faults, as a client meets them."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.integration.servers import free_port
from tests.integration.simulators.conftest import Running
from tests.integration.simulators.desktop import CALLS, Desktop, desktop
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions

A, B = "agent-0001", "agent-0002"
ME = "/api/v2/me"
CONNECT = "/api/v2/notifications/connect"


async def test_a_status_strikes_one_agent_on_one_path(
    running: Running, simulator: GenesysSimulator, alice: Desktop
) -> None:
    """429 with Retry-After, as often as it counts; nobody else is touched."""
    simulator.faults.add(
        Fault(
            kind=FaultKind.STATUS,
            path=f"{ME}/calls*",
            agent=A,
            status=429,
            retry_after_s=7,
            count=1,
        )
    )
    async with desktop(running.url, simulator.agents[1]) as bob:
        assert (await bob.get(f"{ME}/calls"))[0] == 200
    assert (await alice.get(ME))[0] == 200
    async with alice.http.get(f"{ME}/calls") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert (await alice.get(f"{ME}/calls"))[0] == 200


@pytest.mark.parametrize(
    ("body", "content"),
    [("html", "<html>"), ("empty", ""), ("broken", "[{")],
)
async def test_garbage_is_no_bayeux(
    simulator: GenesysSimulator, alice: Desktop, body: Any, content: str
) -> None:
    """A page, nothing, or half of it, with status 200."""
    simulator.faults.add(Fault(kind=FaultKind.GARBAGE, body=body, count=1))
    async with alice.http.get(ME) as answer:
        assert answer.status == 200
        text = await answer.text()
    assert text.startswith(content)
    with pytest.raises(ValueError, match=r"Expecting|delimiter|Unterminated"):
        json.loads(text)
    assert (await alice.shake_hands())["successful"]


@pytest.mark.parametrize("after", [False, True])
async def test_a_cut_resets_the_connection(
    simulator: GenesysSimulator, alice: Desktop, after: bool
) -> None:
    """Before anything happens, or in the middle of the answer."""
    simulator.faults.add(Fault(kind=FaultKind.CUT, path=ME, after=after, count=9))
    with pytest.raises(aiohttp.ClientError):
        await alice.get(ME)


async def test_a_cut_answer_was_given(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """Without acknowledgement its messages are lost; with it they come again."""
    for acks, expected in ((False, []), (True, [CALLS])):
        await alice.shake_hands(ext={"ack": acks})
        await alice.subscribe()
        await alice.connect()
        fault = Fault(kind=FaultKind.CUT, path=CONNECT, after=True, count=1)
        waiting = alice.waiting()
        await simulator.until_held(1)
        simulator.faults.add(fault)
        simulator.switch.dial(A, B)
        with pytest.raises(aiohttp.ClientError):
            await waiting
        messages = await alice.connect(ext={"ack": 1}, advice={"timeout": 0})
        assert [message["channel"] for message in messages[:-1]] == expected


async def test_held_connections_are_cut(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """Those of the agent that is named."""
    await alice.begin()
    waiting = alice.waiting()
    await simulator.until_held(1)
    simulator.cut_connections(B)
    simulator.cut_connections(A)
    with pytest.raises(aiohttp.ClientError):
        await waiting


async def test_a_hang_lasts_until_it_is_cleared(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """Then the connection is reset."""
    path = "/api/v2/notifications/handshake"
    armed = simulator.faults.add(Fault(kind=FaultKind.HANG, path=path, count=1))
    hanging = asyncio.create_task(alice.shake_hands())
    assert (await alice.get(f"{ME}/calls"))[0] == 200
    assert armed.fired == 1
    assert not hanging.done()
    simulator.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await hanging


@pytest.mark.parametrize("after", [False, True])
async def test_a_delay_is_not_the_end(
    simulator: GenesysSimulator, alice: Desktop, after: bool
) -> None:
    """The answer comes, later."""
    fault = Fault(kind=FaultKind.DELAY, path=ME, delay_s=0.05, after=after)
    armed = simulator.faults.add(fault)
    assert (await alice.get(ME))[0] == 200
    assert armed.fired == 1


async def test_a_message_may_be_late(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """It overtakes nobody, but may be overtaken."""
    await alice.begin()
    late = Fault(kind=FaultKind.DELAY, path=CALLS, delay_s=0.05, count=1)
    simulator.faults.add(late)
    call = simulator.switch.dial(A, B)
    simulator.switch.answer(call)
    first, _reply = await alice.connect()
    second, _reply = await alice.connect()
    states = [message["data"]["call"]["state"] for message in (first, second)]
    assert states == ["Established", "Dialing"]


async def test_a_message_that_nobody_overtakes_is_late(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """A reorder without a next message is a delay."""
    await alice.begin()
    reorder = Fault(kind=FaultKind.REORDER, path=CALLS, delay_s=0.02, count=1)
    simulator.faults.add(reorder)
    simulator.switch.dial(A, B)
    message, _reply = await alice.connect()
    assert message["data"]["call"]["state"] == "Dialing"


async def test_a_client_is_refused_and_dismissed(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """A subscription with 403; a connect with the advice not to come back."""
    await alice.begin()
    simulator.faults.add(Fault(kind=FaultKind.REFUSE, path=CALLS, count=1))
    assert (await alice.subscribe())["error"] == "403::subscribe_denied"
    assert (await alice.subscribe())["successful"]
    simulator.faults.add(Fault(kind=FaultKind.DISMISS, path="/meta/connect", count=1))
    (reply,) = await alice.connect()
    assert (reply["successful"], reply["advice"]) == (False, {"reconnect": "none"})


async def test_an_expired_session_has_to_begin_again(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """The held connect is answered with 402, at once."""
    await alice.begin()
    waiting = alice.waiting()
    await simulator.until_held(1)
    simulator.expire_sessions(A)
    (reply,) = await waiting
    assert reply["error"] == "402::Unknown client"
    assert reply["advice"]["reconnect"] == "handshake"


async def test_a_silent_client_is_forgotten() -> None:
    """After maxInterval, by the server's own sweep."""
    options = SimulatorOptions(agents=1, max_interval_ms=1)
    simulator = GenesysSimulator(options)
    async with simulator.serve() as url, desktop(url, simulator.agents[0]) as alice:
        await alice.shake_hands()
        await alice.subscribe()
        await simulator.until(lambda: simulator.site.bayeux.subscribed == 0)
        assert (await alice.subscribe())["error"] == "402::Unknown client"


async def test_a_restarted_server_knows_its_calls_but_no_client() -> None:
    """Sessions are gone; what people did in between is there."""
    simulator = GenesysSimulator(SimulatorOptions(agents=2))
    agent = simulator.agents[0]
    port = free_port()
    async with simulator.serve(port=port) as url, desktop(url, agent) as alice:
        await alice.begin()
        waiting = alice.waiting()
        await simulator.until_held(1)
    with pytest.raises((aiohttp.ClientError, asyncio.CancelledError)):
        await waiting
    call = simulator.switch.dial(A, B)
    async with (
        simulator.serve(port=port) as again,
        desktop(again, agent) as alice,
    ):
        assert again == url
        assert simulator.site.bayeux.subscribed == 0
        _, body = await alice.get(f"{ME}/calls?fields=*")
        assert [found["id"] for found in body["calls"]] == [call.id]


async def test_the_newest_connect_of_a_client_counts(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """The one before is answered with 500."""
    await alice.begin()
    first = alice.waiting()
    await simulator.until_held(1)
    second = alice.waiting()
    with pytest.raises(aiohttp.ClientResponseError, match="500"):
        await first
    simulator.switch.dial(A, B)
    assert (await second)[0]["channel"] == CALLS


async def test_advice_can_change(simulator: GenesysSimulator, alice: Desktop) -> None:
    """A client that asks for advice learns it, and is held as long."""
    await alice.begin()
    simulator.advise(timeout_ms=20, interval_ms=30)
    (reply,) = await alice.connect(advice={})
    assert reply["advice"] == {"reconnect": "retry", "timeout": 20, "interval": 30}


async def test_requests_are_counted(
    running: Running, simulator: GenesysSimulator, alice: Desktop
) -> None:
    """Those that faults struck as well, and those of strangers."""
    simulator.faults.add(Fault(kind=FaultKind.STATUS, path=ME, count=1))
    async with alice.http.get(ME) as answer:
        assert answer.status == 503
    await alice.begin()
    async with desktop(running.url, None) as stranger:
        await stranger.get(ME)
    counters = simulator.counters
    assert (counters.total, counters.per_agent[A], counters.per_agent[""]) == (5, 4, 1)
    assert counters.bayeux["/meta/handshake"] == 1


async def test_everything_can_be_asked_for_over_http(
    running: Running, simulator: GenesysSimulator, alice: Desktop
) -> None:
    """Faults, calls, recordings, expiry, traffic and a look at it all."""
    await alice.begin()
    async with desktop(running.url, None) as boss:
        _, made = await boss.post("/_sim/switch", operation="dial", caller=A, callee=B)
        await boss.post("/_sim/switch", operation="answer", call=made["call"])
        operation = "StartCallRecording"
        started = await boss.post(
            "/_sim/switch", operation=operation, call=made["call"], agent=A
        )
        assert started == (200, {"accepted": True})
        status, armed = await boss.post("/_sim/faults", kind="refuse", path=CALLS)
        assert (status, armed) == (201, {"id": 1})
        assert not (await alice.subscribe())["successful"]
        async with boss.http.delete("/_sim/faults") as answer:
            assert answer.status == 204
        assert (await alice.subscribe())["successful"]
        await boss.post("/_sim/advice", interval_ms=5)
        await boss.post("/_sim/csrf")
        await boss.post("/_sim/cut", agent=A)
        await boss.post("/_sim/expire", what="logins")
        await boss.post("/_sim/expire", what="sessions", agent=A)
        assert (await boss.post("/_sim/traffic", transitions_per_s=50))[0] == 200
        assert (await boss.post("/_sim/traffic", transitions_per_s=0))[0] == 200
        status, state = await boss.get("/_sim/state")
    assert (status, state["agents"], state["subscribed"]) == (200, 4, 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "earthquake"}),
        ("switch", {"operation": "legs_of", "agent_id": A}),
        ("switch", {"operation": "answer", "call": "none"}),
        ("expire", {"what": "milk"}),
        ("advice", {"timeout_s": 1}),
    ],
)
async def test_what_control_does_not_understand_is_refused(
    running: Running, path: str, body: dict[str, Any]
) -> None:
    """With 422 and the reason."""
    async with (
        desktop(running.url, None) as boss,
        boss.http.post(f"/_sim/{path}", json=body) as answer,
    ):
        assert answer.status == 422
        assert await answer.text()
