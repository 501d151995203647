"""The documents' own answers of Vonage Contact Center, passed through all of tracker.

The server says only what they print; the one payload that they do not show, that of a
live call, is the failed call's with the fields that a live one has.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.integration.subscriber import subscriber
from tests.integration.system import running_tracker, write_config
from tracker.domain.key import make_key

CAPTURES = Path(__file__).parents[2] / "captures" / "vonage_cc"
ACCOUNT = "a1b2c3d4e5"


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


class Documented:
    """A server with one agent and one call.

    Attributes:
        recording: What the call shows; None = it has failed.
        asked: The bodies of what was asked of it.
    """

    def __init__(self) -> None:
        self.failed = capture("call-failed")
        self.recording: str | None = "Started"
        self.asked: list[object] = []

    async def token(self, request: web.Request) -> web.Response:
        return web.json_response(capture("token"))

    async def agent(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != "10":
            return web.json_response(capture("not-found"), status=404)
        return web.json_response(
            capture("agent") | {"id": "10", "currentCallGuid": self.failed["id"]}
        )

    async def agents(self, request: web.Request) -> web.Response:
        return web.json_response(capture("agents"))

    async def call(self, request: web.Request) -> web.Response:
        if request.match_info["guid"] != self.failed["id"]:
            return web.json_response(capture("not-found"), status=404)
        if self.recording is None:
            return web.json_response(self.failed)
        live = {"status": "Connected", "recordingStatus": self.recording}
        return web.json_response(self.failed | live | {"result": None})

    async def control(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        if self.recording is None:
            return web.json_response(capture("invalid"), status=400)
        accepted = capture("accepted")
        self.recording = accepted["recordingStatus"]
        return web.json_response(accepted, status=202)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        app = web.Application()
        app.add_routes(
            [
                web.post("/Auth/connect/token", self.token),
                web.get(f"/v0/{ACCOUNT}/agents/", self.agents),
                web.get(f"/v0/{ACCOUNT}/agents/{{id}}", self.agent),
                web.get(f"/v0/{ACCOUNT}/calls/{{guid}}", self.call),
                web.post(f"/v0/{ACCOUNT}/calls/{{guid}}", self.control),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def test_the_page_s_own_answers_pass_through(tmp_path: Path) -> None:
    """A pause is asked for in their words, proved by theirs, and the call ends."""
    server = Documented()
    key = make_key("vonage_cc", ACCOUNT, server.failed["id"])
    async with server.serve() as base_url:
        account = {
            "account": ACCOUNT,
            "base_url": base_url,
            "client_id": "abcde",
            "client_secret": "12345",
            "agents": [{"id": "10"}],
            "poll_interval_s": 0.5,
            "agents_interval_s": 0.5,
        }
        config = write_config(tmp_path, None, {"vonage_cc": account})
        async with running_tracker(config) as url, subscriber(url) as desk:
            await desk.event("recording.started", key)
            await desk.command(key, "pause")
            await desk.event("command.confirmed", key)
            assert server.asked == [capture("pause-request")]
            assert desk.calls[key]["recording"]["state"] == "paused"
            server.recording = None
            ended = await desk.event("call.ended", key)
    assert ended["data"]["call"]["call"]["state"] == "ended"
