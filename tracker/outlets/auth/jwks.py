"""An identity provider's keys: fetched off the hot path, kept, and fetched again.

One task fetches (`Jwks.run`); who meets an unknown key asks it to, and waits a moment.
While the set cannot be had, the keys that were had last go on counting.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from tracker.errors import ConfigError
from tracker.outlets.auth.keys import Keyring, UnusableKeyError, read_set

MIN_PAUSE_S: Final = 10.0
"""Between two fetches, whoever asks: forged tokens cost their issuer nothing."""

WAIT_S: Final = 5.0
"""For a fetch, and for who waits for one."""

MAX_SET_BYTES: Final = 256 * 1024

log = structlog.get_logger(__name__)

Fetch = Callable[[], Awaitable[bytes]]


class JwksAwayError(Exception):
    """The set cannot be had; the message says why, for a log."""


class Jwks:
    """A set of keys that changes.

    Args:
        fetch: Gets the set; it raises `JwksAwayError`.
        refresh_s: Between two fetches that nobody asked for.
        min_pause_s: Between any two.

    Attributes:
        keyring: Those that were had last.
        loaded: They were had once.
    """

    def __init__(
        self, fetch: Fetch, refresh_s: float, min_pause_s: float = MIN_PAUSE_S
    ) -> None:
        self.keyring = Keyring()
        self.loaded = False
        self._fetch = fetch
        self._refresh_s = refresh_s
        self._min_pause_s = min_pause_s
        self._wanted = asyncio.Event()
        self._fetched = asyncio.Event()
        self._rests = False
        self._well = True

    async def run(self) -> None:
        """Keep the set current, until cancelled."""
        while True:
            self._wanted.clear()
            await self.refresh()
            fetched, self._fetched = self._fetched, asyncio.Event()
            self._rests = True
            fetched.set()
            await asyncio.sleep(self._min_pause_s)
            self._rests = False
            rest_s = self._refresh_s if self._well else 0.0
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._wanted.wait()

    async def renewed(self) -> None:
        """Have the set fetched, if that was not done a moment ago; wait for it."""
        self._wanted.set()
        if self._rests:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                await self._fetched.wait()

    async def refresh(self) -> None:
        """Fetch the set; what cannot be had or used changes nothing."""
        try:
            keyring = await self.fetched()
        except ConfigError as error:
            if self._well:
                log.warning("keys_lost", error=str(error), kept=self.loaded)
            self._well = False
            return
        if not self._well or not self.loaded:
            log.info("keys_fetched", keys=len(keyring.keys))
        self.take(keyring)

    async def fetched(self) -> Keyring:
        """The set as it is now, which is not taken.

        Raises:
            ConfigError: It cannot be had or used.
        """
        try:
            async with asyncio.timeout(WAIT_S):
                return read_set(await self._fetch())
        except (JwksAwayError, UnusableKeyError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            message = f"the JWK set of [auth] cannot be had: {reason}"
            raise ConfigError(message) from error

    def take(self, keyring: Keyring) -> None:
        """These are the keys from now on."""
        self.keyring, self.loaded, self._well = keyring, True, True


def from_url(url: str) -> Fetch:
    """Fetches what is at *url*; it follows no redirect."""

    async def fetch() -> bytes:
        timeout = aiohttp.ClientTimeout(total=WAIT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status != 200:  # noqa: PLR2004 nothing else holds a set
                    message = f"HTTP {answer.status}"
                    raise JwksAwayError(message)
                return await _whole(answer.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise JwksAwayError(type(error).__name__) from error

    return fetch


async def _whole(content: aiohttp.StreamReader) -> bytes:
    raw = b""
    async for chunk in content.iter_any():
        raw += chunk
        if len(raw) > MAX_SET_BYTES:
            raise JwksAwayError("it is too large")
    return raw


def from_file(path: Path) -> Fetch:
    """Reads *path*."""

    async def fetch() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise JwksAwayError(str(error.strerror)) from error

    return fetch
