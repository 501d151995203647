"""Which token a client shows, and when it asks for a new one."""

import json
from base64 import urlsafe_b64encode

import pytest

from tracker.client.access import BEFORE_S, LEAST_S, Access, bearer


class Issuer:
    """Gives tokens that last *lasts_s*; None = without saying how long."""

    def __init__(self, lasts_s: float | None) -> None:
        self.lasts_s = lasts_s
        self.now_s = 1000.0
        self.given = 0

    def clock(self) -> float:
        return self.now_s

    async def token(self) -> str:
        self.given += 1
        if self.lasts_s is None:
            return f"opaque-{self.given}"
        claims = {"n": self.given, "exp": int(self.now_s + self.lasts_s)}
        body = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        return f"e30.{body}.sig"


async def test_a_token_is_shown_until_shortly_before_its_end() -> None:
    """Then there is a new one; and whenever one is wanted afresh."""
    issuer = Issuer(600)
    access = Access(issuer.token, issuer.clock)
    first = await access.token()
    assert access.renews_in_s() == 600 - BEFORE_S
    issuer.now_s += 600 - BEFORE_S - 1
    assert await access.token() == first
    issuer.now_s += 1
    second = await access.token()
    assert (second != first, issuer.given) == (True, 2)
    assert await access.token(fresh=True) != second
    assert bearer(await access.token())["Authorization"].startswith("Bearer e30.")


async def test_a_short_token_is_renewed_halfway() -> None:
    """And one that is over already, after a pause at least."""
    issuer = Issuer(60)
    access = Access(issuer.token, issuer.clock)
    await access.token()
    assert access.renews_in_s() == 30
    issuer.lasts_s = -100
    await access.token(fresh=True)
    assert access.renews_in_s() == LEAST_S


@pytest.mark.parametrize("opaque", ["opaque", "a.b.c", "a.WzFd.c", "a.e30.c", ""])
async def test_a_token_that_does_not_say_is_asked_for_each_time(opaque: str) -> None:
    """It is not renewed on an open socket: nobody knows when."""
    issuer = Issuer(None)
    access = Access(issuer.token, issuer.clock)
    assert [await access.token() for _ in range(2)] == ["opaque-1", "opaque-2"]
    assert access.renews_in_s() is None
    fixed = Access(opaque)
    assert await fixed.token(fresh=True) == opaque
    assert fixed.renews_in_s() is None
    assert bearer(await Access(None).token()) == {}


async def test_a_refused_token_is_not_given_again() -> None:
    """Another one is asked for once, by whoever was refused first."""
    issuer = Issuer(600)
    access = Access(issuer.token, issuer.clock)
    first = await access.token()
    second = await access.token(refused=first)
    assert second != first
    assert await access.token(refused=first) == second
    assert issuer.given == 2
