"""The documents describe what is served, and what is served keeps to them."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from jsonschema import Draft202012Validator

from tests.integration.http.conftest import Get
from tests.integration.http.kept_site import keeping
from tests.integration.http.site import JWT, Site, account, call, source
from tests.integration.servers import Server
from tests.unit.outlets.shelf import Shelf
from tracker.domain.archive import MediaQuery
from tracker.domain.terms import ALL_SCOPES

CHECKS = """
# A cursor may have the right form and be of another store: 410. A command may be in
# order and be refused for what there is: 409. A file may be shorter than a part: 416.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 409, 410, 416]

# Nobody can say in a schema which addresses can be sent to, or how long a body is.
[[operations]]
include-path = "/v1/webhooks"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 410]
checks.negative_data_rejection.expected-statuses = [400, 413, 415]

[[operations]]
include-path = "/v1/webhooks/{endpoint_id}"
checks.negative_data_rejection.expected-statuses = [400, 404, 413, 415]

[[operations]]
include-path = "/v1/calls/{provider}/{account}/{call_id}/commands"
parameters = { "path.provider" = "genesys", "path.account" = "acme", \
"path.call_id" = "c1" }

[[operations]]
include-path = "/v1/recordings/{provider}/{account}/{recording_id}/audio"
parameters = { "path.provider" = "kazoo", "path.account" = "acme", \
"path.recording_id" = "r1" }
"""

NAMES = {
    "subscribed": "Subscribed",
    "snapshot": "Snapshot",
    "cursor": "CursorFrame",
    "": "Event",
}


def refs(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        yield from [document["$ref"]] if "$ref" in document else []
        for inner in document.values():
            yield from refs(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from refs(inner)


def resolve(document: Any, ref: str) -> Any:
    for part in ref.removeprefix("#/").split("/"):
        document = document[part]
    return document


@pytest.mark.timeout(300)
async def test_schemathesis_finds_nothing(
    valkey_server: Server, tmp_path: Path
) -> None:
    """An independent tool that makes requests from the document finds no fault."""
    valkey_server.run("FLUSHALL")
    shelf = Shelf("acme")
    shelf.put(1)
    await shelf.export(MediaQuery())
    async with keeping(valkey_server.url, JWT, archives=[shelf]) as site:
        for number in range(3):
            await site.show(f"genesys/acme/c{number}")
        await site.show("genesys/acme/c2", "paused")
        await site.show("vonage_cc/acme/v1")
        token = site.token(" ".join(ALL_SCOPES))
        status, output = await schemathesis(site.url, token, tmp_path)
        assert status == 0, output


async def schemathesis(url: str, token: str, tmp_path: Path) -> tuple[int | None, str]:
    """Its status, and what it printed."""
    (tmp_path / "schemathesis.toml").write_text(CHECKS)
    tool = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", "schemathesis.toml"),
        *("run", f"{url}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", "all", "--max-examples", "10", "--seed", "1", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await tool.communicate()
    return tool.returncode, output.decode()


async def test_every_route_is_in_the_document(site: Site, get: Get) -> None:
    """The document names what is served, and with tokens how to send one."""
    _, document = await get(site, "/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/",
        "/asyncapi.json",
        "/livez",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/schemas/v1/{kind}",
        "/v1/accounts",
        "/v1/calls",
        "/v1/calls/{provider}/{account}/{call_id}",
        "/v1/calls/{provider}/{account}/{call_id}/commands",
        "/v1/calls/{provider}/{account}/{call_id}/commands/{command_id}",
        "/v1/calls/{provider}/{account}/{call_id}/timeline",
        "/v1/events",
        "/v1/exports",
        "/v1/exports/{provider}/{account}/{export_id}",
        "/v1/exports/{provider}/{account}/{export_id}/download",
        "/v1/recordings",
        "/v1/recordings/{provider}/{account}/{recording_id}",
        "/v1/recordings/{provider}/{account}/{recording_id}/audio",
        "/v1/sources",
        "/v1/watches",
        "/v1/watches/{watch_id}",
        "/v1/webhooks",
        "/v1/webhooks/{endpoint_id}",
        "/v1/webhooks/{endpoint_id}/deliveries",
        "/v1/webhooks/{endpoint_id}/deliveries/{event_id}/resend",
        "/v1/webhooks/{endpoint_id}/replay",
        "/v1/webhooks/{endpoint_id}/rotate",
        "/v1/webhooks/{endpoint_id}/test",
    }
    assert "securitySchemes" not in document["components"]
    for ref in refs(document):
        resolve(document, ref)


async def test_security_is_described(guarded: Site, get: Get) -> None:
    """With access tokens, every operation that needs one names its scope."""
    _, document = await get(guarded, "/openapi.json")
    scheme = document["components"]["securitySchemes"]["accessToken"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    calls = document["paths"]["/v1/calls"]["get"]
    assert calls["security"] == [{"accessToken": ["calls:read"]}]
    assert "401" in calls["responses"]
    assert "security" not in document["paths"]["/livez"]["get"]


async def test_the_stream_keeps_to_its_document(
    site: Site, session: ClientSession, get: Get
) -> None:
    """Frames of the stream are valid by the schemas that AsyncAPI gives them."""
    site.show(call("c1"))
    site.show(source())
    _, document = await get(site, "/asyncapi.json")
    for ref in refs(document):
        resolve(document, ref)
    channel = document["channels"]["stream"]
    assert channel["address"] == "/v1/stream"
    assert "4008" in channel["x-close-codes"]

    def check(name: str, frame: Any) -> None:
        payload = document["components"]["messages"][name]["payload"]
        schema = {**payload, "components": document["components"]}
        Draft202012Validator(schema).validate(frame)

    asked = {"op": "subscribe", "id": "s", "snapshot": True, "filter": {}}
    check("Subscribe", asked)
    url = f"{site.url}{channel['address']}"
    async with session.ws_connect(url, protocols=["tracker.v1"]) as ws:
        await ws.send_json(asked)
        seen: set[str] = set()
        while "Event" not in seen:
            frame = await ws.receive_json()
            name = NAMES[frame.get("op", "")]
            check(name, frame)
            seen.add(name)
            if name == "CursorFrame":
                site.show(call("c1", "paused", version=2), "recording.paused")
        assert seen == {*NAMES.values()}


async def test_commands_on_the_stream_keep_to_its_document(
    valkey_server: Server, session: ClientSession
) -> None:
    """What is asked, what is taken and what stands in the way are as described."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url) as site:
        await site.show("genesys/acme/c1")
        async with session.get(f"{site.url}/asyncapi.json") as got:
            components = (await got.json())["components"]
        asked: dict[str, Any] = {
            "op": "command",
            "id": "1",
            "call": "genesys/acme/c1",
            "action": "pause",
            "options": {"a": 1, "b": "x", "c": True},
        }

        def check(name: str, frame: Any) -> None:
            payload = components["messages"][name]["payload"]
            schema = {**payload, "components": components}
            Draft202012Validator(schema).validate(frame)
            assert frame["op"] == name.lower()

        check("Command", asked)
        url = f"{site.url}/v1/stream"
        async with session.ws_connect(url, protocols=["tracker.v1"]) as ws:
            await ws.send_json(asked)
            check("Result", await ws.receive_json())
            await ws.send_json(asked)
            check("Error", refused := await ws.receive_json())
            assert refused["command"]["action"] == "pause"


async def test_dataschema_leads_to_a_schema(site: Site, get: Get) -> None:
    """The data of an event is valid by the schema that the event names."""
    _, page = await get(site, "/v1/events")
    site.show(call("c1"), "call.started")
    site.show(source(), "source.up")
    site.show(account(), "account.up")
    _, page = await get(site, f"/v1/events?since={page['cursor']}")
    assert len(page["items"]) == 3
    for event in page["items"]:
        status, schema = await get(site, event["dataschema"])
        assert status == 200
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(event["data"])
    assert (await get(site, "/schemas/v1/nothing"))[0] == 404


async def test_the_first_page_leads_everywhere(site: Site, get: Get) -> None:
    """Every address on the index is served; webhooks need a store as well."""
    _, index = await get(site, "/")
    assert index["version"] == "0.0.1"
    for name, path in index.items():
        if path.startswith("/") and name not in ("stream", "metrics", "webhooks"):
            assert (await get(site, path))[0] == 200
