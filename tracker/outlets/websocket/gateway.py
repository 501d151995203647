"""`/v1/stream`: the handshakes, and all connections together.

Everything that one turn of the event loop has for a connection goes out in one write;
connections that get the very same frames share the joined bytes.
"""

import asyncio
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from typing import Final

from aiohttp import hdrs, web

from tracker.outlets.asking import Asking
from tracker.outlets.auth import Principal, bearer
from tracker.outlets.payload import ProblemError, Services
from tracker.outlets.websocket import codes
from tracker.outlets.websocket.connection import Connection
from tracker.outlets.websocket.conversation import SUBPROTOCOL, Conversation, Socket
from tracker.outlets.websocket.feed import Feed, cursor_frame
from tracker.outlets.websocket.settings import StreamSettings

PATH: Final = "/v1/stream"
BEARER_PREFIX: Final = "bearer."
"""Of a second subprotocol that holds the access token, for browsers."""

_SLICES = 50  # of all connections; one after the other gets its cursors


class Gateway:
    """All WebSockets of a process.

    Args:
        services: Of the process.
        settings: Limits.

    Attributes:
        asking: For the commands of all of them.
        quota: What their subjects may have.
    """

    def __init__(
        self, services: Services, settings: StreamSettings | None = None
    ) -> None:
        self._feed = Feed(
            hub=services.hub,
            projection=services.projection,
            replay=services.replay,
            auth=services.auth,
            settings=settings or StreamSettings(),
        )
        self.asking = Asking(services)
        self.quota = services.quota
        self._metrics = services.metrics
        self._slices: list[set[Connection]] = [set() for _ in range(_SLICES)]
        self._next_slice = cycle(self._slices)
        self._ready: list[Connection] = []
        self._waiting: set[Connection] = set()
        self._beating: asyncio.Task[None] | None = None

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application."""
        return [web.get(PATH, self.stream)]

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one WebSocket."""
        principal, token = await self._credentials(request)
        ws = Conversation(self._feed.settings)
        writer = await ws.prepare(request)
        ws.headers.clear()  # sent, and as many times as there are sockets
        if request.transport is not None:
            socket = Socket(ws, request.transport, writer)
            connection = Connection(self._feed, self, socket)
            ws.talk = partial(connection.run, principal, token)
        return ws

    async def close(self, _app: web.Application | None = None) -> None:
        """Close all connections, on shutdown: their clients come back."""
        connections = self.connections()
        for connection in connections:
            connection.close(codes.GOING_AWAY, "going away; resume by cursor")
        closings = (connection.closing for connection in connections)
        await asyncio.gather(*filter(None, closings))

    def connections(self) -> list[Connection]:
        """Those that there are."""
        return [connection for part in self._slices for connection in part]

    def enter(self, connection: Connection) -> None:
        """A connection begins; the first one starts the beat."""
        next(self._next_slice).add(connection)
        self._metrics.stream_connections.inc()
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat(), name="stream cursors")

    def leave(self, connection: Connection) -> None:
        """A connection has ended; the last one ends the beat."""
        for part in self._slices:
            part.discard(connection)
        self._waiting.discard(connection)
        self._metrics.stream_connections.dec()
        code = "client" if connection.closed is None else str(connection.closed)
        self._metrics.stream_closed.labels(code).inc()
        if self._beating is not None and not any(self._slices):
            self._beating.cancel()
            self._beating = None

    def ready(self, connection: Connection) -> None:
        """Have the connection's frames written at the end of this turn."""
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._flush)
        self._ready.append(connection)

    async def _credentials(
        self, request: web.Request
    ) -> tuple[Principal | None, str | None]:
        """Who it is, and a token of the subprotocols, which is for later.

        A bad token in a header is a 401. A browser could not see that, so one in a
        subprotocol is closed with a code.

        Raises:
            ProblemError: There are subprotocols without ours: aiohttp would log them.
            UnauthorizedError: The header's token is no good.
            KeysAwayError: Nobody can say.
        """
        auth = self._feed.auth
        offered = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL)
        names = [name.strip() for name in offered.split(",")] if offered else []
        if names and SUBPROTOCOL not in names:
            raise ProblemError(400, f"offer the subprotocol {SUBPROTOCOL}")
        token = bearer(request.headers.get(hdrs.AUTHORIZATION))
        if token is not None:
            return await auth.authenticate(token), None
        tokens = [n for n in names if n.startswith(BEARER_PREFIX)]
        if tokens:
            return None, tokens[0].removeprefix(BEARER_PREFIX)
        return (auth.principal(None) if auth.mode == "none" else None), None

    def _flush(self) -> None:
        """One write for every connection that has frames."""
        ready, self._ready = self._ready, []
        frames: list[bytes] = []
        data = b""
        for connection in ready:
            taken = connection.session.take()
            if taken != frames:
                frames, data = taken, b"".join(taken)
            if taken:
                connection.write(data)
            if connection.waiting:
                self._waiting.add(connection)

    async def _beat(self) -> None:
        """Cursors to one slice of the connections after the other, for ever.

        When ``live`` changes, all get them at once.
        """
        projection, settings = self._feed.projection, self._feed.settings
        pause_s = settings.cursor_interval_s / _SLICES
        ping_every = max(1, round(settings.ping_interval_s / pause_s / _SLICES))
        for number, part in enumerate(cycle(self._slices)):
            was_live = projection.live
            await asyncio.sleep(pause_s)
            now, frame = datetime.now(UTC), cursor_frame(projection)
            changed = projection.live != was_live
            for connection in self.connections() if changed else list(part):
                connection.beat(frame, now)
            if number // _SLICES % ping_every == ping_every - 1:
                for connection in list(part):
                    connection.ping()
            self._look_at_waiting()

    def _look_at_waiting(self) -> None:
        for connection in list(self._waiting):
            connection.look()
            if not connection.waiting:
                self._waiting.discard(connection)
