"""The Python client's tokens end, and its streams do not."""

from contextlib import aclosing

import pytest

from tests.integration.websocket.stage import JWT, Stage, playing, token
from tests.unit.fanout.world import until
from tracker.client import Tracker
from tracker.outlets.auth import LEEWAY_S
from tracker.outlets.websocket import codes
from tracker.outlets.websocket.settings import StreamSettings

QUICK = StreamSettings(cursor_interval_s=0.1)


class Issuer:
    """Gives tokens that last so long, the last of *lasts_s* for ever again."""

    def __init__(self, *lasts_s: float) -> None:
        self.lasts_s = list(lasts_s)
        self.given = 0

    async def token(self) -> str:
        self.given += 1
        return token(lasts_s=self.lasts_s[min(self.given, len(self.lasts_s)) - 1])


def tracker(stage: Stage, issuer: Issuer) -> Tracker:
    return Tracker(f"http://127.0.0.1:{stage.port}", issuer.token)


async def test_a_token_is_renewed_on_the_open_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the one that it has ends: nothing is interrupted."""
    monkeypatch.setattr("tracker.client.access.LEAST_S", 0.05)
    issuer = Issuer(1, 1, 3600)
    async with playing(QUICK, JWT) as stage:
        cursor = str(stage.process.cursor)
        following = tracker(stage, issuer).events(since=cursor)
        async with aclosing(following) as events:
            stage.process.change(1)
            got = [(await anext(events))["id"]]
            await until(lambda: issuer.given == 3)
            stage.process.change(1)
            got.append((await anext(events))["id"])
        assert got == stage.process.published
        assert stage.metric("tracker_stream_closed_total", code="4009") == 0


async def test_a_token_that_ended_is_followed_by_another() -> None:
    """The server says so; the client comes back at once and misses nothing."""
    issuer = Issuer(1.5 - LEEWAY_S, 3600)
    async with playing(QUICK, JWT) as stage:
        got: list[str] = []
        cursor = str(stage.process.cursor)
        following = tracker(stage, issuer).events(since=cursor)
        async with aclosing(following) as events:
            stage.process.change(1)
            got.append((await anext(events))["id"])
            await stage.nobody_left()
            stage.process.change(1)
            stage.process.change(2)
            got += [(await anext(events))["id"] for _ in range(2)]
        assert got == stage.process.published
        expired = str(codes.EXPIRED)
        assert stage.metric("tracker_stream_closed_total", code=expired) == 1
        assert issuer.given == 2
