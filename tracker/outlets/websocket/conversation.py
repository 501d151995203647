"""A handshake's answer, and the socket that it leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from tracker.outlets.websocket.settings import StreamSettings

SUBPROTOCOL: Final = "tracker.v1"


class Conversation(web.WebSocketResponse):
    """A handshake's answer, whose body is all that is said on the socket.

    So the middlewares are through when the conversation begins, and what they hold
    does not stay for as long as it lasts.
    """

    def __init__(self, settings: StreamSettings) -> None:
        super().__init__(
            protocols=(SUBPROTOCOL,),
            compress=False,
            autoping=False,
            max_msg_size=settings.max_frame_bytes,
            timeout=settings.close_timeout_s,
        )
        self.talk: Callable[[], Awaitable[None]] | None = None

    async def write_eof(self, data: bytes = b"") -> None:
        """Have the conversation, then close."""
        if self.talk is not None:
            talk, self.talk = self.talk(), None
            await talk
        await super().write_eof()


class Socket(NamedTuple):
    """A socket after its handshake."""

    ws: Conversation
    transport: asyncio.Transport
    writer: AbstractStreamWriter
