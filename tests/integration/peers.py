"""Bayeux servers and clients that nobody here wrote, as context managers."""

from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.integration import rates
from tests.integration.node import Peer, run
from tests.integration.servers import free_port

NOTIFICATIONS_PATH = "/api/v2/notifications"
ME_PATH = "/api/v2/me"
CALLS_PATH = "/api/v2/me/calls"
CALLS_CHANNEL = "/v2/me/calls"

_ENDED_CALL_STATES = {"Released", "Completed"}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, as the server saw it.

    Attributes:
        at_s: When it was complete, on the server's own clock.
        user: Whose it was: the session cookie's owner, else ``login``.
        login: The name in its Basic header. Other than ``user``: mixed-up cookies.
        channel: The first Bayeux message's channel.
        status: The answer's, None while there is none.
    """

    at_s: float
    user: str | None
    login: str | None
    method: str
    path: str
    channel: str | None
    body: str
    status: int | None


def peak_per_s(requests: Sequence[Request]) -> int:
    """The most requests that came in any one second; see `rates`."""
    return rates.peak_per_s(sorted(request.at_s for request in requests))


class Server(Peer):
    """A Bayeux server at ``NOTIFICATIONS_PATH`` and the GWS REST calls beside it.

    Events: ``handshake {user}``, ``subscribed {user, channel}`` and, from CometD
    only, ``removed {user}``. In every method a *user* of None means every agent, and
    a *count* of None means until ``heal()``.
    """

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self.url = ""
        self._calls: dict[str, dict[str, Any]] = {}

    async def listening(self) -> None:
        """Wait until it can be reached at ``url``."""
        port = (await self.event("listening", within_s=20))["port"]
        self.url = f"http://127.0.0.1:{port}"

    async def publish(
        self, *data: object, user: str | None = None, channel: str = CALLS_CHANNEL
    ) -> None:
        """Send each of *data*, in order, to the agent's subscribed sessions."""
        messages = [{"channel": channel, "data": one} for one in data]
        await self.command("publish", user=user, messages=messages)

    async def show(self, user: str, notification: Mapping[str, Any]) -> None:
        """Have a call notification's call in the agent's REST list, then publish it."""
        calls = self._calls.setdefault(user, {})
        call = notification["call"]
        calls[call["id"]] = call
        if call["state"] in _ENDED_CALL_STATES:
            del calls[call["id"]]
        await self.set_calls(user, list(calls.values()))
        await self.publish(notification, user=user)

    async def set_calls(self, user: str, calls: Sequence[Mapping[str, Any]]) -> None:
        """Make *calls* what the agent's ``GET /api/v2/me/calls`` answers."""
        self._calls[user] = {call["id"]: dict(call) for call in calls}
        await self.command("set_calls", user=user, calls=calls)

    async def requests(self) -> list[Request]:
        """Return every request so far, oldest first."""
        return [Request(**entry) for entry in await self.command("requests")]

    async def answer(
        self,
        status: int = 200,
        body: str = "",
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        count: int | None = 1,
        **match: str,
    ) -> None:
        """Answer the next requests with this, unprocessed. See ``fault``."""
        answer = {
            "status": status,
            "body": body,
            "type": content_type,
            "headers": headers or {},
        }
        await self.command(
            "fault", kind="answer", answer=answer, match=match, count=count
        )

    async def fault(self, kind: str, *, count: int | None = 1, **match: str) -> None:
        """Have *kind* befall the next requests that match.

        Args:
            kind: ``drop`` (TCP reset, unprocessed), ``hang`` (processed never), or
                ``reset`` (processed, then a TCP reset in the middle of the answer).
            count: How many requests.
            match: ``user, method, path, channel`` as in ``Request``, and
                ``containing``, a part of the body (of the answer's, for ``reset``).
        """
        await self.command("fault", kind=kind, match=match, count=count)

    async def refuse_subscription(
        self, *, count: int | None = 1, user: str | None = None
    ) -> None:
        """Refuse the next subscriptions with a 403."""
        await self.command("refuse_subscription", user=user, count=count)

    async def alter_reply(
        self,
        fields: Mapping[str, object],
        *,
        channel: str = "/meta/connect",
        count: int | None = 1,
        user: str | None = None,
    ) -> None:
        """Lay *fields*, an ``advice`` say, over the next replies on a meta channel.

        CometD's held polls are answered at once, faye's when they end.
        """
        await self.command(
            "alter_reply", user=user, channel=channel, fields=fields, count=count
        )

    async def heal(self) -> None:
        """Disarm every fault, refusal and alteration; what hangs goes on hanging."""
        await self.command("heal")

    async def expire(self, user: str | None = None) -> None:
        """Forget Bayeux sessions: 402 (faye: 401) and advice to shake hands again."""
        await self.command("expire", user=user)

    async def cut(self, user: str | None = None) -> None:
        """Reset the TCP connections of all requests not answered yet."""
        await self.command("cut", user=user)

    async def log_out(self, user: str | None = None) -> None:
        """Forget the HTTP sessions: their cookies count no more."""
        await self.command("log_out", user=user)

    async def rotate_csrf(self) -> None:
        """Give every HTTP session another CSRF token, to be learnt by a GET."""
        await self.command("rotate_csrf")

    async def restart(self, down_s: float = 0, *, forget: bool = True) -> None:
        """Close every connection, refuse new ones for *down_s*, listen again.

        All sessions are forgotten unless *forget* is False (the network was cut).
        """
        await self.command("restart", down_s=down_s, forget=forget)


class CometdServer(Server):
    """The real cometd-nodejs-server."""

    async def disconnect(self, user: str | None = None) -> None:
        """End Bayeux sessions from the server's side, telling the clients."""
        await self.command("disconnect", user=user)

    async def configure(self, **times_ms: int) -> None:
        """Change ``timeout``, ``interval`` or ``maxInterval``, in ms.

        Clients are told in the replies that carry advice anyhow; see ``alter_reply``.
        """
        await self.command("configure", **times_ms)


class Client(Peer):
    """The real cometd npm client, which shakes hands and subscribes by itself.

    Events: ``meta {channel, successful, message}``, ``subscribed {channel,
    successful}`` and ``message {channel, data}``.
    """

    async def subscribe(self, channel: str) -> None:
        """Subscribe to one more channel."""
        await self.command("subscribe", channel=channel)

    async def disconnect(self) -> None:
        """Say goodbye to the server and wait for its answer."""
        await self.command("disconnect")


def _options(**more: object) -> dict[str, object]:
    """Of a server, with a port that nobody takes while it is down."""
    return {"port": free_port(), **more}


@asynccontextmanager
async def cometd_server(
    *,
    ack: bool = True,
    csrf: bool = False,
    users: Mapping[str, str] | None = None,
    timeout_s: float = 30,
    interval_s: float = 0,
    max_interval_s: float = 10,
) -> AsyncIterator[CometdServer]:
    """Run cometd-nodejs-server.

    Args:
        ack: Offer the acknowledgement extension.
        csrf: Demand the CSRF token of a GET on every POST.
        users: Passwords by login name; None lets anyone in.
        timeout_s: How long a poll is held.
        interval_s: How long a client is to wait between polls.
        max_interval_s: How long a session lives without a poll.
    """
    times = {
        "timeout": timeout_s,
        "interval": interval_s,
        "maxInterval": max_interval_s,
        "sweepPeriod": 0.1,
    }
    bayeux = {name: round(time_s * 1000) for name, time_s in times.items()}
    options = _options(ack=ack, csrf=csrf, users=users, bayeux=bayeux)
    async with run(CometdServer, "cometd_server.js", options) as server:
        await server.listening()
        yield server


@asynccontextmanager
async def faye_server(
    *, csrf: bool = False, users: Mapping[str, str] | None = None, timeout_s: float = 30
) -> AsyncIterator[Server]:
    """Run faye, which has no acknowledgements. Arguments as of ``cometd_server``."""
    options = _options(csrf=csrf, users=users, timeout_s=timeout_s)
    async with run(Server, "faye_server.js", options) as server:
        await server.listening()
        yield server


@asynccontextmanager
async def cometd_client(
    url: str,
    *,
    user: str,
    password: str = "",
    channels: Sequence[str] = (CALLS_CHANNEL,),
    ack: bool = True,
) -> AsyncIterator[Client]:
    """Run the cometd npm client against *url*, a server's notifications path."""
    options = {
        "url": url,
        "user": user,
        "password": password,
        "channels": channels,
        "ack": ack,
    }
    async with run(Client, "cometd_client.js", options) as client:
        yield client
