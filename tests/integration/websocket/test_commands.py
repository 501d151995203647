"""Commands over the stream: taken, refused, many at once, and ended with the socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.http.kept_site import Json, KeptSite, keeping
from tests.integration.http.site import JWT
from tests.integration.servers import Server
from tests.integration.websocket.stage import TRACKER_V1, hear, say
from tests.unit.fanout.world import until
from tracker.domain.command import Request
from tracker.errors import StoreUnavailableError

CALL = "genesys/acme/c1"
URN = "urn:tracker:problem:"


@pytest.fixture
async def site(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """With access tokens, and a call of jdoe's that is recorded."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        await site.show(CALL)
        yield site


def opened(site: KeptSite, token: str | None = None) -> connect:
    """A socket of whoever has *token*."""
    headers = {"Authorization": f"Bearer {token or site.token()}"}
    url = site.url.replace("http:", "ws:") + "/v1/stream"
    return connect(
        url, subprotocols=[TRACKER_V1], additional_headers=headers, proxy=None
    )


async def ask(client: ClientConnection, action: str = "pause", **more: object) -> None:
    await say(
        client, **{"op": "command", "id": "1", "call": CALL, **more}, action=action
    )


async def answer(client: ClientConnection) -> Json:
    return await hear(client, "result", "error")


async def test_a_command_is_taken_and_its_stages_are_events(site: KeptSite) -> None:
    """The result holds the command; what becomes of it is told like all else."""
    async with opened(site) as client:
        await say(client, op="subscribe", id="s", filter={"calls": [CALL]})
        await hear(client, "cursor")
        await ask(client, reason="payment", agent="jdoe")
        taken = await answer(client)
        assert (taken["of"], taken["id"]) == ("command", "1")
        command = taken["command"]
        assert (command["stage"], command["sent_at"]) == ("requested", None)
        assert (command["requested_by"], command["reason"]) == ("jdoe", "payment")
        await site.answer(CALL, command["id"])
        await site.show(CALL, "paused")
        while (event := await hear(client))["type"] != "tracker.command.confirmed":
            pass
        assert event["data"]["call"]["command"]["id"] == command["id"]


async def test_a_refusal_is_an_error_that_says_why(site: KeptSite) -> None:
    """The body is HTTP's; the open command stands in it whole."""
    async with opened(site) as client:
        await ask(client, "resume")
        refused = await answer(client)
        assert (refused["op"], refused["id"], refused["status"]) == ("error", "1", 409)
        assert refused["type"] == URN + "not-allowed-now"
        await ask(client, call="genesys/acme/nowhere")
        refused = await answer(client)
        assert (refused["status"], refused["type"]) == (404, "about:blank")
        await ask(client)
        first = (await answer(client))["command"]
        await ask(client, "stop", id="2")
        refused = await answer(client)
        assert (refused["id"], refused["type"]) == ("2", URN + "command-open")
        assert refused["command"] == first


async def test_a_repeat_is_the_first_command(site: KeptSite) -> None:
    """The key is the subject's and the call's, whatever it is asked over."""
    async with opened(site) as client, opened(site) as other:
        await ask(client, idempotency_key="k")
        await ask(other, idempotency_key="k")
        first, second = await answer(client), await answer(other)
        assert first["command"]["id"] == second["command"]["id"]


async def test_the_scope_counts(site: KeptSite) -> None:
    """Who may only read is told what is lacking; who sees no such call, that."""
    async with opened(site, site.token("calls:read")) as client:
        await ask(client)
        refused = await answer(client)
        assert refused["status"] == 403
        assert "calls:control" in refused["detail"]
    outsider = site.token(agents=["asmith"])
    async with opened(site, outsider) as client:
        await ask(client)
        assert (await answer(client))["status"] == 404


async def test_the_socket_goes_on_meanwhile(site: KeptSite) -> None:
    """What waits for its keeper holds nothing up, and is one of sixteen at most."""
    await site.keepers.aclose()
    async with opened(site) as client:
        for number in range(17):
            await ask(client, id=str(number))
        refused = await answer(client)
        assert (refused["id"], refused["status"]) == ("16", 429)
        await say(client, op="ping")
        assert (await hear(client, "pong", "result"))["op"] == "pong"
        await site.keep()
        answers = [await answer(client) for _ in range(16)]
        assert sorted(a["op"] for a in answers) == ["error"] * 15 + ["result"]
        await ask(client, "pause", id="again")
        assert (await answer(client))["status"] == 409


async def test_nobody_waits_for_a_socket_that_is_gone(site: KeptSite) -> None:
    """Its waiting ends with it; what was taken goes on."""
    await site.keepers.aclose()
    waiting = site.services.waiting
    async with opened(site) as client:
        await ask(client)
        await until(lambda: waiting._tickets)
    await until(lambda: not waiting._tickets)
    await site.keep()
    shown = await site.until(CALL, lambda call: call["command"] is not None)
    assert shown["command"]["stage"] == "requested"


async def test_without_the_store_nothing_is_taken(
    site: KeptSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 before it is put; when nobody knows, 504 and the id to look for."""
    put, away = asyncio.Event(), StoreUnavailableError("away")

    async def lost(request: Request) -> None:
        put.set()
        raise away

    async def no_clock(_: str) -> None:
        raise away

    monkeypatch.setattr(site.services.requests, "put", lost)
    async with opened(site) as client:
        await ask(client)
        refused = await answer(client)
        assert (refused["status"], refused["type"]) == (504, URN + "no-answer")
        assert refused["command_id"]
        assert put.is_set()
        monkeypatch.setattr(site.services.requests, "now", no_clock)
        await ask(client)
        refused = await answer(client)
        assert (refused["status"], refused["id"]) == (503, "1")
