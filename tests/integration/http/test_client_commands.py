"""The Python client asks for commands, through a network that breaks."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.integration.http.kept_site import KeptSite, keeping
from tests.integration.http.proxy import proxied
from tests.integration.http.site import JWT
from tests.integration.http.test_client import answering
from tests.integration.servers import Server, free_port
from tracker.client import ProblemError, RefusedError, Tracker, UnansweredError

CALL = "genesys/acme/c%2F1"


@pytest.fixture
async def site(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """With access tokens, and a call of jdoe's that is recorded."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        await site.show(CALL)
        yield site


async def test_a_command_is_waited_for(site: KeptSite) -> None:
    """What is asked for is what is taken, and its end is what is answered."""
    tracker = Tracker(site.url + "/", site.token())
    asking = asyncio.create_task(
        tracker.command(
            CALL,
            "pause",
            agent="jdoe",
            reason="payment",
            options={"quiet": True},
            deadline_s=40,
            wait_s=20,
        )
    )
    shown = await site.until(CALL, lambda call: call["command"] is not None)
    command = shown["command"]
    assert (command["agent"], command["reason"]) == ("jdoe", "payment")
    await site.answer(CALL, command["id"])
    await site.show(CALL, "paused")
    answer = await asking
    assert (answer["id"], answer["stage"]) == (command["id"], "confirmed")


async def test_a_cut_connection_asks_once(site: KeptSite) -> None:
    """The repeat finds the first command; a second cut is told."""
    async with proxied(site.url) as proxy:
        tracker = Tracker(proxy.url, site.token())
        asking = asyncio.create_task(tracker.command(CALL, "pause", wait_s=20))
        shown = await site.until(CALL, lambda call: call["command"] is not None)
        proxy.cut()
        id_ = shown["command"]["id"]
        await site.answer(CALL, id_)
        await site.show(CALL, "paused")
        assert (await asking)["id"] == id_
    with pytest.raises(UnansweredError):
        await Tracker(f"http://127.0.0.1:{free_port()}").command(CALL, "pause")


async def test_an_answer_that_breaks_off_is_none() -> None:
    """It is asked again with the same key; then nobody knows."""
    asked: list[str] = []

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
        await reader.readexactly(int(headers["Content-Length"]))
        asked.append(headers["Idempotency-Key"])
        writer.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{"id":')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(UnansweredError, match="broke off") as unanswered:
            await Tracker(url).command(CALL, "pause")
    assert unanswered.value.taken
    assert (len(asked), len(set(asked))) == (2, 1)


async def test_a_problem_says_why(site: KeptSite) -> None:
    """Its words are the error's, and all of it is there for programs."""
    tracker = Tracker(site.url, site.token())
    first = await tracker.command(CALL, "pause", idempotency_key="k")
    again = await tracker.command(CALL, "pause", idempotency_key="k")
    assert again["id"] == first["id"]
    with pytest.raises(ProblemError, match="another command") as refused:
        await tracker.command(CALL, "stop")
    assert refused.value.code == 409
    assert refused.value.problem["command"]["id"] == first["id"]
    with pytest.raises(ProblemError) as refused:
        await Tracker(site.url).command(CALL, "pause")
    assert refused.value.code == 401
    with pytest.raises(ValueError, match="provider/account/id"):
        await tracker.command("c1", "pause")


async def test_a_call_is_watched(site: KeptSite) -> None:
    """On a platform that lists none."""
    await site.feed("vonage_cc", "poller")
    tracker = Tracker(site.url, site.token())
    key = "vonage_cc/acme/a%20b"
    watched = await tracker.watch_call(key, expected="paused", deadline_s=20)
    assert (watched["key"], watched["call_id"]) == (key, "a b")
    assert (watched["expected"], watched["deadline_s"]) == ("paused", 20)
    with pytest.raises(ProblemError) as refused:
        await tracker.watch_call(CALL)
    assert refused.value.code == 409


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"hello"), (200, b"[]"), (302, b""), (502, b"<html>"), (409, b"[]")],
)
async def test_another_kind_of_server_is_a_refusal(status: int, body: bytes) -> None:
    """What is no answer of tracker's is none, and is not asked twice."""
    asked = 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, body=body, headers=headers)

    async with answering(handler) as url:
        with pytest.raises(RefusedError) as refused:
            await Tracker(url).command(CALL, "pause")
    assert asked == 1
    assert refused.value.code in (0, status)
