"""What a program that uses tracker holds in its hand."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import urlsplit

from tracker.client.access import Access, Renew
from tracker.client.asking import authorised, call_path, given, post
from tracker.client.follower import Event, Follower, Lost
from tracker.client.live import LiveCalls
from tracker.client.stream import follow
from tracker.client.webhooks import Webhooks
from tracker.domain.key import split_key
from tracker.domain.terms import Action, Reason
from tracker.errors import ConfigError
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Filter

_SCHEMES = {"http": "ws", "https": "wss"}
_EVERYTHING = Filter()
_NO_URL = "the server's address cannot be read: write http://host:port"


class Tracker(Webhooks):
    """A server, and who asks it.

    Args:
        url: Of the server, ``http://`` or ``https://``, as `tracker run` prints it.
        token: An access token; or an async function that gives one, which is called
            again before it ends, so that nothing is interrupted, and when the server
            refuses it; None = the server wants none.

    Raises:
        ConfigError: The URL is none.
    """

    def __init__(self, url: str, token: str | Renew | None = None) -> None:
        self.url = _stream_url(url)
        super().__init__(url.rstrip("/"), Access(token))

    async def events(
        self,
        wanted: Filter = _EVERYTHING,
        *,
        since: str | None = None,
        on_loss: Callable[[str], None] | None = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Events as CloudEvents, each exactly once, also when connections break.

        Args:
            wanted: Which ones.
            since: A cursor; None = from now on.
            on_loss: Told why, whenever there is no connection; it is tried again.

        Raises:
            PositionLostError: What came next is gone: take a snapshot.
            RefusedError: The server will not have us.
            ValueError: *since* is no cursor.
        """
        cursor = Cursor.parse(since) if since is not None else None
        follower = Follower(wanted, cursor, snapshot=False)
        async with aclosing(follow(self.url, self._access, follower)) as messages:
            async for message in messages:
                if isinstance(message, Event):
                    yield message.body
                elif isinstance(message, Lost) and on_loss is not None:
                    on_loss(message.reason)

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
        async with aclosing(follow(self.url, self._access, follower)) as messages:
            async for message in messages:
                live.apply(message)
                yield live

    async def accounts(self) -> AsyncGenerator[dict[str, Any], None]:
        """All accounts that have been heard of, and their health, by key.

        Raises:
            ProblemError: They are not for this token.
            UnansweredError: There was no answer.
        """
        async for account in self._pages("/v1/accounts", {"limit": "100"}):
            yield account

    async def command(  # noqa: PLR0913 what may be asked has so many parts
        self,
        call: str,
        action: Action,
        *,
        agent: str | None = None,
        reason: Reason | None = None,
        options: Mapping[str, str | int | bool] | None = None,
        deadline_s: float | None = None,
        wait_s: int | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Ask for a command, once: it is asked again when a connection breaks.

        Args:
            call: Its key.
            action: What is to be done to its recording.
            agent: Whose leg; None = every leg that needs it.
            reason: Why.
            options: What the platform alone understands.
            deadline_s: From the sending to the last look.
            wait_s: For its end; the server waits no longer than 30 s.
            idempotency_key: The same again asks once; None = a new one.

        Returns:
            The command as it stands. Only the stage ``confirmed`` is a success.

        Raises:
            ProblemError: It was not taken.
            UnansweredError: Nobody knows; the same key may be asked again.
            RefusedError: It is no tracker that answers.
            ValueError: *call* is no key of a call.
        """
        body = given(
            {
                "action": action,
                "agent": agent,
                "reason": reason,
                "options": options,
                "deadline_s": deadline_s,
            }
        )
        headers = {"Idempotency-Key": idempotency_key or token_hex(16)}
        if wait_s is not None:
            headers["Prefer"] = f"wait={wait_s}"
        url = f"{self._base}{call_path(call)}/commands"

        def asking(shown: Mapping[str, str]) -> Awaitable[dict[str, Any]]:
            both = {**headers, **shown}
            return post(url, body, both, wait_s=wait_s or 0, repeats=1)

        return await authorised(self._access, asking)

    async def watch_call(
        self,
        call: str,
        *,
        expected: Literal["recording", "paused"] | None = None,
        deadline_s: float | None = None,
    ) -> dict[str, Any]:
        """Have a call watched, on a platform that lists none.

        Args:
            call: Its key.
            expected: What somebody else has already asked the platform for.
            deadline_s: From when the call is known to the last look.

        Returns:
            The watch.

        Raises:
            ProblemError: It is not watched.
            UnansweredError: Nobody knows.
            RefusedError: It is no tracker that answers.
            ValueError: *call* is no key of a call.
        """
        call_path(call)
        names = ("provider", "account", "call_id")
        body = dict(zip(names, split_key(call), strict=True))
        rest = given({"expected": expected, "deadline_s": deadline_s})
        asking = partial(post, f"{self._base}/v1/watches", {**body, **rest})
        return await authorised(self._access, asking)


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
