"""Keys that come from elsewhere: kept, renewed, asked for no oftener than may be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from tests.unit.fanout.world import until
from tests.unit.outlets.issuing import NOW_S, ec, key_set, rsa, signed, verifying
from tracker.outlets.auth import Authenticator, KeysAwayError, UnauthorizedError
from tracker.outlets.auth.jwks import Jwks, JwksAwayError

URL = {"jwks_url": "https://login.example/keys"}
LONG_S = 3600.0


class Provider:
    """An identity provider.

    Attributes:
        shown: Its set; None = it does not answer.
        asked: How often it was asked.
    """

    def __init__(self, shown: bytes | None) -> None:
        self.shown = shown
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.answers.wait()
        if self.shown is None:
            raise JwksAwayError("HTTP 503")
        return self.shown

    async def shows(self, shown: bytes | None) -> None:
        """It shows another set; return when that was fetched."""
        self.shown, asked = shown, self.asked
        await until(lambda: self.asked > asked + 2)


@asynccontextmanager
async def trusting(
    provider: Provider, refresh_s: float = LONG_S, min_pause_s: float = 0.0
) -> AsyncIterator[Authenticator]:
    """Who verifies with the provider's keys, and keeps them current."""
    verifier = Authenticator(verifying(**URL), now=lambda: NOW_S)
    verifier.jwks = Jwks(provider.fetch, refresh_s, min_pause_s)
    running = asyncio.create_task(verifier.run())
    try:
        yield verifier
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_rotated_key_is_fetched_by_the_first_who_has_it() -> None:
    """Nobody is turned away; a key that was taken out opens nothing any more."""
    provider = Provider(key_set(rsa()))
    async with trusting(provider) as verifier:
        old, new = signed(rsa(), "RS256", kid="r0"), signed(ec(), "ES256", kid="e0")
        assert (await verifier.authenticate(old)).subject == "jdoe"
        provider.shown = key_set(ec())
        asked = provider.asked
        told = await asyncio.gather(*(verifier.authenticate(new) for _ in range(20)))
        assert {principal.subject for principal in told} == {"jdoe"}
        assert provider.asked <= asked + 2
        with pytest.raises(UnauthorizedError):
            await verifier.authenticate(old)


async def test_forged_tokens_have_nothing_fetched_too_often() -> None:
    """Unknown keys cost the provider one answer in a while, and nobody a wait."""
    provider = Provider(key_set(rsa()))
    async with trusting(provider, min_pause_s=LONG_S) as verifier:
        await verifier.authenticate(signed(rsa(), "RS256", kid="r0"))
        for number in range(50):
            token = signed(rsa(1), "RS256", kid=f"forged-{number}")
            with pytest.raises(UnauthorizedError):
                await verifier.authenticate(token)
        assert provider.asked == 1


async def test_known_keys_count_while_the_provider_is_away() -> None:
    """It is said once, and once that they are back; a bad set changes nothing."""
    provider = Provider(key_set(rsa()))
    with capture_logs() as logs:
        async with trusting(provider, refresh_s=0.0) as verifier:
            good = signed(rsa(), "RS256", kid="r0")
            await verifier.authenticate(good)
            for shown in (None, b"<html>", key_set()):
                await provider.shows(shown)
                assert verifier.principal(good).subject == "jdoe"
            await provider.shows(key_set(ec()))
            await verifier.authenticate(signed(ec(), "ES256", kid="e0"))
    told = [log["event"] for log in logs]
    assert told == ["keys_fetched", "keys_lost", "keys_fetched"]


async def test_before_there_are_keys_nobody_is_called_a_forger() -> None:
    """Who comes first waits for them; when they cannot be had, comes again."""
    provider = Provider(key_set(rsa()))
    provider.answers.clear()
    token = signed(rsa(), "RS256", kid="r0")
    async with trusting(provider, min_pause_s=LONG_S) as verifier:
        with pytest.raises(KeysAwayError):
            verifier.principal(token)
        waiting = asyncio.create_task(verifier.authenticate(token))
        await until(lambda: provider.asked)
        provider.answers.set()
        assert (await waiting).subject == "jdoe"
    provider.shown = None
    async with trusting(provider, min_pause_s=LONG_S) as verifier:
        with pytest.raises(KeysAwayError):
            await verifier.authenticate(token)
