"""The documents describe what is served, and what is served keeps to them."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from jsonschema import Draft202012Validator

from tests.integration.http.conftest import Get
from tests.integration.http.site import Site, account, call, source

CHECKS = """
# A cursor may have the right form and be of another store: 410.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 410]
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


async def test_schemathesis_finds_nothing(guarded: Site, tmp_path: Path) -> None:
    """An independent tool that makes requests from the document finds no fault."""
    for number in range(3):
        guarded.show(call(f"c{number}"), "call.started")
    guarded.show(call("c1", "paused", version=2), "recording.paused")
    guarded.show(source(), "source.up")
    guarded.show(account(), "account.up")
    (tmp_path / "schemathesis.toml").write_text(CHECKS)
    tool = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", "schemathesis.toml"),
        *("run", f"{guarded.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {guarded.token()}"),
        *("--checks", "all", "--max-examples", "10", "--seed", "1", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await tool.communicate()
    assert tool.returncode == 0, output.decode()


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
        "/v1/calls/{provider}/{account}/{call_id}/timeline",
        "/v1/events",
        "/v1/sources",
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
    """Every address on the index is served."""
    _, index = await get(site, "/")
    assert index["version"] == "0.0.1"
    for name, path in index.items():
        if path.startswith("/") and name not in ("stream", "metrics"):
            assert (await get(site, path))[0] == 200
