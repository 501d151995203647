"""What every answer has in common: problems, access, strangers, health, metrics."""

import socket

import pytest
from aiohttp import ClientPayloadError, ClientSession, web

from tests.integration.http.conftest import Get
from tests.integration.http.site import Site, account, call, source
from tracker.errors import ConfigError
from tracker.outlets.payload import ServerSettings
from tracker.outlets.server import MAX_BODY_BYTES, create_server, listening


async def test_every_failure_is_a_problem(site: Site, session: ClientSession) -> None:
    """What does not exist or may not be done is answered with problem+json."""
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/v1/calls/a", 404),
        ("GET", "/v1/calls/", 404),
        ("POST", "/v1/calls", 405),
        ("DELETE", "/v1/calls/a/b/c", 405),
        ("OPTIONS", "/v1/calls", 405),
        ("GET", "/v1/calls?x=1", 400),
        ("POST", "/v1/calls/a/b/c/commands", 415),
    ):
        async with session.request(method, site.url + path) as answer:
            assert (answer.status, answer.content_type) == (
                status,
                "application/problem+json",
            )
            problem = await answer.json(content_type=None)
            assert (problem["status"], problem["type"]) == (status, "about:blank")
            assert answer.headers["Server"] == "tracker"
            if status == 405:
                assert "GET" in answer.headers["Allow"]


async def test_faults_of_ours_tell_nothing(site: Site, session: ClientSession) -> None:
    """A crash is a 500 without a word of it; a body that is too large is a 413."""

    async def crash(_request: web.Request) -> web.Response:
        message = "hush"
        raise RuntimeError(message)

    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b"begun")
        return await crash(request)

    services = site.services
    app = create_server(
        services,
        [[web.get("/crash", crash), web.get("/begin", begin), web.post("/read", read)]],
    )
    async with listening(app, services.settings) as url:
        async with session.get(f"{url}/crash") as answer:
            assert answer.status == 500
            assert "hush" not in await answer.text()
        with pytest.raises(ClientPayloadError):
            async with session.get(f"{url}/begin") as answer:
                await answer.read()
        async with session.post(f"{url}/read", data=b"x" * MAX_BODY_BYTES) as answer:
            assert answer.status == 200
        body = b"x" * (MAX_BODY_BYTES + 1)
        async with session.post(f"{url}/read", data=body) as answer:
            assert answer.status == 413
            assert answer.content_type == "application/problem+json"


async def test_a_token_is_needed(guarded: Site, session: ClientSession) -> None:
    """Without a good token there is a 401 that says which scheme; health stays open."""
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        async with session.get(f"{guarded.url}/v1/calls", headers=headers) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
            assert answer.content_type == "application/problem+json"
    for path in ("/", "/livez", "/readyz", "/metrics", "/openapi.json"):
        async with session.get(guarded.url + path) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v1/calls", "calls:read"),
        ("/v1/calls/a/b/c", "calls:read"),
        ("/v1/calls/a/b/c/timeline", "calls:read"),
        ("/v1/calls/a/b/c/commands/d", "calls:read"),
        ("/v1/events", "calls:read"),
        ("/v1/watches", "calls:read"),
        ("/v1/watches/a", "calls:read"),
        ("/v1/sources", "sources:read"),
        ("/v1/accounts", "sources:read"),
    ],
)
async def test_a_scope_is_needed(
    guarded: Site, session: ClientSession, path: str, scope: str
) -> None:
    """A token without the scope is a 403 that names it, whatever is there."""
    other = {"calls:read": "sources:read", "sources:read": "calls:read"}[scope]
    headers = {"Authorization": f"Bearer {guarded.token(other)}"}
    async with session.get(guarded.url + path, headers=headers) as answer:
        assert answer.status == 403
        assert f'scope="{scope}"' in answer.headers["WWW-Authenticate"]
    headers = {"Authorization": f"Bearer {guarded.token(scope)}"}
    async with session.get(guarded.url + path, headers=headers) as answer:
        assert answer.status in (200, 404)


async def test_strangers_are_kept_out(site: Site, session: ClientSession) -> None:
    """Without authentication neither another page nor another name gets an answer."""
    for headers, status in (
        ({"Host": "rebound.example"}, 403),
        ({"Host": "rebound.example:8080"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
    ):
        async with session.get(f"{site.url}/v1/calls", headers=headers) as answer:
            assert answer.status == status, headers
    with pytest.raises(Exception, match="403"):
        await session.ws_connect(
            f"{site.url}/v1/stream", origin="https://elsewhere.example"
        )


async def test_readiness_gives_its_reasons(site: Site, get: Get) -> None:
    """Ready is a 200, not ready a 503 with every reason; alive depends on nothing."""
    assert await get(site, "/readyz") == (200, {"ready": True})
    site.reasons += ["the store is away", "nobody keeps partition 7"]
    status, problem = await get(site, "/readyz")
    assert status == 503
    assert problem["detail"] == "the store is away; nobody keeps partition 7"
    assert await get(site, "/livez") == (200, {"alive": True})


async def test_sources_and_accounts_are_lists(guarded: Site, get: Get) -> None:
    """Sources and accounts are listed by key, as far as the token allows."""
    token = guarded.token()
    for name in ("c", "a", "b"):
        guarded.show(source(name))
    guarded.show(account("acme"))
    guarded.show(account("other"))
    _, page = await get(guarded, "/v1/sources?limit=2", token)
    assert [item["key"] for item in page["items"]] == [
        "genesys/acme/a",
        "genesys/acme/b",
    ]
    _, page = await get(guarded, page["next"], token)
    assert [item["key"] for item in page["items"]] == ["genesys/acme/c"]
    assert page["next"] is None
    _, page = await get(guarded, "/v1/accounts", token)
    assert len(page["items"]) == 2
    _, page = await get(
        guarded, "/v1/accounts", guarded.token(accounts=["genesys/acme"])
    )
    assert [item["key"] for item in page["items"]] == ["genesys/acme"]


async def test_metrics_hold_patterns_not_paths(
    site: Site, session: ClientSession, get: Get
) -> None:
    """Requests are counted by route, so no call's id becomes a label."""
    site.show(call("c1"))
    await get(site, "/v1/calls/genesys/acme/c1")
    await get(site, "/nowhere")
    async with session.get(f"{site.url}/metrics") as answer:
        assert answer.content_type == "text/plain"
        text = await answer.text()
    route = "/v1/calls/{provider}/{account}/{call_id}"
    assert (
        f'tracker_http_requests_total{{method="GET",route="{route}",status="200"}} 1.0'
        in text
    )
    assert "c1" not in text
    assert 'route="none",status="404"' in text
    assert "tracker_live 1.0" in text


async def test_a_port_in_use_is_one_sentence(site: Site) -> None:
    """Who cannot listen says on which port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = ServerSettings(port=port)
        app = create_server(site.services, [])
        with pytest.raises(ConfigError, match=rf"server\.port {port} .* in use"):
            async with listening(app, settings):
                pass
