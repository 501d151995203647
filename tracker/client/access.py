"""Who asks: an access token, or somebody who gives a new one when it is needed."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from time import time
from typing import Final

from tracker.errors import ConfigError, TrackerError

BEFORE_S: Final = 60.0
"""A token is renewed so long before its end, or when half of what it had is over."""

LEAST_S: Final = 5.0
"""Between two renewals, whatever tokens are given."""

MOST_REFUSALS: Final = 3
"""Of tokens one after the other: then none that is given will do."""

Renew = Callable[[], Awaitable[str]]


class Access:
    """What a client shows of itself.

    Args:
        token: An access token; or what gives one, called when one is needed and again
            before it ends; None = the server wants none.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, token: str | Renew | None, clock: Callable[[], float] = time
    ) -> None:
        self._renew = None if token is None or isinstance(token, str) else token
        self._token = token if isinstance(token, str) else None
        self._good_until_s = 0.0
        self._clock = clock

    @property
    def is_fixed(self) -> bool:
        """There is no other token to be had."""
        return self._renew is None

    async def token(
        self, *, fresh: bool = False, refused: str | None = None
    ) -> str | None:
        """The token to show now.

        Args:
            fresh: Whatever is known of the one before.
            refused: One that is no good any more: another is asked for in its place.
        """
        fresh |= self._clock() >= self._good_until_s or self._token == refused
        if self._renew is not None and fresh:
            self._token = await _given(self._renew)
            left_s = max(0.0, (_ends_s(self._token) or 0.0) - self._clock())
            self._good_until_s = self._clock() + left_s - min(BEFORE_S, left_s / 2)
        return self._token

    def renews_in_s(self) -> float | None:
        """When the server should be given a new token; None = never."""
        if self._renew is None or self._token is None or _ends_s(self._token) is None:
            return None
        return max(LEAST_S, self._good_until_s - self._clock())


class NoTokenError(TrackerError):
    """What gives tokens has failed."""


async def _given(renew: Renew) -> str:
    """What *renew* gives.

    Raises:
        ConfigError: It is no async function that gives tokens.
    """
    giving: object = renew()
    if not isinstance(giving, Awaitable):
        raise ConfigError("what gives tokens has to be an async function")
    token = await giving
    if not isinstance(token, str) or not token:
        raise ConfigError("what gives tokens gave none")
    return token


class Shown:
    """The token that a server was shown last, over any number of connections.

    Args:
        access: Who asks.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token: str | None = None
        self._refusal: TrackerError | None = None
        self._refusals = 0

    async def headers(self) -> dict[str, str]:
        """Of a new connection.

        Raises:
            NoTokenError: There is no token to be had now.
            TrackerError: As it was refused: there is no other token.
        """
        refused = self._token if self._refusal is not None else None
        try:
            token = await self._access.token(refused=refused)
        except ConfigError:
            raise
        except Exception as error:
            message = f"no access token: {error}"
            raise NoTokenError(message) from error
        if self._refusal is not None and token == refused:
            raise self._refusal
        self._token, self._refusal = token, None
        return bearer(token)

    async def renewed(self) -> str | None:
        """A newer one, for the open connection."""
        self._token = await self._access.token(fresh=True)
        return self._token

    def renews_in_s(self) -> float | None:
        """When there should be a newer one; None = never."""
        return self._access.renews_in_s()

    def taken(self) -> None:
        """The server has let it in."""
        self._refusals = 0

    def refuse(self, refusal: TrackerError) -> None:
        """The server says that it is no good.

        Raises:
            TrackerError: *refusal*: there is no other one, or none will do.
        """
        self._refusals += 1
        if self._access.is_fixed or self._refusals > MOST_REFUSALS:
            raise refusal
        self._refusal = refusal


def bearer(token: str | None) -> dict[str, str]:
    """*token* as a request's header."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _ends_s(token: str) -> float | None:
    """When a JSON Web Token ends, by its own word; None = it does not say."""
    try:
        claims = token.split(".")[1]
        ends = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        return float(ends)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
