"""One connection to the blackhole, Kazoo's WebSocket: bindings, pings, events."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tracker.errors import ProviderError, ProviderUnavailableError
from tracker.providers.http import asked_pause_s
from tracker.providers.kazoo.client import KazooClient
from tracker.providers.kazoo.frames import CallEvent, Reply, Stored, parse_frame
from tracker.providers.renewal import Access
from tracker.providers.wire import Garbled

Event = CallEvent | Stored | Garbled

MOST_UNTOLD: Final = 100_000
_MOST_BYTES: Final = 2**22
_CLOSE_S: Final = 0.3

_QUIET: Final = logging.getLogger("tracker.providers.kazoo.frames")
_QUIET.propagate = False
_QUIET.setLevel(logging.CRITICAL)
"""Frames hold tokens and numbers: the library is not to log them."""


class UnauthenticatedError(ProviderUnavailableError):
    """The socket does not take the token."""


class _Connect(connect):
    """Goes where it was told, and nowhere else: the token would go along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirect."""
        return exc


class Blackhole:
    """A connection that is read and pinged until it is left.

    Args:
        client: Of the account.
        socket: Open.
        heard: Called with every frame.
        news: Called when there is something to take, or nothing will come any more.
    """

    def __init__(
        self,
        client: KazooClient,
        socket: ClientConnection,
        heard: Callable[[], None],
        news: Callable[[], None],
    ) -> None:
        self._client = client
        self._settings = client.settings
        self._socket = socket
        self._heard, self._news = heard, news
        self._numbers = count(1)
        self._events: deque[Event] = deque()
        self._asked: dict[str, asyncio.Future[Reply]] = {}
        self._failure: ProviderError | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to read and to ping."""
        self._tasks = [
            asyncio.create_task(self._run(self._read())),
            asyncio.create_task(self._run(self._ping())),
        ]

    async def stop(self) -> None:
        """End both, and the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for future in self._asked.values():
            future.cancel()
        await self._socket.close()

    def take(self) -> list[Event]:
        """What came since the last time.

        Raises:
            ProviderError: Nothing will come any more, and why.
        """
        events = list(self._events)
        self._events.clear()
        if not events and self._failure is not None:
            raise self._failure
        return events

    async def subscribe(self, binding: str) -> bool:
        """Be told of something; False = the server does not tell of it.

        Raises:
            UnauthenticatedError: The token is not taken.
            ProviderUnavailableError: No good answer.
        """
        reply = await self._ask("subscribe", binding)
        if reply.errors is not None:
            return False
        if binding not in reply.subscribed:
            raise self.trouble("a binding was not made")
        return True

    async def unsubscribe(self, binding: str) -> tuple[str, ...] | None:
        """Be told no more; the bindings that are left, None = it isn't said."""
        return (await self._ask("unsubscribe", binding)).bindings

    async def _ask(self, action: str, binding: str | None = None) -> Reply:
        if self._failure is not None:
            raise self._failure
        access = await self._client.access()
        request_id = str(next(self._numbers))
        frame: dict[str, object] = {
            "action": action,
            "auth_token": access.token,
            "request_id": request_id,
        }
        if binding is not None:
            frame["data"] = {"account_id": self._settings.account, "binding": binding}
        answer = asyncio.get_running_loop().create_future()
        self._asked[request_id] = answer
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await self._socket.send(json.dumps(frame))
                reply: Reply = await answer
        except TimeoutError as error:
            raise self.trouble("no answer in time") from error
        except ConnectionClosed as error:
            raise self.trouble("the connection ended") from error
        finally:
            self._asked.pop(request_id, None)
        if any("authenticate" in said for said in reply.errors or ()):
            await self._refused(access)
        return reply

    async def _refused(self, access: Access) -> None:
        """Have the token renewed, for whoever comes next."""
        await self._client.access(access)
        raise UnauthenticatedError(self._what("the token was not taken"))

    async def _read(self) -> None:
        async for text in self._socket:
            self._heard()
            frame = parse_frame(text)
            if frame is None:
                continue
            if isinstance(frame, Reply):
                answer = self._asked.get(frame.request_id)
                if answer is not None and not answer.done():
                    answer.set_result(frame)
                continue
            if len(self._events) >= MOST_UNTOLD:
                raise self.trouble("more events than can be taken")
            self._events.append(frame)
            self._news()
        raise self.trouble("the connection ended")

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._settings.ping_interval_s)
            await self._ask("ping")

    async def _run(self, running: Coroutine[None, None, None]) -> None:
        """Let it run; whatever ends it ends the connection."""
        try:
            await running
        except ConnectionClosed:
            self._fail(self.trouble("the connection ended"))
        except ProviderError as error:
            self._fail(error)

    def _fail(self, error: ProviderError) -> None:
        self._failure = self._failure or error
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(error)
        self._news()

    def trouble(self, words: str) -> ProviderUnavailableError:
        """The error that says *words* of this connection."""
        return ProviderUnavailableError(self._what(words))

    def _what(self, words: str) -> str:
        return f"{self._settings.account}: the blackhole: {words}"


@asynccontextmanager
async def opened(
    client: KazooClient, heard: Callable[[], None], news: Callable[[], None]
) -> AsyncIterator[Blackhole]:
    """A connection to the account's blackhole.

    Raises:
        ProviderUnavailableError: There is none.
    """
    socket = await _connected(client)
    hole = Blackhole(client, socket, heard, news)
    hole.start()
    try:
        yield hole
    finally:
        await hole.stop()


async def _connected(client: KazooClient) -> ClientConnection:
    settings = client.settings
    what = f"{settings.account}: the blackhole"
    try:
        return await _Connect(
            settings.websocket_url or "",
            compression=None,
            proxy=None,
            open_timeout=settings.connect_timeout_s,
            close_timeout=_CLOSE_S,
            ping_interval=None,
            max_size=_MOST_BYTES,
            logger=_QUIET,
        )
    except InvalidStatus as error:
        response = error.response
        wait = response.headers.get("Retry-After")
        retry_after_s = asked_pause_s(wait)
        message = f"{what}: HTTP {response.status_code}"
        raise ProviderUnavailableError(message, retry_after_s, taken=False) from None
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        message = f"{what}: {getattr(error, 'strerror', None) or type(error).__name__}"
        raise ProviderUnavailableError(message, taken=False) from None
