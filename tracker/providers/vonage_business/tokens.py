"""One account's access token: got in time, and once for all who want it.

With a password it can be got again at any time. A refresh token is good for one use:
it is marked as used before it is sent, and its successor is on the disk before anything
is done with what came with it. Who waits may go; the renewal goes on.
"""

import asyncio
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import urlencode

import aiohttp

from tracker.errors import (
    ConfigError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.providers.http import provider_errors, read_body, status_error
from tracker.providers.renewal import RENEWED_AFTER
from tracker.providers.settings import look_up_secret
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.providers.vonage_business.token_file import Kept, TokenFile
from tracker.providers.vonage_business.wire import Token, parse_token
from tracker.providers.wire import Garbled, parse_oauth_error

PATIENCE_S: Final = 60.0
"""For the answer to a refresh token, which cannot be asked for twice."""

REFUSED_FOR_S: Final = 60.0
"""What was refused is not tried again so soon: a platform may lock who insists."""

_MOST_BYTES: Final = 2**20
_REFUSED: Final = (400, 401, 403)
_ABOUT_THE_CLIENT: Final = ("invalid_client", "unauthorized_client")
_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_CURE: Final = "log in for a new one, and give it as refresh_token"


class Access(NamedTuple):
    """An access token, and until when, on the loop's clock."""

    token: str
    renew_at_s: float
    ends_at_s: float


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None
    asked_at_s: float


class _Grant(NamedTuple):
    """What came for a refresh token, and what is to be kept of it."""

    kept: Kept
    access: Access


def check_secrets(settings: VonageBusinessSettings) -> None:
    """See that all is there that a token is asked for with.

    Raises:
        ConfigError: The place and the cure.
    """
    look_up_secret(settings, "client_secret")
    look_up_secret(settings, "refresh_token" if settings.refreshes else "password")
    file = settings.tokens_file
    if settings.refreshes and file is not None and not file.parent.is_dir():
        msg = (
            f"account {settings.account}: tokens_file: there is no folder "
            f"{file.parent}: make it, or correct the name"
        )
        raise ConfigError(msg)


class Tokens:
    """One account's.

    Args:
        settings: Who gets them.
        http: By which they are asked for.
    """

    def __init__(
        self, settings: VonageBusinessSettings, http: aiohttp.ClientSession
    ) -> None:
        self._settings = settings
        self._http = http
        self._access: Access | None = None
        self._renewal: asyncio.Task[Access] | None = None
        self._refusal: tuple[ProviderLockedError, float] | None = None
        self._unsaved: _Grant | None = None
        self._file: TokenFile | None = None
        if settings.refreshes and settings.tokens_file is not None:
            self._file = TokenFile(settings.tokens_file, settings.account)

    async def access(self, refused: Access | None = None) -> Access:
        """Return a token to ask with.

        Args:
            refused: One that the server no longer takes.

        Raises:
            ProviderLockedError: There is none, and why; a person is needed.
            ProviderUnavailableError: There is none now.
        """
        access = None if self._access is refused else self._access
        if access is not None and _now_s() < access.renew_at_s:
            return access
        try:
            return await self._renewed()
        except ProviderUnavailableError:
            if access is not None and _now_s() < access.ends_at_s:
                return access
            raise

    async def close(self) -> None:
        """Let a renewal come to its end; not for ever."""
        if self._renewal is None:
            return
        if self._file is not None:
            await asyncio.wait(
                [self._renewal], timeout=self._settings.request_timeout_s
            )
        self._renewal.cancel()
        with suppress(asyncio.CancelledError, ProviderError):
            await self._renewal

    async def _renewed(self) -> Access:
        if self._refusal is not None and _now_s() < self._refusal[1]:
            raise self._refusal[0]
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(_look)
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                return await asyncio.shield(self._renewal)
        except TimeoutError as error:
            msg = f"{self._what}: no answer in time"
            raise ProviderUnavailableError(msg, taken=False) from error

    async def _renew(self) -> Access:
        try:
            if self._file is None:
                access = await self._log_in()
            else:
                access = await self._refresh(self._file)
        except ProviderLockedError as error:
            self._refusal = error, _now_s() + REFUSED_FOR_S
            raise
        except ConfigError as error:
            locked = ProviderLockedError(str(error))
            self._refusal = locked, _now_s() + REFUSED_FOR_S
            raise locked from error
        self._access, self._refusal = access, None
        return access

    async def _log_in(self) -> Access:
        fields = {
            "grant_type": "password",
            "scope": "openid",
            "username": self._settings.login,
            "password": look_up_secret(self._settings, "password"),
        }
        answer = await self._ask(fields, self._settings.request_timeout_s)
        if answer.status in _REFUSED:
            words = parse_oauth_error(answer.body) or f"HTTP {answer.status}"
            msg = f"{self._what}: client, username or password refused: {words}"
            raise ProviderLockedError(msg)
        return _access(self._granted(answer), answer)

    async def _refresh(self, file: TokenFile) -> Access:
        first = look_up_secret(self._settings, "refresh_token")
        try:
            async with file.locked():
                if self._unsaved is None:
                    await self._rotate(file, await asyncio.to_thread(file.load, first))
                return await self._saved(file)
        except OSError as error:
            msg = f"{self._what}: tokens_file: {error.strerror}"
            raise ProviderUnavailableError(msg, taken=False) from error

    async def _rotate(self, file: TokenFile, kept: Kept) -> None:
        await asyncio.to_thread(file.save, kept.used())
        fields = {"grant_type": "refresh_token", "refresh_token": kept.refresh_token}
        answer = await self._ask(fields, PATIENCE_S)
        if answer.status in _REFUSED:
            await asyncio.to_thread(file.save, kept)
            raise self._refused(answer, kept)
        token = self._granted(answer)
        successor = kept.next(token.refresh_token or kept.refresh_token)
        self._unsaved = _Grant(successor, _access(token, answer))

    async def _saved(self, file: TokenFile) -> Access:
        """Keep what came, before it is used."""
        grant = self._unsaved
        if grant is None:
            raise AssertionError
        await asyncio.to_thread(file.save, grant.kept)
        self._unsaved = None
        return grant.access

    async def _ask(self, fields: dict[str, str], limit_s: float) -> _Answer:
        client = {
            "client_id": self._settings.client_id,
            "client_secret": look_up_secret(self._settings, "client_secret"),
        }
        asked_at_s = _now_s()
        with provider_errors(self._what):
            async with (
                asyncio.timeout(limit_s),
                self._http.post(
                    f"{self._settings.base_url}/token",
                    data=urlencode(fields | client).encode(),
                    headers=_HEADERS,
                    allow_redirects=False,
                ) as response,
            ):
                body = await read_body(response, most_bytes=_MOST_BYTES)
        retry_after = response.headers.get("Retry-After")
        return _Answer(response.status, body, retry_after, asked_at_s)

    def _granted(self, answer: _Answer) -> Token:
        if answer.status != 200:  # noqa: PLR2004 OK
            raise status_error(answer.status, self._what, answer.retry_after)
        token = parse_token(answer.body)
        if isinstance(token, Garbled):
            msg = f"{self._what}: none in the answer: {token.shape}"
            raise ProviderUnavailableError(msg)
        return token

    def _refused(self, answer: _Answer, kept: Kept) -> ProviderLockedError:
        error = parse_oauth_error(answer.body) or f"HTTP {answer.status}"
        if error in _ABOUT_THE_CLIENT:
            words = f"client_id or client_secret refused: {error}"
        elif kept.was_used:
            words = (
                "the refresh token was used, and the answer with the next one was "
                f"lost: {_CURE}"
            )
        else:
            words = (
                f"the refresh token is refused ({error}), it is too old or was used "
                f"elsewhere: {_CURE}"
            )
        return ProviderLockedError(f"{self._what}: {words}")

    @property
    def _what(self) -> str:
        return f"{self._settings.account}: the token"


def _access(token: Token, answer: _Answer) -> Access:
    ends_at_s = answer.asked_at_s + token.lifetime_s
    renew_at_s = answer.asked_at_s + RENEWED_AFTER * token.lifetime_s
    return Access(token.access_token, renew_at_s, ends_at_s)


def _look(renewal: asyncio.Task[Access]) -> None:
    """Take note of what went wrong when nobody waits any more."""
    if not renewal.cancelled():
        renewal.exception()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
