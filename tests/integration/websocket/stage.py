"""A serving process on a real port, over outboxes in memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.unit.fanout.process import Process, begun
from tests.unit.fanout.world import until
from tests.unit.outlets.unkept import Unkept
from tracker.fanout.waiting import Waiting
from tracker.outlets.auth import Authenticator, AuthSettings, Limits, mint
from tracker.outlets.payload import ServerSettings, Services
from tracker.outlets.quota import LimitSettings, Quota
from tracker.outlets.server import create_server
from tracker.outlets.websocket.gateway import Gateway
from tracker.outlets.websocket.settings import StreamSettings
from tracker.telemetry import Metrics

Json = dict[str, Any]

JWT = AuthSettings.model_validate({"mode": "jwt", "secret": "s" * 32})
SCOPES = ("calls:read", "sources:read")
TRACKER_V1 = Subprotocol("tracker.v1")


def token(subject: str = "ann", lasts_s: float = 60, **limits: list[str] | None) -> str:
    """A good access token; LEEWAY_S is on top of *lasts_s*."""
    expires_at = datetime.now(UTC) + timedelta(seconds=lasts_s)
    return mint(JWT, subject, SCOPES, Limits.model_validate(limits), expires_at)


class Stage:
    """What a test plays on.

    Attributes:
        faults: What the event loop had to report; there must be nothing.
    """

    def __init__(
        self, process: Process, gateway: Gateway, metrics: Metrics, port: int
    ) -> None:
        self.process = process
        self.gateway = gateway
        self.port = port
        self.faults: list[Json] = []
        self._metrics = metrics
        self.url = f"ws://127.0.0.1:{port}/v1/stream"

    def connect(self, *protocols: str, **options: Any) -> connect:
        """A connection of an independent client."""
        offered = [Subprotocol(name) for name in protocols] or [TRACKER_V1]
        return connect(
            self.url, subprotocols=offered, max_size=None, proxy=None, **options
        )

    async def nobody_left(self) -> None:
        """Wait until the server has forgotten every connection."""
        await until(lambda: not self.gateway.connections())
        assert not self.process.hub._groups

    def metric(self, name: str, **labels: str) -> float:
        value = self._metrics.registry.get_sample_value(name, labels)
        return value or 0.0


@asynccontextmanager
async def playing(
    settings: StreamSettings | None = None,
    auth: AuthSettings | None = None,
    process: Process | None = None,
    limits: LimitSettings | None = None,
) -> AsyncIterator[Stage]:
    """Serve, and see that nothing is left and nothing went wrong."""
    process = process or await begun(1000)
    services = Services(
        projection=process.projection,
        hub=process.hub,
        replay=process.replay,
        outbox=process.outbox,
        requests=Unkept(),
        waiting=Waiting(),
        auth=Authenticator(auth or AuthSettings()),
        settings=ServerSettings(),
        metrics=Metrics(),
        ready=lambda: (),
        version="0",
        quota=Quota(limits),
    )
    gateway = Gateway(services, settings)
    app = create_server(services, [gateway.routes()])
    app.on_shutdown.append(gateway.close)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stage = Stage(process, gateway, services.metrics, runner.addresses[0][1])
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: stage.faults.append(context))
    try:
        yield stage
    finally:
        await runner.cleanup()
    await stage.nobody_left()
    assert stage.faults == []


async def say(client: ClientConnection, **frame: Any) -> None:
    """Send one frame."""
    await client.send(json.dumps(frame))


async def hear(client: ClientConnection, *ops: str) -> Json:
    """The next frame with one of *ops*, an empty one for events; else an event."""
    while True:
        frame: Json = json.loads(await asyncio.wait_for(client.recv(), 10))
        if frame.get("op", "") in (ops or ("",)):
            return frame


async def subscribe(client: ClientConnection, id_: str = "s", **fields: Any) -> Json:
    """Subscribe, and wait until it is live; the answer."""
    await say(client, op="subscribe", id=id_, **fields)
    answer = await hear(client, "subscribed", "error")
    if answer["op"] == "subscribed":
        await hear(client, "cursor")
    return answer


async def closed(client: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server closes."""
    async with asyncio.timeout(10):
        with suppress(ConnectionClosed):
            while True:
                await client.recv()
    return client.close_code or 0, client.close_reason or ""
