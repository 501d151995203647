"""Turns access tokens into who holds them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tracker.outlets.auth.jwks import Jwks, from_file, from_url
from tracker.outlets.auth.keys import Keyring, read_key, read_set_file, secret_key
from tracker.outlets.auth.principal import (
    ANONYMOUS,
    KeysAwayError,
    Principal,
    UnauthorizedError,
    UnknownKeyError,
    principal_of,
)
from tracker.outlets.auth.settings import AuthSettings, load_secret
from tracker.outlets.auth.tokens import LEEWAY_S, Verifier


class Authenticator:
    """Turns an access token into a `Principal`.

    Args:
        settings: With mode ``jwt``, a key that lies here is looked up at once.
        now: The clock, seconds since the epoch.

    Attributes:
        jwks: The keys that come from elsewhere; None = they lie here.

    Raises:
        ConfigError: The key cannot be had, or is too short.
    """

    def __init__(
        self, settings: AuthSettings, now: Callable[[], float] = time.time
    ) -> None:
        self.mode = settings.mode
        self.jwks = _jwks(settings) if self.mode == "jwt" else None
        self._keyring = Keyring() if self.jwks else _keyring(settings)
        self._verifier = Verifier(settings.audience, settings.issuer, now)
        self._claims = settings.claims

    async def run(self) -> None:
        """Keep the keys current that come from elsewhere, until cancelled."""
        if self.jwks is not None:
            await self.jwks.run()

    async def check(self) -> str:
        """Reach the keys once; in words, what there is.

        Raises:
            ConfigError: They cannot be had.
        """
        if self.mode == "none":
            return "nobody is asked who they are: this machine only"
        keyring = self._keyring
        if self.jwks is not None:
            keyring = await self.jwks.fetched()
        known = ", ".join(sorted(key.algorithm for key in keyring.keys))
        return f"access tokens are verified with {known}"

    async def authenticate(self, token: str | None) -> Principal:
        """Who holds *token*, even if its key is a new one.

        Raises:
            UnauthorizedError: As `principal`.
            KeysAwayError: Likewise.
        """
        try:
            return self.principal(token)
        except (UnknownKeyError, KeysAwayError):
            if self.jwks is None:
                raise
            await self.jwks.renewed()
        return self.principal(token)

    def principal(self, token: str | None) -> Principal:
        """Who holds *token*, as far as its key is known; in mode none, anybody.

        Raises:
            UnauthorizedError: Missing, forged, expired, or not for us.
            KeysAwayError: No keys have been had yet.
        """
        if self.mode == "none":
            return ANONYMOUS
        if not token:
            raise UnauthorizedError("an access token is needed")
        if self.jwks is not None and not self.jwks.loaded:
            raise KeysAwayError("access tokens cannot be verified yet: try again")
        keyring = self.jwks.keyring if self.jwks else self._keyring
        claims = self._verifier.claims(token, keyring)
        try:
            expires_at = datetime.fromtimestamp(claims["exp"] + LEEWAY_S, UTC)
            return principal_of(claims, self._claims, expires_at)
        except (ValueError, ArithmeticError, OSError) as error:
            raise UnauthorizedError("the access token is not valid") from error


def _jwks(settings: AuthSettings) -> Jwks | None:
    if settings.jwks_url is not None:
        return Jwks(from_url(settings.jwks_url), settings.jwks_refresh_s)
    if settings.jwks_file is not None:
        jwks = Jwks(from_file(settings.jwks_file), settings.jwks_refresh_s)
        jwks.take(read_set_file(settings.jwks_file, "auth.jwks_file"))
        return jwks
    return None


def _keyring(settings: AuthSettings) -> Keyring:
    if settings.mode == "none":
        return Keyring()
    if settings.public_key_file is not None:
        return Keyring([read_key(settings.public_key_file, "auth.public_key_file")])
    return Keyring([secret_key(load_secret(settings))])
