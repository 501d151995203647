"""One account's line: its token, its budget, and HTTP.

Every request is sent once and never again by itself, but for one renewal of a token
that the server no longer takes.
"""

import asyncio
import base64
import random
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import urlencode

from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.providers.http import (
    HttpConnection,
    asked_pause_s,
    open_session,
    provider_errors,
    read_body,
    status_error,
)
from tracker.providers.renewal import (
    RENEWED_AFTER,
    REPEATED_WITHIN_S,
    Access,
    Renewal,
    refused_again,
)
from tracker.providers.vonage_cc.budget import Budget, Kind
from tracker.providers.vonage_cc.settings import VonageCcSettings, secret_of
from tracker.providers.vonage_cc.wire import parse_token
from tracker.providers.wire import Garbled, parse_oauth_error

MOST_BYTES: Final = 2**20
"""Of one answer; a call's is some 500."""

_FIRST_SERVER_ERROR: Final = 500
_REFUSED: Final = (400, 401, 403)


class Request(NamedTuple):
    """What to send.

    Attributes:
        what: Names it in errors.
        alone: It keeps failing while others are answered: a failure slows nothing
            else down, unless the server asks for that.
    """

    method: str
    path: str
    what: str
    headers: dict[str, str]
    body: bytes | None = None
    alone: bool = False


class Answer(NamedTuple):
    """What came back, and when it was asked for, on the loop's clock.

    Attributes:
        alone: Of the request.
    """

    status: int
    body: bytes
    retry_after: str | None
    began_at_s: float
    alone: bool = False

    @property
    def is_good(self) -> bool:
        """It was done, or will be."""
        return self.status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED)

    @property
    def is_trouble(self) -> bool:
        """The server fails, or wants to hear less."""
        is_asked_for_less = self.status == HTTPStatus.TOO_MANY_REQUESTS
        return is_asked_for_less or self.status >= _FIRST_SERVER_ERROR


class Connection(HttpConnection):
    """One account's. Make it in a running loop; it is a context manager.

    Attributes:
        budget: Of all of the account's requests.

    Raises:
        ConfigError: There is no secret, and where it should be.
    """

    def __init__(self, settings: VonageCcSettings) -> None:
        self.settings = settings
        self.budget = Budget(settings.requests_per_s, random.random)
        self._secret = secret_of(settings)
        super().__init__(
            open_session(connect_timeout_s=settings.connect_timeout_s, headers={})
        )
        self._renewal = Renewal(self._fetch)
        self._accepted: Access | None = None

    async def ready(self) -> None:
        """Have a token, so that the next request can be sent at once.

        Raises:
            ProviderLockedError: The client is refused.
            ProviderUnavailableError: It is not known whether it is.
        """
        await self._renewal.fresh()

    async def ask(self, asked: Request, kind: Kind) -> Answer:
        """Send a request whose place has begun; a renewal takes places of its own.

        Raises:
            ProviderLockedError: A new token is refused, or there is none.
            ProviderUnavailableError: No answer in time, or a token that others used
                was revoked before its turn came.
        """
        access = self._renewal.access or await self._renewal.replace(None)
        began_at_s = _now_s()
        answer = await self._send(asked, access)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            self._accepted = access
            return answer
        access = await self._renewal.replace(access)
        place = await self.budget.reserve(kind)
        is_late = kind is Kind.COMMAND and _now_s() - began_at_s > REPEATED_WITHIN_S
        if is_late:
            place.give_back()
        if is_late or not place.begin():
            msg = f"{self.settings.account}: {asked.what}: the token was renewed first"
            raise ProviderUnavailableError(msg, taken=False)
        answer = await self._send(asked, access)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            self._accepted = access
            return answer
        msg_0 = f"{self.settings.account}: {asked.what}"
        raise refused_again(
            msg_0,
            was_accepted=self._accepted is access,
        )

    async def _send(self, asked: Request, access: Access | None = None) -> Answer:
        """Send it, and have the budget know when that went badly."""
        headers = asked.headers
        if access is not None:
            headers = {**headers, "Authorization": f"Bearer {access.token}"}
        began_at_s = _now_s()
        try:
            with provider_errors(f"{self.settings.account}: {asked.what}"):
                async with asyncio.timeout(self.settings.request_timeout_s):
                    answer = await self._exchange(asked, headers, began_at_s)
        except ProviderUnavailableError:
            if not asked.alone:
                self.budget.failed(began_at_s)
            raise
        asked_s = asked_pause_s(answer.retry_after)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self.budget.slowed(began_at_s, asked_s)
        elif answer.is_trouble and not (asked.alone and asked_s is None):
            self.budget.failed(began_at_s, asked_s)
        return answer

    async def _exchange(
        self, asked: Request, headers: dict[str, str], began_at_s: float
    ) -> Answer:
        async with self.http.request(
            asked.method,
            asked.path,
            data=asked.body,
            headers=headers,
            allow_redirects=False,
        ) as response:
            body = await read_body(response, most_bytes=MOST_BYTES)
        retry_after = response.headers.get("Retry-After")
        return Answer(response.status, body, retry_after, began_at_s, asked.alone)

    async def _fetch(self) -> Access:
        await self.budget.take(Kind.TOKEN)
        answer = await self._send(self._token_request())
        what = f"{self.settings.account}: the token"
        if answer.status in _REFUSED:
            words = parse_oauth_error(answer.body) or f"HTTP {answer.status}"
            msg = f"{what}: client_id or secret refused: {words}"
            raise ProviderLockedError(msg)
        if answer.status != HTTPStatus.OK:
            if not answer.is_trouble:
                self.budget.failed(answer.began_at_s)
            raise status_error(answer.status, what, answer.retry_after)
        token = parse_token(answer.body)
        if isinstance(token, Garbled):
            self.budget.failed(answer.began_at_s)
            msg = f"{what}: none in the answer: {token.shape}"
            raise ProviderUnavailableError(msg)
        lasts_s = RENEWED_AFTER * token.lifetime_s
        return Access(token.access_token, answer.began_at_s + lasts_s)

    def _token_request(self) -> Request:
        settings = self.settings
        fields = {"grant_type": "client_credentials"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if settings.client_auth == "basic":
            login = f"{settings.client_id}:{self._secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        else:
            fields["client_id"] = settings.client_id
            fields["client_secret"] = self._secret
        if settings.scope is not None:
            fields["scope"] = settings.scope
        path = f"{settings.url}/Auth/connect/token"
        return Request("POST", path, "the token", headers, urlencode(fields).encode())


def _now_s() -> float:
    return asyncio.get_running_loop().time()
