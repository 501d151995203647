"""HTTP to Genesys Web Services v2: one connection per account, a session per agent.

Every method asks once and never again by itself, but for one renewal of a login or
CSRF token that the server no longer takes; a command only soon.
"""

import asyncio
import base64
import json
import math
from http import HTTPStatus
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

import aiohttp

from tracker.errors import (
    CommandRefusedError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.providers.genesys.bayeux import Bayeux, Event
from tracker.providers.genesys.settings import AgentSettings, GenesysSettings
from tracker.providers.genesys.wire import (
    CallResource,
    parse_calls,
    parse_status,
)
from tracker.providers.http import (
    Gate,
    HttpConnection,
    Pace,
    open_session,
    provider_errors,
    read_body,
    status_error,
)
from tracker.providers.renewal import REPEATED_WITHIN_S
from tracker.providers.wire import Garbled

MOST_BYTES: Final = 2**27
"""Of one answer: some 90,000 notifications."""

SOON_S: Final = 10.0
"""A poll that fails so soon after the session began may never be held at all."""

Operation = Literal[
    "StartCallRecording",
    "StopCallRecording",
    "PauseCallRecording",
    "ResumeCallRecording",
]

_BROWSER_COOKIE: Final = "BAYEUX_BROWSER"
_CSRF_HEADER: Final = "X-CSRF-TOKEN"
_NEEDS_A_PERSON: Final = frozenset({3, 5, 8, 20})
_NOT_LOGGED_IN: Final = 20
_FIRST_SERVER_ERROR: Final = 500


class _Request(NamedTuple):
    method: str
    path: str
    body: bytes | None = None
    limit_s: float | None = None
    repeated_within_s: float = math.inf
    has_turn: bool = False


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None
    took_s: float

    @property
    def refuses_csrf_token(self) -> bool:
        return self.status == HTTPStatus.FORBIDDEN and b"csrf" in self.body.lower()

    @property
    def refuses_login(self) -> bool:
        if self.status != HTTPStatus.FORBIDDEN or self.refuses_csrf_token:
            return self.status == HTTPStatus.UNAUTHORIZED
        outcome = parse_status(self.body)
        return outcome is None or outcome.code == _NOT_LOGGED_IN

    @property
    def is_trouble(self) -> bool:
        """The server fails, or wants to hear less."""
        is_asked_for_less = self.status == HTTPStatus.TOO_MANY_REQUESTS
        return is_asked_for_less or self.status >= _FIRST_SERVER_ERROR

    def as_error(self, asker: str, what: str) -> ProviderError:
        outcome = parse_status(self.body)
        what = f"{asker}: {what}"
        words = f"{what}: {outcome.meaning}" if outcome else f"{what}: no statusCode"
        if self.status != HTTPStatus.OK:
            return status_error(self.status, words, self.retry_after)
        if outcome and outcome.code in _NEEDS_A_PERSON:
            return ProviderLockedError(words)
        return ProviderUnavailableError(words)


class GenesysConnection(HttpConnection):
    """What the agents of one account share: connections, and restraint.

    A session's requests pass the account's gate until it has polled with success.
    Make it inside a running loop; it is an async context manager.
    """

    def __init__(self, settings: GenesysSettings) -> None:
        headers = {"Origin": settings.origin_header, "Accept": "application/json"}
        super().__init__(
            open_session(connect_timeout_s=settings.connect_timeout_s, headers=headers)
        )
        self.settings = settings
        self.api = f"{settings.base_url}/api/v2"
        self.gate = Gate(settings.max_requests_per_s_failing)


class AgentSession:
    """One agent's own login, cookies and CSRF token.

    Attributes:
        answered_at_s: When a poll was last answered well, or a read while polls are,
            on the loop's clock; None before the first poll.
    """

    def __init__(self, connection: GenesysConnection, agent: AgentSettings) -> None:
        login = f"{agent.username}:{agent.password.get_secret_value()}"
        self._connection = connection
        self._name = f"{connection.settings.account}/{agent.id}"
        self._authorization = f"Basic {base64.b64encode(login.encode()).decode()}"
        self._cookies: dict[str, str] = {}
        self._csrf: dict[str, str] = {}
        self._pace = Pace(connection.gate)
        self._polled_at_s = self._live_at_s = -math.inf
        self._holds = True
        self.answered_at_s: float | None = None

    async def turn(self) -> None:
        """Wait until an operation may be posted: no time at all where nothing fails."""
        await self._pace.turn()

    async def login(self) -> None:
        """Prove the credentials; learn the cookies and the CSRF token.

        Raises:
            ProviderLockedError: They are refused.
            ProviderUnavailableError: It is not known whether they are good.
        """
        self._check(await self._send(_Request("GET", "/me")), "login")

    async def start_session(self) -> None:
        """Log the agent in to the contact centre, for voice."""
        asked = _Request("POST", "/me")
        await self._operate(asked, "StartContactCenterSession", channels=["voice"])

    async def calls(self) -> tuple[CallResource | Garbled, ...]:
        """Return all of the agent's calls.

        Raises:
            ProviderLockedError: Not for this agent.
            ProviderUnavailableError: No answer, or none that lists calls.
        """
        for path in ("/me/calls?fields=*", "/me/?subresources=calls"):
            answer = await self._ask(_Request("GET", path))
            if answer.status == HTTPStatus.NOT_FOUND:
                continue
            self._check(answer, "calls")
            calls = parse_calls(answer.body)
            if calls is not None:
                self._has_read(_now_s() - answer.took_s)
                return calls
        msg = f"{self._name}: calls: no answer lists them"
        raise ProviderUnavailableError(msg)

    async def post_operation(self, call_id: str, operation: Operation) -> None:
        """Have *operation* accepted for a leg, which proves nothing yet.

        Who calls it has waited for a `turn`.

        Args:
            call_id: The leg's own `id`.
            operation: Of those that the platform has for a recording.

        Raises:
            CommandRefusedError: It was not taken, and why.
            ProviderLockedError: The login is refused; it was not taken.
            ProviderUnavailableError: It may have been taken; after a 429, or when a
                login could not be renewed, or not at once, it was not.
        """
        path = f"/me/calls/{quote(call_id, safe='')}"
        asked = _Request("POST", path, None, None, REPEATED_WITHIN_S, has_turn=True)
        await self._operate(asked, operation)

    async def poll(self, protocol: Bayeux) -> list[Event]:
        """Send the protocol's next request when it is due and hand in the answer.

        Raises:
            ProviderLockedError: The login is refused.
            ProviderUnavailableError: No answer in time, or not the protocol's.
        """
        request = protocol.next_request()
        if request.step == "handshake":
            # The server holds no second poll of a browser that it still knows.
            self._cookies.pop(_BROWSER_COOKIE, None)
        asked = _Request("POST", "/notifications", request.body, request.limit_s)
        await asyncio.sleep(self._polled_at_s + request.delay_s - _now_s())
        is_held = request.step == "connect"
        try:
            answer = await self._ask(asked)
            if answer.status != HTTPStatus.OK:
                self._pace.failed()
                raise answer.as_error(self._name, request.step)
        except ProviderUnavailableError:
            lasted_s = _now_s() - self._live_at_s
            self._holds = self._holds and not (is_held and lasted_s < SOON_S)
            raise
        finally:
            self._polled_at_s = _now_s()
        events = protocol.receive(answer.body, answer.took_s)
        if protocol.is_live:
            self.answered_at_s = self._polled_at_s
            self._has_polled(is_held=is_held)
        elif protocol.is_failing:
            self._pace.refused()
        else:
            self._pace.doubted()
        return events

    def _has_polled(self, *, is_held: bool) -> None:
        """A poll proves the server; one answered at once, if it holds others, too."""
        self._holds = self._holds or is_held
        if not is_held:
            self._live_at_s = self._polled_at_s
        if self._holds:
            self._pace.proved()
        else:
            self._pace.doubted()

    def _has_read(self, began_at_s: float) -> None:
        """A read shows what was at its beginning, but proves no poll."""
        if self._pace.is_proven:
            self.answered_at_s = max(self.answered_at_s or 0.0, began_at_s)

    async def _operate(self, asked: _Request, name: str, **fields: object) -> None:
        body = json.dumps({"operationName": name, **fields}).encode()
        answer = await self._ask(asked._replace(body=body))
        outcome = parse_status(answer.body)
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            if outcome is not None and outcome.code:
                raise CommandRefusedError(outcome.meaning)
            if HTTPStatus.BAD_REQUEST <= answer.status < _FIRST_SERVER_ERROR:
                msg = f"HTTP {answer.status}"
                raise CommandRefusedError(msg)
        self._check(answer, name)

    def _check(self, answer: _Answer, what: str) -> None:
        outcome = parse_status(answer.body)
        if answer.status != HTTPStatus.OK or outcome is None or outcome.code:
            raise answer.as_error(self._name, what)

    async def _ask(self, asked: _Request) -> _Answer:
        not_after_s = _now_s() + asked.repeated_within_s
        answer = await self._send(asked)
        if answer.refuses_login:
            for name in self._cookies.keys() - {_BROWSER_COOKIE}:
                del self._cookies[name]
        elif not answer.refuses_csrf_token:
            return answer
        self._pace.doubted()
        try:
            await self.login()
        except ProviderUnavailableError as error:
            error.taken = False
            raise
        answer = await self._send(asked._replace(has_turn=False), not_after_s)
        if answer.refuses_login or answer.refuses_csrf_token:
            msg = f"{self._name}: refused after a renewed login"
            raise ProviderLockedError(msg)
        return answer

    async def _send(self, asked: _Request, not_after_s: float = math.inf) -> _Answer:
        what = f"{self._name}: {asked.method} {asked.path}"
        if not asked.has_turn:
            await self._pace.turn()
        if _now_s() > not_after_s:
            msg = f"{what}: the login was renewed first"
            raise ProviderUnavailableError(msg, taken=False)
        limit_s = asked.limit_s or self._connection.settings.request_timeout_s
        try:
            with provider_errors(what):
                async with asyncio.timeout(limit_s):
                    answer = await self._exchange(asked)
        except ProviderUnavailableError:
            self._pace.failed()
            raise
        if answer.is_trouble:
            self._pace.failed()
        else:
            self._pace.went_well()
        return answer

    async def _exchange(self, asked: _Request) -> _Answer:
        began_at_s = _now_s()
        async with self._connection.http.request(
            asked.method,
            f"{self._connection.api}{asked.path}",
            data=asked.body,
            headers=self._headers(has_body=asked.body is not None),
            allow_redirects=False,
        ) as response:
            content = await read_body(response, most_bytes=MOST_BYTES)
        self._learn(response)
        retry_after = response.headers.get("Retry-After")
        return _Answer(response.status, content, retry_after, _now_s() - began_at_s)

    def _headers(self, *, has_body: bool) -> dict[str, str]:
        headers = {"Authorization": self._authorization}
        if self._cookies:
            cookies = (f"{name}={value}" for name, value in self._cookies.items())
            headers["Cookie"] = "; ".join(cookies)
        if has_body:
            headers |= {"Content-Type": "application/json", **self._csrf}
        return headers

    def _learn(self, response: aiohttp.ClientResponse) -> None:
        for name, cookie in response.cookies.items():
            if cookie.value and cookie["max-age"] != "0":
                self._cookies[name] = cookie.coded_value
            else:
                self._cookies.pop(name, None)
        token = response.headers.get(_CSRF_HEADER)
        if token:
            name = response.headers.get("X-CSRF-HEADER", _CSRF_HEADER)
            self._csrf = {name: token}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
