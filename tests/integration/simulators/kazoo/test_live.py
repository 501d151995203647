"""Live channels: looked at and told what to do, and what the sockets tell of them."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.integration.simulators.kazoo.caller import (
    ACCOUNT,
    CHANNELS,
    Caller,
    Listener,
    capture,
    listener,
)
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.kazoo import Call, Channel, KazooOptions, KazooSimulator, State

DESTROY = "call.CHANNEL_DESTROY.*"
ANSWER = "call.CHANNEL_ANSWER.*"
CREATED = "object.doc_created.*"


def talk(simulator: KazooSimulator, **more: Any) -> Call:
    call = simulator.begin_call(simulator.users[0], **more)
    simulator.answer(call)
    return call


async def reaches(simulator: KazooSimulator, channel: Channel, state: State) -> None:
    await simulator.until(lambda: channel.state is state)


async def test_channels_are_listed_and_shown(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """Both of a call; the detail has the interaction, no detail has a recording."""
    call = talk(simulator, call_id="a/b@127.0.0.1")
    _, listed = await caller.get(CHANNELS)
    assert {item["uuid"] for item in listed["data"]} == {it.id for it in call.channels}
    status, shown = await caller.get(f"{CHANNELS}/{call.channels[1].id}")
    assert (status, shown["data"]["interaction_id"]) == (200, call.interaction_id)
    assert shown["data"]["other_leg_call_id"] == "a/b@127.0.0.1"
    simulator.end(call)
    assert (await caller.get(f"{CHANNELS}/{call.channels[1].id}"))[0] == 404
    assert (await caller.get(CHANNELS))[1]["data"] == []


async def test_a_recording_is_controlled(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """All is accepted with the same words; what comes of it nobody says."""
    channel = talk(simulator).channels[0]
    states = {
        "start": State.RECORDING,
        "mask": State.MASKED,
        "unmask": State.RECORDING,
        "stop": State.STOPPED,
    }
    for action, state in states.items():
        status, body = await caller.control(channel.id, action=action)
        assert (status, body["data"]) == (202, capture("metaflow-sent")["data"])
        await reaches(simulator, channel, state)
    await simulator.until(lambda: len(simulator.recordings) == 1)
    assert [change.after for change in simulator.changes] == list(states.values())


async def test_what_is_wrong_is_refused(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """And no channel changes."""
    channel = talk(simulator).channels[0]
    status, body = await caller.control(channel.id, action="start", time_limit="600")
    assert (status, body["message"]) == (400, "validation error")
    assert body["data"]["data.time_limit"].keys() == {"type"}
    assert (await caller.control("nothing", action="start"))[0] == 404
    assert (await caller.control(channel.id, action="pause"))[0] == 400
    body = {"data": {"action": "start_record"}}
    assert (await caller.ask("POST", f"{CHANNELS}/{channel.id}", json=body))[0] == 400
    assert (channel.state, simulator.changes) == (State.STOPPED, [])


async def test_accepted_then_never(simulator: KazooSimulator, caller: Caller) -> None:
    """By a fault; the answer is the same."""
    call = talk(simulator)
    channel, other = call.channels
    simulator.faults.add(
        Fault(kind=FaultKind.NEVER, path=f"PUT {CHANNELS}/{channel.id}", count=1)
    )
    for each in (channel, other):
        assert (await caller.control(each.id, action="start"))[0] == 202
    await reaches(simulator, other, State.RECORDING)
    assert channel.state is State.STOPPED


async def test_a_call_is_heard(simulator: KazooSimulator, heard: Listener) -> None:
    """Who has bindings is told, and of nothing else."""
    assert await heard.ask("subscribe", ANSWER) == {"subscribed": [ANSWER]}
    assert await heard.ask("subscribe", DESTROY) == {"subscribed": [DESTROY]}
    assert await heard.ask("subscribe", CREATED) == {"subscribed": [CREATED]}
    call = talk(simulator)
    simulator.record(call.channels[0])
    simulator.end(call)
    told = [await heard.receive() for _ in range(5)]
    names = [frame["name"] for frame in told]
    assert names == ["CHANNEL_ANSWER"] * 2 + ["CHANNEL_DESTROY"] * 2 + ["doc_created"]
    assert told[3]["data"]["media_recordings"] == [told[4]["data"]["id"]]
    assert told[4]["data"]["id"] in simulator.recordings
    gone = await heard.ask("unsubscribe", DESTROY)
    assert gone == {"unsubscribed": [DESTROY], "subscribed": [ANSWER, CREATED]}
    simulator.end(talk(simulator))
    names = [(await heard.receive())["name"] for _ in range(2)]
    assert names == ["CHANNEL_ANSWER"] * 2
    assert await heard.ask("ping") == {"response": "pong"}


@pytest.mark.parametrize("enabled", [False, True])
async def test_recordings_are_heard_where_they_may_be(enabled: bool) -> None:
    """Elsewhere the binding is refused."""
    simulator = KazooSimulator(KazooOptions(record_events=enabled))
    async with (
        simulator.serve() as urls,
        aiohttp.ClientSession(urls.base_url) as http,
    ):
        caller = Caller(http, urls)
        await caller.log_in()
        async with listener(urls, caller.token) as heard:
            reply = await heard.ask("subscribe", "call.RECORD_STOP.*")
            if not enabled:
                assert reply == {"errors": ["event RECORD_STOP not supported"]}
                return
            channel = talk(simulator).channels[0]
            simulator.record(channel)
            simulator.stop(channel)
            frame = await heard.receive()
            assert frame["data"]["call_id"] == channel.id
            assert frame["name"] == "RECORD_STOP"


async def test_an_expired_token_opens_no_socket(
    simulator: KazooSimulator, caller: Caller, heard: Listener
) -> None:
    """One that was opened before goes on."""
    assert await heard.ask("ping") == {"response": "pong"}
    simulator.expire_tokens()
    assert await heard.ask("subscribe", DESTROY) == {"subscribed": [DESTROY]}
    async with listener(caller.urls, caller.token) as late:
        said = f"failed to authenticate token {caller.token}"
        assert await late.ask("subscribe", DESTROY) == {"errors": [said]}


async def test_bindings_are_lost_silently(
    simulator: KazooSimulator, heard: Listener
) -> None:
    """The socket stays and answers; only asking again shows it."""
    await heard.ask("subscribe", ANSWER)
    assert simulator.bindings == [ANSWER]
    simulator.drop_bindings()
    talk(simulator)
    assert await heard.ask("ping") == {"response": "pong"}
    assert await heard.ask("unsubscribe", ANSWER) == {
        "unsubscribed": [],
        "subscribed": [],
    }
    await heard.ask("subscribe", ANSWER)
    talk(simulator)
    assert (await heard.receive())["name"] == "CHANNEL_ANSWER"


async def test_sockets_are_cut(simulator: KazooSimulator, heard: Listener) -> None:
    """Without a word."""
    await heard.ask("ping")
    simulator.cut_sockets()
    with pytest.raises(ConnectionClosed):
        await heard.receive()
    await simulator.until(lambda: simulator.open_sockets == 0)


async def test_a_subprotocol_is_refused(caller: Caller) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(caller.urls.websocket_url, subprotocols=[Subprotocol("any")])
    assert refused.value.response.status_code == 400
    base = caller.urls.websocket_url.replace("ws", "http", 1)
    async with aiohttp.ClientSession() as http, http.get(base) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("options", [KazooOptions(most_sockets=1)], ids=["one"])
async def test_an_address_has_so_many_sockets(
    simulator: KazooSimulator, caller: Caller
) -> None:
    """One more is refused; when one is closed, there is room again."""
    async with listener(caller.urls, caller.token) as first:
        await first.ask("ping")
        with pytest.raises(InvalidStatus) as refused:
            await connect(caller.urls.websocket_url)
        assert refused.value.response.status_code == 429
    await simulator.until(lambda: simulator.open_sockets == 0)
    async with listener(caller.urls, caller.token) as second:
        assert await second.ask("ping") == {"response": "pong"}


@pytest.mark.parametrize("options", [KazooOptions(idle_timeout_s=0.05)], ids=["short"])
async def test_a_silent_socket_is_closed(heard: Listener) -> None:
    """In good order."""
    with pytest.raises(ConnectionClosed) as closed:
        await heard.receive()
    assert closed.value.rcvd


async def test_what_is_no_frame_is_not_answered(
    simulator: KazooSimulator, heard: Listener
) -> None:
    for text in ("", "{", "[]", '"ping"'):
        await heard.socket.send(text)
    await heard.socket.send(b"\0")
    assert await heard.ask("ping") == {"response": "pong"}
    assert [frame["action"] for frame in simulator.frames] == ["ping"]


async def test_pings_are_answered_unless_they_are_not(
    simulator: KazooSimulator, heard: Listener
) -> None:
    """Those of the protocol and those in frames, each by a fault of its own."""
    await (await heard.socket.ping())
    simulator.faults.add(Fault(kind=FaultKind.DROP, path="pong", count=1))
    simulator.faults.add(Fault(kind=FaultKind.DROP, path="reply/ping", count=1))
    unanswered = await heard.socket.ping(b"first")
    assert isinstance(unanswered, asyncio.Future)
    await heard.say("ping")
    assert await heard.ask("ping") == {"response": "pong"}
    assert not unanswered.done()
    assert [frame["request_id"] for frame in simulator.frames] == ["R1", "R2"]
    unanswered.cancel()


async def test_events_are_dropped_late_or_garbled(
    simulator: KazooSimulator, heard: Listener
) -> None:
    """One by one, as the faults say, which name routing keys."""
    await heard.ask("subscribe", DESTROY)
    calls = [simulator.begin_call(simulator.users[0]) for _ in range(4)]
    firsts = [call.channels[0].id for call in calls]

    def strike(kind: FaultKind, channel_id: str, **more: Any) -> None:
        key = f"call.{ACCOUNT}.CHANNEL_DESTROY.{channel_id}".replace(
            "127.0.0.1", "127%2E0%2E0%2E1"
        )
        simulator.faults.add(Fault(kind=kind, path=key, count=1, **more))

    strike(FaultKind.DROP, firsts[0])
    strike(FaultKind.GARBAGE, firsts[1], body="broken")
    strike(FaultKind.REORDER, firsts[2], delay_s=60)
    strike(FaultKind.DELAY, firsts[3], delay_s=0.05)
    for call in calls:
        simulator.end(call)
    seconds = [call.channels[1].id for call in calls]
    told = [await heard.socket.recv() for _ in range(7)]
    assert told.pop(2) == '{"action":"ev'
    ids = [json.loads(text)["data"]["call_id"] for text in told]
    assert ids == [*seconds, firsts[2], firsts[3]]


async def test_a_handshake_may_fail(simulator: KazooSimulator, caller: Caller) -> None:
    """Like any other request."""
    simulator.faults.add(Fault(kind=FaultKind.STATUS, path="GET /", count=1))
    with pytest.raises(InvalidStatus) as refused:
        await connect(caller.urls.websocket_url)
    assert refused.value.response.status_code == 503
    async with listener(caller.urls, caller.token) as opened:
        assert await opened.ask("ping") == {"response": "pong"}


async def test_the_end_of_the_server_ends_its_sockets(
    simulator: KazooSimulator,
) -> None:
    """At once; who comes back finds the calls as they are."""
    async with simulator.serve() as urls:
        socket = await connect(urls.websocket_url)
        await simulator.until(lambda: simulator.open_sockets == 1)
        call = talk(simulator)
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert simulator.open_sockets == 0
    assert call.channels[0].id in simulator.channels
