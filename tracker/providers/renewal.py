"""A token that many use: replaced in time, and once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from tracker.errors import (
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
)

RENEWED_AFTER: Final = 0.9
"""Of a token's lifetime."""

REPEATED_WITHIN_S: Final = 1.0
"""A command whose token was refused is repeated by itself only so soon."""


class Access(NamedTuple):
    """A token, and until when it is good enough, on the loop's clock."""

    token: str
    renew_at_s: float


def refused_again(what: str, *, was_accepted: bool) -> ProviderError:
    """What it means that a request is refused with a renewed token as well.

    Args:
        what: Names the request.
        was_accepted: Another request was answered with that token meanwhile.
    """
    if was_accepted:
        msg = f"{what}: the renewed token is no longer taken"
        return ProviderUnavailableError(msg, taken=False)
    return ProviderLockedError(f"{what}: a new token is refused")


class Renewal:
    """The token that is in use, and how it is replaced. Make it in a running loop.

    Args:
        fetch: Asks for a new one; raises ProviderLockedError where it is refused, and
            ProviderUnavailableError where nobody knows.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Access]]) -> None:
        self._fetch = fetch
        self._renewing = asyncio.Lock()
        self._renewals = 0
        self._refusal: ProviderError | None = None
        self.access: Access | None = None

    async def fresh(self, stale: Access | None = None) -> Access:
        """A token that is good for a while, and is not *stale*.

        Raises:
            ProviderLockedError: The credentials are refused.
            ProviderUnavailableError: It is not known whether they are; nothing was
                asked with a token.
        """
        access = self.access
        now_s = asyncio.get_running_loop().time()
        if access and access is not stale and now_s < access.renew_at_s:
            return access
        return await self.replace(access)

    async def replace(self, stale: Access | None) -> Access:
        """Replace *stale*, however many want it; all learn what came of it.

        Raises as `fresh` does.
        """
        renewals = self._renewals
        async with self._renewing:
            if self.access is not None and self.access is not stale:
                return self.access
            if self._renewals != renewals and self._refusal is not None:
                raise self._refusal
            self._refusal = None
            try:
                self.access = await self._fetch()
            except ProviderLockedError as error:
                self._refusal = error
                raise
            except ProviderUnavailableError as error:
                words, asked_s = str(error), error.retry_after_s
                self._refusal = ProviderUnavailableError(words, asked_s, taken=False)
                raise self._refusal from error
            finally:
                self._renewals += 1
            return self.access
