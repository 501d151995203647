"""The simulated blackhole on aiohttp: sockets, and what is sent on them."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable

from aiohttp import WSMsgType, web

from tracker.simulators.faults import (
    ArmedFault,
    FaultBoard,
    FaultKind,
    Target,
    fault_middleware,
    reset_connection,
)
from tracker.simulators.kazoo.blackhole import Session, garbage, parse_frame
from tracker.simulators.kazoo.events import Event
from tracker.simulators.kazoo.options import KazooOptions
from tracker.simulators.kazoo.recorder import Later
from tracker.simulators.reply import Json

_MESSAGE_FAULTS = frozenset(
    {FaultKind.DROP, FaultKind.DELAY, FaultKind.REORDER, FaultKind.GARBAGE}
)
_MOST_FRAMES = 10_000


class Socket:
    """One client's connection, and what waits to be sent on it.

    Args:
        session: What the client says and wants.
        faults: Strike what is sent: an event by its routing key, a reply as
            `reply/<action>`.
        later: How what is late waits for its time.
    """

    def __init__(self, session: Session, faults: FaultBoard, later: Later) -> None:
        self.session = session
        self._faults = faults
        self._later = later
        self._overtaken: list[str] = []
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def send(self, frame: Json, path: str, owner_id: str | None = None) -> None:
        """Queue a frame, unless a fault strikes it."""
        text = json.dumps(frame, separators=(",", ":"))
        armed = self._faults.take(_MESSAGE_FAULTS, path, owner_id)
        if armed:
            self._suffer(armed, text)
            return
        self._queue.put_nowait(text)
        self._release()

    async def write(self, ws: web.WebSocketResponse) -> None:
        """Send what is queued, for ever."""
        while True:
            await ws.send_str(await self._queue.get())

    def _suffer(self, armed: ArmedFault, text: str) -> None:
        fault = armed.fault
        if fault.kind is FaultKind.GARBAGE:
            self._queue.put_nowait(garbage(fault))
        elif fault.kind is FaultKind.DELAY:
            self._later(fault.delay_s, lambda: self._queue.put_nowait(text))
        elif fault.kind is FaultKind.REORDER:
            self._overtaken.append(text)
            self._later(fault.delay_s, self._release)

    def _release(self) -> None:
        """Send what was overtaken."""
        for text in self._overtaken:
            self._queue.put_nowait(text)
        self._overtaken.clear()


class SocketServer:
    """All sockets.

    Attributes:
        sockets: Those that are open.
        frames: The newest that clients sent, in order.

    Args:
        options: What kind of server it is.
        faults: What goes wrong, also with the handshake, whose path is `/`.
        make_session: Makes what a new client is to the server.
        later: How what is late waits for its time.
        news: Is called after everything that happened here.
    """

    def __init__(
        self,
        options: KazooOptions,
        faults: FaultBoard,
        make_session: Callable[[], Session],
        later: Later,
        news: Callable[[], None],
    ) -> None:
        self.sockets: dict[Socket, web.Request] = {}
        self.frames: deque[Json] = deque(maxlen=_MOST_FRAMES)
        self._options = options
        self._faults = faults
        self._make_session = make_session
        self._later = later
        self._news = news
        self._strike = fault_middleware(faults, _target)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a handshake, and stay until the socket is closed."""
        return await self._strike(request, self._handle)

    def publish(self, event: Event) -> None:
        """Tell an event to all who want it."""
        for socket in self.sockets:
            binding = socket.session.binding_for(event)
            if binding is not None:
                frame = socket.session.frame(event, binding)
                socket.send(frame, event.routing_key, event.owner_id)

    def drop_bindings(self) -> None:
        """Forget all bindings, and tell nobody."""
        for socket in self.sockets:
            socket.session.bindings.clear()
        self._news()

    def cut(self) -> None:
        """Reset all sockets."""
        for request in list(self.sockets.values()):
            reset_connection(request.transport)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if "Sec-WebSocket-Protocol" in request.headers:
            return web.Response(status=400)
        if self._is_crowded(request):
            return web.Response(status=429)
        ws = web.WebSocketResponse(autoping=False)
        if not ws.can_prepare(request):
            return web.Response(status=400)
        await ws.prepare(request)
        socket = Socket(self._make_session(), self._faults, self._later)
        self.sockets[socket] = request
        self._news()
        writer = asyncio.create_task(socket.write(ws))
        try:
            await self._read(ws, socket)
        finally:
            del self.sockets[socket]
            writer.cancel()
            await asyncio.wait([writer])
            self._news()
        return ws

    async def _read(self, ws: web.WebSocketResponse, socket: Socket) -> None:
        """Answer frames until the client goes or says nothing for too long."""
        while True:
            try:
                message = await ws.receive(self._options.idle_timeout_s)
            except TimeoutError:
                await ws.close()
                return
            if message.type is WSMsgType.TEXT:
                self._reply(socket, message.data)
            elif message.type is WSMsgType.PING:
                await self._pong(ws, message.data)
            elif message.type not in (WSMsgType.PONG, WSMsgType.BINARY):
                return

    def _reply(self, socket: Socket, text: str) -> None:
        """Answer a frame; what is no frame is not answered."""
        frame = parse_frame(text)
        if frame is None:
            return
        self.frames.append(frame)
        reply = socket.session.receive(frame)
        socket.send(reply, f"reply/{frame.get('action')}")
        self._news()

    async def _pong(self, ws: web.WebSocketResponse, data: bytes) -> None:
        if not self._faults.take(frozenset({FaultKind.DROP}), "pong", None):
            await ws.pong(data)

    def _is_crowded(self, request: web.Request) -> bool:
        most = self._options.most_sockets
        if most is None:
            return False
        counted = Counter(open_.remote for open_ in self.sockets.values())
        return counted[request.remote] >= most


async def _target(request: web.Request) -> Target:
    return Target(f"{request.method} {request.path}", None)
