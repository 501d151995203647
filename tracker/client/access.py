"""Who asks: an access token, or somebody who gives a new one when it is needed."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from time import time
from typing import Final

BEFORE_S: Final = 60.0
"""A token is renewed so long before its end, or when half of what it had is over."""

LEAST_S: Final = 5.0
"""Between two renewals, whatever tokens are given."""

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

    async def token(self, *, fresh: bool = False) -> str | None:
        """The token to show now.

        Args:
            fresh: Whatever is known of the one before.
        """
        if self._renew is not None and (fresh or self._clock() >= self._good_until_s):
            self._token = await self._renew()
            left_s = max(0.0, (_ends_s(self._token) or 0.0) - self._clock())
            self._good_until_s = self._clock() + left_s - min(BEFORE_S, left_s / 2)
        return self._token

    async def headers(self) -> dict[str, str]:
        """As a request's header."""
        token = await self.token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def renews_in_s(self) -> float | None:
        """When the server should be given a new token; None = never."""
        if self._renew is None or self._token is None or _ends_s(self._token) is None:
            return None
        return max(LEAST_S, self._good_until_s - self._clock())


def _ends_s(token: str) -> float | None:
    """When a JSON Web Token ends, by its own word; None = it does not say."""
    try:
        claims = token.split(".")[1]
        ends = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        return float(ends)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
