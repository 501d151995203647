"""The peers that other tests lean on do what they are said to do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.integration.peers import (
    CALLS_PATH,
    ME_PATH,
    NOTIFICATIONS_PATH,
    Client,
    CometdServer,
    Server,
    cometd_client,
    cometd_server,
    faye_server,
    peak_per_s,
)

CALL = {"id": "c1", "state": "Established", "recordingState": "Recording"}
NOTIFICATION = {"messageType": "CallStateChangeMessage", "call": CALL}
JANE = {"Authorization": aiohttp.encode_basic_auth("jane", "secret")}


@pytest.fixture(params=[cometd_server, faye_server])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    async with request.param() as running:
        yield running


@pytest.fixture
async def cometd() -> AsyncIterator[CometdServer]:
    async with cometd_server() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(headers=JANE, cookie_jar=jar) as session:
        yield session


def client_of(server: Server, user: str) -> Any:
    return cometd_client(server.url + NOTIFICATIONS_PATH, user=user)


async def subscribed(client: Client) -> None:
    assert (await client.event("subscribed"))["successful"]


async def test_a_call_is_shown_to_its_agent_only(
    server: Server, http: aiohttp.ClientSession
) -> None:
    """A notification reaches the named agent's subscribers and the REST list."""
    async with client_of(server, "jane") as jane, client_of(server, "john") as john:
        await asyncio.gather(subscribed(jane), subscribed(john))
        await server.show("jane", NOTIFICATION)
        await server.publish({"for": "all"})

        assert (await jane.event("message"))["data"] == NOTIFICATION
        assert (await jane.event("message"))["data"] == {"for": "all"}
        assert (await john.event("message"))["data"] == {"for": "all"}
        async with http.get(f"{server.url}{CALLS_PATH}?fields=*") as answer:
            assert await answer.json() == {"statusCode": 0, "calls": [CALL]}


async def test_an_expired_session_must_shake_hands_again(server: Server) -> None:
    """After expire() the client handshakes, subscribes and hears again."""
    async with client_of(server, "jane") as jane:
        await subscribed(jane)
        await server.expire("jane")
        await subscribed(jane)
        await server.publish(NOTIFICATION, user="jane")
        await jane.event("message")


async def test_a_restart_forgets_every_session(server: Server) -> None:
    """A client comes back to the same port after the server was down."""
    async with client_of(server, "jane") as jane:
        await subscribed(jane)
        await server.restart(0.1)
        await subscribed(jane)


async def test_a_torn_answer_is_repaired_by_acknowledgement(
    cometd: CometdServer,
) -> None:
    """With the ack extension a message lost in a reset answer is sent again, once."""
    async with client_of(cometd, "jane") as jane:
        await subscribed(jane)
        await cometd.fault("reset", containing="CallStateChange")
        await cometd.publish(NOTIFICATION, {"after": 1}, user="jane")

        assert (await jane.event("message"))["data"] == NOTIFICATION
        assert (await jane.event("message"))["data"] == {"after": 1}
        await jane.event("meta", channel="/meta/connect", successful=False)


async def test_refusals_and_advice(server: Server) -> None:
    """A subscription is refused and a reply altered on command, as often as asked."""
    await server.refuse_subscription()
    await server.alter_reply(
        {"advice": {"reconnect": "none", "interval": 7}}, channel="/meta/handshake"
    )
    async with client_of(server, "jane") as jane:
        reply = (await jane.event("meta", channel="/meta/handshake"))["message"]
        assert reply["advice"] == {"reconnect": "none", "interval": 7}
        assert not (await jane.event("subscribed"))["successful"]


async def test_faults_befall_matching_requests(
    server: Server, http: aiohttp.ClientSession
) -> None:
    """Canned answers, drops, hangs and resets come as often as armed, then heal."""
    url = server.url + ME_PATH
    await server.answer(200, "<html>", content_type="text/html", user="jane")
    async with http.post(url) as answer:
        assert (answer.content_type, await answer.text()) == ("text/html", "<html>")
    for kind in ("drop", "reset"):
        await server.fault(kind, path=ME_PATH)
        with pytest.raises(aiohttp.ClientError):
            await (await http.post(url)).read()
    await server.fault("hang", count=None)
    hanging = asyncio.create_task(http.post(url))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(hanging), 0.1)
    await server.cut("jane")
    with pytest.raises(aiohttp.ClientError):
        await hanging
    await server.heal()
    async with http.post(url) as answer:
        assert answer.status == 200
    seen = await server.requests()
    assert [request.status for request in seen] == [200, None, 200, None, 200]
    assert peak_per_s(seen) >= 4


async def test_logins_and_csrf(http: aiohttp.ClientSession) -> None:
    """Wrong passwords are 401, strangers 403, and a POST needs the latest token."""
    async with faye_server(users={"jane": "secret"}, csrf=True) as server:
        me = server.url + ME_PATH
        async with aiohttp.request("GET", me) as answer:
            assert (answer.status, (await answer.json())["statusCode"]) == (403, 20)
        wrong = {"Authorization": aiohttp.encode_basic_auth("jane", "guess")}
        async with aiohttp.request("GET", me, headers=wrong) as answer:
            assert answer.status == 401

        for _ in range(2):
            async with http.get(me) as answer:
                token = {
                    answer.headers["X-CSRF-HEADER"]: answer.headers["X-CSRF-TOKEN"]
                }
            async with http.post(me, headers=token) as answer:
                assert answer.status == 200
            await server.rotate_csrf()
            async with http.post(me, headers=token) as answer:
                assert answer.status == 403
