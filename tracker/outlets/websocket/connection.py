"""One socket: reads it, pages snapshots and replays into it, closes it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import Final, Protocol

import structlog
from aiohttp import WebSocketError, WSMessage, WSMsgType

from tracker.errors import ClientRefusedError, SlowSubscriberError
from tracker.outlets.asking import Asking
from tracker.outlets.auth import KeysAwayError, Principal, UnauthorizedError
from tracker.outlets.quota import Quota
from tracker.outlets.websocket import codes, frames
from tracker.outlets.websocket.actions import Access, Ask, Authenticate, Begin, End
from tracker.outlets.websocket.commands import Commands
from tracker.outlets.websocket.conversation import Socket
from tracker.outlets.websocket.feed import Feed, bring_up, cursor_frame
from tracker.outlets.websocket.frames import FrameError
from tracker.outlets.websocket.session import Session

log = structlog.get_logger(__name__)

_ENDS: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
_MOST_SAID: Final = 16
"""Frames that wait while a subscription begins; then nothing more is read."""

_PING: Final = b"\x89\x00"  # RFC 6455, 5.5.2: FIN and opcode 9, without a payload


class Crowd(Protocol):
    """All connections of the process.

    Attributes:
        asking: For their commands.
        quota: What their subjects may have.
    """

    asking: Asking
    quota: Quota

    def enter(self, connection: "Connection") -> None:
        """A connection begins."""

    def leave(self, connection: "Connection") -> None:
        """A connection has ended."""

    def ready(self, connection: "Connection") -> None:
        """Have the connection flushed at the end of this turn."""


class Connection:
    """A session with its socket; a `tracker.outlets.websocket.session.Shell`.

    Args:
        feed: Of the process.
        crowd: Of the process.
        socket: Whose handshake is over.

    Attributes:
        closed: The code that this side has closed with; None = it has not.
        closing: Under way once *closed* is set.
        waiting: What the client has not taken is above `StreamSettings.slow_bytes`.
    """

    __slots__ = (
        "_beginning",
        "_commands",
        "_counted",
        "_crowd",
        "_feed",
        "_heard",
        "_said",
        "_socket",
        "closed",
        "closing",
        "session",
        "waiting",
    )

    def __init__(self, feed: Feed, crowd: Crowd, socket: Socket) -> None:
        self._feed = feed
        self._crowd = crowd
        self._socket = socket
        self.closing: asyncio.Task[None] | None = None
        self._heard = True
        self._beginning: asyncio.Task[None] | None = None
        self._said: tuple[str, ...] = ()
        self._counted: str | None = None
        self.session = Session(self, feed.settings, crowd.quota)
        self._commands = Commands(crowd.asking, self.session)
        self.closed: int | None = None
        self.waiting = False

    async def run(self, principal: Principal | None, token: str | None) -> None:
        """Serve the client until either side has had enough.

        Args:
            principal: Known from the handshake; None = not yet.
            token: One that the handshake had and that nobody has looked at.
        """
        self._crowd.enter(self)
        try:
            await self._greet(principal, token)
            while self._goes_on(message := await self._socket.ws.receive()):
                await self._receive(message)
        except ClientRefusedError as refused:
            self.close(refused.code, str(refused))
        except ConnectionError:
            if self.closed is None:
                self._socket.transport.abort()
        finally:
            if self._beginning is not None:
                self._beginning.cancel()
                await asyncio.wait([self._beginning])
            self._leave()
            self.session.end()
            await self._commands.end()
            if self._counted is not None:
                self._crowd.quota.close_socket(self._counted)
            self._crowd.leave(self)
            if self.closing is not None:
                await self.closing

    def ready(self) -> None:
        """The session has frames: have them flushed at the end of this turn."""
        self._crowd.ready(self)

    def wake(self, delay_s: float) -> None:
        """The session holds events, for *delay_s* at most."""
        asyncio.get_running_loop().call_later(delay_s, self.show_cursor)

    def lost(self) -> None:
        """Events may be missing."""
        self.close(codes.EVENTS_LOST, "events may be missing; resume by cursor")

    def show_cursor(self) -> None:
        """Send what is held, and how far the client has been told of everything."""
        self.session.cursor(cursor_frame(self._feed.projection))

    def write(self, data: bytes) -> None:
        """Hand *data*, whole frames, to the socket; a client too slow is closed."""
        transport = self._socket.transport
        if self.closed is not None or transport.is_closing():
            return
        if self.waiting and self._is_too_slow():
            self._close_slow()
            return
        transport.write(data)
        slow_bytes = self._feed.settings.slow_bytes
        self.waiting = transport.get_write_buffer_size() > slow_bytes

    def beat(self, frame: bytes, now: datetime) -> None:
        """Send the ``cursor`` *frame*; close when the access token has expired."""
        if self.session.access is not None:
            self.session.cursor(frame)
        if self.session.expired(now):
            self.close(codes.EXPIRED, "the access token has expired")

    def look(self) -> None:
        """Close when the client is too slow."""
        if self.closed is None and self._is_too_slow():
            self._close_slow()

    def ping(self) -> None:
        """Ask for a sign of life; cut a client that gave none since the last time.

        While a subscription begins, it may be that nothing is read.
        """
        if self._heard or self._beginning is not None:
            self._heard = False
            self.write(_PING)
        else:
            self._socket.transport.abort()

    def close(self, code: int, reason: str) -> None:
        """Close with *code*; the connection is cut when the client does not answer."""
        if self.closed is None:
            self.closed = code
            self._leave()
            self.closing = asyncio.create_task(self._close(code, reason))

    async def _close(self, code: int, reason: str) -> None:
        ws, transport, _ = self._socket
        with suppress(ConnectionError):
            await ws.close(code=code, message=reason.encode(), drain=False)
        transport.abort()

    def _is_too_slow(self) -> bool:
        unsent_bytes = self._socket.transport.get_write_buffer_size()
        self.waiting = unsent_bytes > self._feed.settings.slow_bytes
        return self.session.too_slow(unsent_bytes, monotonic())

    def _close_slow(self) -> None:
        slow = SlowSubscriberError()
        self.close(slow.code, str(slow))

    def _leave(self) -> None:
        for subscription in self.session.subscriptions.values():
            self._feed.hub.discard(subscription.query, subscription)

    async def _greet(self, principal: Principal | None, token: str | None) -> None:
        if principal is not None:
            self._let_in(principal)
        elif token is not None:
            await self._authenticate(token)
        else:
            try:
                async with asyncio.timeout(self._feed.settings.auth_timeout_s):
                    await self._hear_who()
            except TimeoutError as error:
                message = "no access token in time"
                raise ClientRefusedError(codes.UNAUTHORIZED, message) from error

    async def _hear_who(self) -> None:
        while self.session.access is None:
            message = await self._socket.ws.receive()
            if not self._goes_on(message):
                raise ConnectionResetError("closed before it began")
            await self._receive(message)

    def _goes_on(self, message: WSMessage) -> bool:
        if isinstance(message.data, WebSocketError):
            self.closed = message.data.code  # and aiohttp has said so
        return message.type not in _ENDS

    async def _receive(self, message: WSMessage) -> None:
        self._heard = True
        match message.type:
            case WSMsgType.TEXT:
                await self._follow(message.data)
            case WSMsgType.BINARY:
                raise ClientRefusedError(codes.NOT_TEXT, "text frames only")
            case WSMsgType.PING:
                await self._socket.ws.pong(message.data)
            case _:
                pass

    async def _follow(self, text: str) -> None:
        """One after the other; but for pings, which show that somebody is there."""
        if self._beginning is not None and not frames.is_ping(text):
            if len(self._said) < _MOST_SAID:
                self._said = (*self._said, text)
                return
            await asyncio.wait([self._beginning])
        begin = await self._act(text)
        if begin is not None:
            self._beginning = asyncio.create_task(self._begin(begin))
            self._beginning.add_done_callback(self._has_begun)

    async def _act(self, text: str) -> Begin | None:
        """Do what the client says; a subscription is yet to be begun."""
        action = self.session.receive(text, datetime.now(UTC))
        match action:
            case Authenticate(token=token):
                await self._authenticate(token)
            case Begin():
                return action
            case Ask():
                self._commands.begin(action)
            case End(subscription=subscription):
                self._feed.hub.discard(subscription.query, subscription)
            case None:
                pass
        return None

    async def _begin(self, begin: Begin | None) -> None:
        """Begin a subscription, then do what was said meanwhile."""
        try:
            while begin is not None:
                await bring_up(self._feed, self.session, begin, self._drain)
                begin = None
                while self._said and begin is None:
                    text, *rest = self._said
                    self._said = tuple(rest)
                    begin = await self._act(text)
        finally:
            self._heard, self._beginning = True, None

    def _has_begun(self, beginning: asyncio.Task[None]) -> None:
        error = None if beginning.cancelled() else beginning.exception()
        if isinstance(error, ClientRefusedError):
            self.close(error.code, str(error))
        elif error is not None:
            if not isinstance(error, ConnectionError):
                log.error("subscription_broken", exc_info=error)
            if self.closed is None:
                self._socket.transport.abort()

    async def _authenticate(self, token: str) -> None:
        """Let the holder of *token* in, or go on; a bad newer one changes nothing."""
        try:
            principal = await self._feed.auth.authenticate(token)
        except (UnauthorizedError, KeysAwayError) as error:
            is_away = isinstance(error, KeysAwayError)
            if self.session.access is None:
                code = codes.KEYS_AWAY if is_away else codes.UNAUTHORIZED
                raise ClientRefusedError(code, str(error)) from error
            refused = FrameError(HTTPStatus.UNAUTHORIZED, str(error))
            self.session.send(refused.frame())
        else:
            self._let_in(principal)
            done = frames.Result(of="auth", expires_at=principal.expires_at)
            self.session.send(frames.encode(done))

    def _let_in(self, principal: Principal) -> None:
        """Serve *principal*, unless it has too many sockets; or go on with it."""
        is_new = self.session.access is None
        self.session.authorise(_access(principal))
        if is_new:
            if not self._crowd.quota.open_socket(principal.subject):
                message = "too many sockets of this subject; come back later"
                raise ClientRefusedError(codes.TOO_MANY, message)
            self._counted = principal.subject

    def flush(self) -> None:
        """Write the session's frames."""
        if taken := self.session.take():
            self.write(b"".join(taken))

    async def _drain(self) -> None:
        """Wait until the client has taken nearly all of what there is for it.

        Raises:
            SlowSubscriberError: It does not.
            ConnectionResetError: It has gone, or has been closed.
        """
        self.flush()
        try:
            async with asyncio.timeout(self._feed.settings.page_timeout_s):
                await self._socket.writer.drain()
        except TimeoutError as error:
            raise SlowSubscriberError from error
        if self.closed is not None or self._socket.transport.is_closing():
            raise ConnectionResetError("closed meanwhile")
        self._heard = True


def _access(principal: Principal) -> Access:
    subject, scopes, visibility, expires_at = principal
    return Access(subject, visibility, expires_at, scopes)
