"""What a program that uses tracker holds in its hand."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from tracker.client.follower import Event, Follower
from tracker.client.live import LiveCalls
from tracker.client.stream import follow
from tracker.errors import ConfigError
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Filter

_SCHEMES = {"http": "ws", "https": "wss"}
_EVERYTHING = Filter()
_NO_URL = "the server's address cannot be read: write http://host:port"


class Tracker:
    """A server, and who asks it.

    Args:
        url: Of the server, ``http://`` or ``https://``, as `tracker run` prints it.
        token: An access token; None = the server wants none.

    Raises:
        ConfigError: The URL is none.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = _stream_url(url)
        self._token = token

    async def events(
        self, wanted: Filter = _EVERYTHING, *, since: str | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Events as CloudEvents, each exactly once, also when connections break.

        Args:
            wanted: Which ones.
            since: A cursor; None = from now on.

        Raises:
            PositionLostError: What came next is gone: take a snapshot.
            RefusedError: The server will not have us.
            ValueError: *since* is no cursor.
        """
        cursor = Cursor.parse(since) if since is not None else None
        follower = Follower(wanted, cursor, snapshot=False)
        async with aclosing(follow(self.url, self._token, follower)) as messages:
            async for message in messages:
                if isinstance(message, Event):
                    yield message.body

    async def calls(
        self, wanted: Filter = _EVERYTHING, live: LiveCalls | None = None
    ) -> AsyncGenerator[LiveCalls, None]:
        """The map of live calls, the same one again after everything that is told.

        Args:
            wanted: Which ones; its types must be None.
            live: The map to keep; None = a new one.

        Raises:
            RefusedError: The server will not have us.
        """
        live = live or LiveCalls()
        follower = Follower(wanted, snapshot=True)
        async with aclosing(follow(self.url, self._token, follower)) as messages:
            async for message in messages:
                live.apply(message)
                yield live


def _stream_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ConfigError(_NO_URL) from error
    if not known or parts.username is not None:
        raise ConfigError(_NO_URL)
    path = f"{parts.path.rstrip('/')}/v1/stream"
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{path}"
