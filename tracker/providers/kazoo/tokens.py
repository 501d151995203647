"""One account's token: got in time, and once for all who want it."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp

from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.providers.http import provider_errors, read_body, status_error
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.kazoo.wire import parse_token
from tracker.providers.renewal import RENEWED_AFTER, Access, Renewal
from tracker.providers.wire import Garbled

_MOST_BYTES: Final = 2**20
_GOOD: Final = (200, 201)
_REFUSED: Final = (400, 401, 403, 404)

_HASHES: Final[Mapping[str, Callable[[bytes], str]]] = {
    "md5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    "sha": lambda text: hashlib.sha1(text, usedforsecurity=False).hexdigest(),
}
"""What the platform wants; that it guards nothing is no choice of ours."""


class Tokens(Renewal):
    """An account's.

    Args:
        settings: Of the account.
        secret: Its password or API key.
        http: Shared with whoever uses the tokens.
    """

    def __init__(
        self, settings: KazooSettings, secret: str, http: aiohttp.ClientSession
    ) -> None:
        super().__init__(self._get)
        self._settings = settings
        self._http = http
        self._secret = secret

    async def _get(self) -> Access:
        path, body = self._login()
        what = f"{self._settings.account}: the token"
        asked_at_s = _now_s()
        with provider_errors(what):
            async with (
                asyncio.timeout(self._settings.request_timeout_s),
                self._http.put(
                    f"{self._settings.base_url}/v2/{path}",
                    data=json.dumps({"data": body}).encode(),
                    headers={"Content-Type": "application/json"},
                    allow_redirects=False,
                ) as response,
            ):
                status = response.status
                retry_after = response.headers.get("Retry-After")
                answer = await read_body(response, most_bytes=_MOST_BYTES)
        if status in _REFUSED:
            which = "username or password" if self._settings.logs_in else "api_key"
            msg = f"{what}: {which} refused: HTTP {status}"
            raise ProviderLockedError(msg)
        if status not in _GOOD:
            raise status_error(status, what, retry_after)
        token = parse_token(answer)
        if isinstance(token, Garbled):
            msg = f"{what}: none in the answer: {token.shape}"
            raise ProviderUnavailableError(msg)
        return Access(token, asked_at_s + RENEWED_AFTER * self._lifetime_s)

    def _login(self) -> tuple[str, Mapping[str, str]]:
        """Where to log in, and with what."""
        settings = self._settings
        if not settings.logs_in:
            return "api_auth", {"api_key": self._secret}
        hashed = f"{(settings.username or '').lower()}:{self._secret}".encode()
        field, name = settings.account_named
        method = settings.credentials_hash
        credentials = _HASHES[method](hashed)
        return "user_auth", {
            "credentials": credentials,
            field: name,
            "method": method,
        }

    @property
    def _lifetime_s(self) -> float:
        return self._settings.token_lifetime_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()
