"""Who is let in, from where, and how much: tokens, keys, origins, quotas."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web
from structlog.testing import capture_logs

from tests.integration.http.site import JWT, Site, call, serving
from tests.unit.outlets.issuing import ec, good, key_set, rsa, signed, verifying
from tracker.outlets.origins import public
from tracker.outlets.quota import LimitSettings
from tracker.outlets.websocket import codes

DESK = "https://desk.example"
ASK = {"Access-Control-Request-Method": "POST"}


@pytest.fixture
async def desk() -> AsyncIterator[Site]:
    """A site that pages of one origin may ask, with a script for everybody."""

    async def script(_request: web.Request) -> web.Response:
        return web.Response(text="export {}", content_type="text/javascript")

    more = [web.get("/client.js", public(script))]
    async with serving(JWT, origins=(DESK,), more=more) as site:
        yield site


def bearing(site: Site, origin: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {site.token()}", "Origin": origin}


async def test_a_listed_page_sees_answers_and_problems(
    desk: Site, session: ClientSession
) -> None:
    """Its browser is told so by name, and of the headers that matter."""
    for path, status in (("/v1/calls", 200), ("/v1/calls/a/b/c", 404)):
        headers = bearing(desk, DESK)
        async with session.get(desk.url + path, headers=headers) as answer:
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == DESK
            assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert answer.headers["Vary"] == "Origin"


async def test_a_browser_asks_first(desk: Site, session: ClientSession) -> None:
    """Before it sends a token: without one it is told what a listed page may send."""
    for path in ("/v1/calls/a/b/c/commands", "/v1/calls", "/v1/recordings/a/b/c"):
        headers = {"Origin": DESK, **ASK}
        async with session.options(desk.url + path, headers=headers) as answer:
            assert (answer.status, await answer.text()) == (204, "")
            assert answer.headers["Access-Control-Allow-Origin"] == DESK
            heard = answer.headers["Access-Control-Allow-Headers"]
            assert {"Authorization", "Idempotency-Key"} <= set(heard.split(", "))
        headers["Origin"] = "https://evil.example"
        async with session.options(desk.url + path, headers=headers) as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_other_pages_get_nothing_however_good_their_token(
    desk: Site, session: ClientSession
) -> None:
    """Over HTTP, and no handshake of a WebSocket; pages of tracker itself may."""
    for origin in ("https://evil.example", "null", "http://localhost:3000"):
        headers = bearing(desk, origin)
        async with session.get(f"{desk.url}/v1/calls", headers=headers) as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers
        with pytest.raises(WSServerHandshakeError, match="403"):
            await session.ws_connect(f"{desk.url}/v1/stream", headers=headers)
    for origin in (DESK, desk.url):
        stream = f"{desk.url}/v1/stream"
        async with session.ws_connect(stream, headers=bearing(desk, origin)) as ws:
            await ws.send_json({"op": "ping"})
            assert (await ws.receive_json())["op"] == "pong"


async def test_public_scripts_load_anywhere(desk: Site, session: ClientSession) -> None:
    """They hold nobody's data, and need no token."""
    for headers in ({}, {"Origin": "https://any.example"}, {"Origin": "null"}):
        async with session.get(f"{desk.url}/client.js", headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            policy = answer.headers["Cross-Origin-Resource-Policy"]
            assert policy == "cross-origin"


@pytest.mark.parametrize("name", ["access_token", "token", "Bearer", "authorization"])
async def test_a_token_never_stands_in_an_address(
    guarded: Site, session: ClientSession, name: str
) -> None:
    """Not even a good one, beside a good one in its place."""
    headers = {"Authorization": f"Bearer {guarded.token()}"}
    for path in ("/v1/calls", "/v1/stream", "/v1/recordings/a/b/c/audio", "/livez"):
        params = {name: guarded.token()}
        url = guarded.url + path
        async with session.get(url, params=params, headers=headers) as answer:
            problem = await answer.json(content_type=None)
            assert answer.status == 400
            assert "never stands in an address" in problem["detail"]
            assert params[name] not in json.dumps(problem)


async def opened(session: ClientSession, site: Site, token: str) -> int | None:
    """The code that a browser's socket is closed with; None = it stays open."""
    protocols = ("tracker.v1", f"bearer.{token}")
    async with session.ws_connect(
        f"{site.url}/v1/stream", protocols=protocols, headers={"Origin": site.url}
    ) as ws:
        assert ws.protocol == "tracker.v1"
        assert token not in str(ws._response.headers)
        await ws.send_json({"op": "ping"})
        while (message := await ws.receive()).type is WSMsgType.TEXT:
            if message.json()["op"] == "pong":
                return None
        return ws.close_code


async def test_too_many_sockets_of_a_subject_are_closed(
    session: ClientSession,
) -> None:
    """With a code that says: later. One that ends makes room."""
    limits = LimitSettings(sockets_per_subject=2)
    async with serving(JWT, limits=limits) as site:
        stream, token = f"{site.url}/v1/stream", site.token()
        headers = {"Authorization": f"Bearer {token}"}
        first = await session.ws_connect(stream, headers=headers)
        async with session.ws_connect(stream, headers=headers):
            assert await opened(session, site, token) == codes.TOO_MANY
        async with asyncio.timeout(10):
            while await opened(session, site, token) == codes.TOO_MANY:
                pass
        await first.close()


async def test_too_many_commands_of_a_subject_come_again_later(
    session: ClientSession,
) -> None:
    """Over HTTP a 429 that says when, over the stream an error; all written down."""
    limits = LimitSettings(commands_per_min=2)
    async with serving(JWT, limits=limits) as site:
        token = site.token("calls:read calls:control")
        headers = {"Authorization": f"Bearer {token}"}
        ask = {"action": "pause"}
        told: list[tuple[int, str | None]] = []
        with capture_logs() as logs:
            for path in ("calls/a/b/c/commands", "watches", "calls/a/b/c/commands"):
                body = ask
                if path == "watches":
                    body = {"provider": "a", "account": "b", "call_id": "c"}
                url = f"{site.url}/v1/{path}"
                async with session.post(url, json=body, headers=headers) as answer:
                    told.append((answer.status, answer.headers.get("Retry-After")))
            assert [status for status, _ in told] == [404, 404, 429]
            assert 0 < int(told[-1][1] or 0) <= 30
            stream = f"{site.url}/v1/stream"
            async with session.ws_connect(stream, headers=headers) as ws:
                await ws.send_json({"op": "command", "id": "1", "call": "a/b/c", **ask})
                error = await ws.receive_json()
            assert (error["op"], error["id"], error["status"]) == ("error", "1", 429)
        outcomes = [log["outcome"][:8] for log in logs if log["event"] == "audit"]
        assert outcomes == ["no such ", "no such ", "too many", "too many"]


@asynccontextmanager
async def provider(shown: dict[str, Any]) -> AsyncIterator[str]:
    """An identity provider that shows the set of keys in *shown*."""

    async def answer(_request: web.Request) -> web.Response:
        if shown["keys"] is None:
            return web.Response(status=503)
        return web.Response(body=shown["keys"], content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/keys", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    finally:
        await runner.cleanup()


def issued(key: str = "rsa", **more: Any) -> str:
    """A token of now."""
    claims = good(exp=datetime.now(UTC).timestamp() + 60, **more)
    if key == "rsa":
        return signed(rsa(), "RS256", claims, kid="r0")
    return signed(ec(), "ES256", claims, kid="e0")


async def test_an_identity_provider_s_tokens_open_both_ways_in(
    session: ClientSession,
) -> None:
    """Its keys are fetched from where it shows them."""
    async with (
        provider({"keys": key_set(rsa(), ec())}) as url,
        serving(verifying(jwks_url=url)) as site,
    ):
        site.show(call("c1"), "call.started")
        for key in ("rsa", "ec"):
            headers = {"Authorization": f"Bearer {issued(key)}"}
            async with session.get(f"{site.url}/v1/calls", headers=headers) as answer:
                assert answer.status == 200
                assert len((await answer.json())["items"]) == 1
            assert await opened(session, site, issued(key)) is None
        for token in (issued(aud="other"), issued(iss="other")):
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(f"{site.url}/v1/calls", headers=headers) as answer:
                assert answer.status == 401
            assert await opened(session, site, token) == codes.UNAUTHORIZED


async def test_without_keys_whoever_has_a_token_comes_again(
    session: ClientSession,
) -> None:
    """A provider that is away makes no forgers."""
    async with (
        provider({"keys": None}) as url,
        serving(verifying(jwks_url=url)) as site,
    ):
        headers = {"Authorization": f"Bearer {issued()}"}
        async with session.get(f"{site.url}/v1/calls", headers=headers) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert await opened(session, site, issued()) == codes.KEYS_AWAY
