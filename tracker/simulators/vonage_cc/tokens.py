"""Who may ask: client credentials, and the tokens that are given for them."""

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import encode_basic_auth

from tracker.simulators.vonage_cc.options import VonageCcOptions
from tracker.simulators.vonage_cc.wire import Reply


class Tokens:
    """The access tokens of one account.

    Attributes:
        requests: How often one was asked for, with whatever success.

    Args:
        options: Who gets them, and how long they live.
        clock: Seconds that only rise.
    """

    def __init__(self, options: VonageCcOptions, clock: Callable[[], float]) -> None:
        self.requests = 0
        self._client = options.client_id, options.client_secret
        self._basic = encode_basic_auth(*self._client)
        self._lives_s = options.expires_in
        self._clock = clock
        self._expires_s: dict[str, float] = {}

    def ask(self, authorization: str | None, form: Mapping[str, object]) -> Reply:
        """Answer a request for a token.

        Args:
            authorization: The header; when it is HTTP Basic, it counts.
            form: The body's fields.
        """
        self.requests += 1
        grant_type = form.get("grant_type")
        if not grant_type:
            return _refusal("invalid_request")
        if grant_type != "client_credentials":
            return _refusal("unsupported_grant_type")
        if _scheme(authorization) == "basic":
            if authorization != self._basic:
                return _refusal("invalid_client", HTTPStatus.UNAUTHORIZED)
        elif (form.get("client_id"), form.get("client_secret")) != self._client:
            return _refusal("invalid_client")
        return Reply(HTTPStatus.OK, self._issue())

    def admit(self, authorization: str | None) -> bool:
        """Whether a request's header has a token that is good now."""
        if authorization is None or _scheme(authorization) != "bearer":
            return False
        token = authorization.partition(" ")[2]
        return self._clock() < self._expires_s.get(token, float("-inf"))

    def expire(self) -> None:
        """End every token that was given."""
        self._expires_s.clear()

    def _issue(self) -> dict[str, object]:
        now_s, lives_s = self._clock(), self._lives_s
        known = self._expires_s.items()
        self._expires_s = {token: end_s for token, end_s in known if end_s > now_s}
        token = secrets.token_urlsafe(24)
        self._expires_s[token] = now_s + lives_s
        return {"access_token": token, "expires_in": lives_s, "token_type": "Bearer"}


def _scheme(authorization: str | None) -> str:
    return (authorization or "").partition(" ")[0].lower()


def _refusal(error: str, status: int = HTTPStatus.BAD_REQUEST) -> Reply:
    return Reply(status, {"error": error})
