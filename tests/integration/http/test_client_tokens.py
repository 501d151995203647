"""The Python client's tokens are refused, and it comes back with others."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.integration.http.test_client import answering
from tracker.client import ProblemError, RefusedError, Tracker
from tracker.errors import ConfigError

LEAVE_US = 4500
REFUSALS = pytest.mark.parametrize("code", [4009, 4503, 401])


class Refusing:
    """A server that refuses tokens, and lets nobody in for long.

    Args:
        code: Of the close, or of the HTTP answer.
        refused: So many tokens are no good.

    Attributes:
        shown: The tokens, in order.
    """

    def __init__(self, code: int, refused: int) -> None:
        self.code = code
        self.refused = refused
        self.shown: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.shown.append(request.headers["Authorization"].removeprefix("Bearer "))
        good = len(self.shown) > self.refused
        if self.code == 401 and not good:
            return web.json_response({"detail": "no good"}, status=401)
        if "Upgrade" not in request.headers:
            return web.json_response({"items": [], "next": None, "id": "k"})
        ws = web.WebSocketResponse(protocols=["tracker.v1"])
        await ws.prepare(request)
        await ws.close(code=LEAVE_US if good else self.code, message=b"no good")
        return ws


class Issuer:
    """Gives these tokens, the last of them for ever again; an error is raised."""

    def __init__(self, *tokens: str | Exception) -> None:
        self._tokens = list(tokens)

    async def token(self) -> str:
        token = self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]
        if isinstance(token, Exception):
            raise token
        return token


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.client.stream.FIRST_PAUSE_S", 0.01)


async def refusal(tracker: Tracker, losses: list[str] | None = None) -> int:
    """The code with which following ends for good."""
    told = [] if losses is None else losses
    with pytest.raises(RefusedError) as refused:
        async with aclosing(tracker.events(on_loss=told.append)) as events:
            await anext(events)
    return refused.value.code


@REFUSALS
async def test_a_stream_comes_back_with_another_token(code: int) -> None:
    """However often the function has one that was not refused yet."""
    server = Refusing(code, refused=2)
    async with answering(server.handle) as url:
        tracker = Tracker(url, Issuer("a", "b", "c").token)
        assert await refusal(tracker) == LEAVE_US
    assert server.shown == ["a", "b", "c"]


@REFUSALS
async def test_a_refused_token_is_not_shown_twice(code: int) -> None:
    """The same again, or one that is fixed, is a refusal for good."""
    server = Refusing(code, refused=9)
    async with answering(server.handle) as url:
        losses: list[str] = []
        assert await refusal(Tracker(url, Issuer("a", "b").token)) == code
        assert await refusal(Tracker(url, "fixed"), losses) == code
    assert server.shown == ["a", "b", "fixed"]
    assert losses == []


async def test_a_function_that_fails_is_asked_again() -> None:
    """At first and at every return, whatever it raises: a stream is only lost."""
    server, losses = Refusing(4009, refused=1), list[str]()
    away = RuntimeError("the identity provider is away")
    async with answering(server.handle) as url:
        tracker = Tracker(url, Issuer(away, "a", away, away, "b").token)
        assert await refusal(tracker, losses) == LEAVE_US
    said = f"no access token: {away}"
    assert losses == [said, "no good", said, said]
    assert server.shown == ["a", "b"]


async def command(tracker: Tracker, _: Path) -> None:
    await tracker.command("genesys/acme/c1", "pause")


async def watch(tracker: Tracker, _: Path) -> None:
    await tracker.watch_call("genesys/acme/c1")


async def accounts(tracker: Tracker, _: Path) -> None:
    assert [account async for account in tracker.accounts()] == []


async def download(tracker: Tracker, to: Path) -> None:
    await tracker.download("kazoo/acme/r1", to / "file")


@pytest.mark.parametrize("ask", [command, watch, accounts, download])
async def test_what_is_asked_for_is_asked_once_more(
    ask: Callable[[Tracker, Path], Awaitable[None]], tmp_path: Path
) -> None:
    """With another token; not with the same one, and not a third time."""
    server = Refusing(401, refused=1)
    async with answering(server.handle) as url:
        await ask(Tracker(url, Issuer("a", "b").token), tmp_path)
        assert server.shown == ["a", "b"]
        server.refused = 99
        for token, shown in ((Issuer("a", "b", "c").token, 2), ("fixed", 1)):
            server.shown.clear()
            with pytest.raises(ProblemError) as refused:
                await ask(Tracker(url, token), tmp_path)
            assert (refused.value.code, len(server.shown)) == (401, shown)


async def test_what_gives_ever_new_tokens_that_are_refused_is_given_up() -> None:
    """They have the wrong audience, say."""
    server = Refusing(401, refused=99)
    async with answering(server.handle) as url:
        tracker = Tracker(url, Issuer(*map(str, range(99))).token)
        assert await refusal(tracker) == 401
    assert len(server.shown) == 4


@pytest.mark.parametrize("token", [lambda: "plain", lambda: None, Issuer("").token])
async def test_what_is_no_function_that_gives_tokens_is_told_at_once(
    token: Any,
) -> None:
    """It would be asked for ever."""
    with pytest.raises(ConfigError, match="what gives tokens"):
        await anext(Tracker("http://127.0.0.1:1", token).events())
