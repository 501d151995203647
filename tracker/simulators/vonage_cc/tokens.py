"""Who may ask: client credentials, and the tokens that are given for them."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import encode_basic_auth

from tracker.simulators.access import BearerTokens, oauth_refusal, scheme_of
from tracker.simulators.reply import Json, Reply
from tracker.simulators.vonage_cc.options import VonageCcOptions


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
        self._granted = BearerTokens(options.expires_in, clock)

    def ask(self, authorization: str | None, form: Mapping[str, object]) -> Reply:
        """Answer a request for a token.

        Args:
            authorization: The header; when it is HTTP Basic, it counts.
            form: The body's fields.
        """
        self.requests += 1
        grant_type = form.get("grant_type")
        if not grant_type:
            return oauth_refusal("invalid_request")
        if grant_type != "client_credentials":
            return oauth_refusal("unsupported_grant_type")
        if scheme_of(authorization) == "basic":
            if authorization != self._basic:
                return oauth_refusal("invalid_client", HTTPStatus.UNAUTHORIZED)
        elif (form.get("client_id"), form.get("client_secret")) != self._client:
            return oauth_refusal("invalid_client")
        return Reply(HTTPStatus.OK, self._grant())

    def admit(self, authorization: str | None) -> bool:
        """Whether a request's header has a token that is good now."""
        return self._granted.bearer(authorization) is not None

    def expire(self) -> None:
        """End every token that was given."""
        self._granted.expire()

    def _grant(self) -> Json:
        token = self._granted.issue()
        return {
            "access_token": token,
            "expires_in": self._lives_s,
            "token_type": "Bearer",
        }
