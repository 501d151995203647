"""Who may ask: the tokens of the user who logs in, and what they are given for."""

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import encode_basic_auth

from tracker.simulators.access import BearerTokens, oauth_refusal
from tracker.simulators.reply import Json, Reply
from tracker.simulators.vonage_business.options import VonageBusinessOptions

DOMAIN = "@vbc.prod"
"""What a username ends in where a token is asked for."""

_CODE_LIVES_S = 600
_SCOPE = "openid"

Grant = Callable[[Mapping[str, object]], str | None]
"""Whose token is given for a form; None: nobody's."""


class Tokens:
    """Access tokens, refresh tokens and codes.

    A refresh token is good for one use, and dead as soon as it was used; the access
    tokens that were given before live on. A request by a client that is not known
    costs no refresh token.

    Attributes:
        requests: How often a token was asked for, with whatever success.
        refreshes: How often one was given for a refresh token.

    Args:
        options: Who gets them, and how long they live.
        clock: Seconds that only rise.
    """

    def __init__(
        self, options: VonageBusinessOptions, clock: Callable[[], float]
    ) -> None:
        self.requests = 0
        self.refreshes = 0
        self._options = options
        self._client = options.client_id, options.client_secret
        self._basic = encode_basic_auth(*self._client)
        self._access = BearerTokens(options.expires_in, clock)
        self._refresh = BearerTokens(options.refresh_expires_in, clock)
        self._codes = BearerTokens(_CODE_LIVES_S, clock)
        self._grants: dict[object, Grant] = {
            "password": self._for_password,
            "refresh_token": self._for_refresh_token,
            "authorization_code": self._for_code,
        }
        self._losing = 0

    def ask(self, authorization: str | None, form: Mapping[str, object]) -> Reply:
        """Answer a request for tokens.

        Args:
            authorization: The header; who comes with a code is known by it.
            form: The body's fields; who comes otherwise is known by them.
        """
        self.requests += 1
        grant_type = form.get("grant_type")
        if not grant_type:
            return oauth_refusal("invalid_request")
        grant = self._grants.get(grant_type)
        if grant is None:
            return oauth_refusal("unsupported_grant_type")
        if not self._knows(authorization, form):
            return oauth_refusal("invalid_client", HTTPStatus.UNAUTHORIZED)
        owner = grant(form)
        if owner is None:
            return oauth_refusal("invalid_grant")
        self.refreshes += grant_type == "refresh_token"
        return Reply(HTTPStatus.OK, self._give(owner))

    def bearer(self, authorization: str | None) -> str | None:
        """Which user a request's header is from; None: nobody now."""
        return self._access.bearer(authorization)

    def expire(self) -> None:
        """End every access token."""
        self._access.expire()

    def expire_refresh(self) -> None:
        """End every refresh token."""
        self._refresh.expire()

    def give_refresh_token(self) -> str:
        """A refresh token as a person was given it once."""
        return self._refresh.issue(self._options.user)

    def give_code(self, redirect_uri: str) -> str:
        """An authorization code, good once, for who names the same address."""
        return self._codes.issue(redirect_uri)

    def lose_next_refresh(self) -> None:
        """Let the answer to the next use of a refresh token get lost; more add up.

        The token is used up all the same.
        """
        self._losing += 1

    def is_lost(self, form: Mapping[str, object], reply: Reply) -> bool:
        """Whether this answer gets lost, which is one less that does."""
        refreshed = form.get("grant_type") == "refresh_token"
        if not (self._losing and refreshed and reply.status == HTTPStatus.OK):
            return False
        self._losing -= 1
        return True

    def _knows(self, authorization: str | None, form: Mapping[str, object]) -> bool:
        if form.get("grant_type") == "authorization_code":
            return authorization == self._basic
        return (form.get("client_id"), form.get("client_secret")) == self._client

    def _for_password(self, form: Mapping[str, object]) -> str | None:
        right = self._options.username + DOMAIN, self._options.password
        told = form.get("username"), form.get("password")
        return self._options.user if told == right else None

    def _for_refresh_token(self, form: Mapping[str, object]) -> str | None:
        return self._refresh.take(str(form.get("refresh_token")))

    def _for_code(self, form: Mapping[str, object]) -> str | None:
        redirect_uri = self._codes.take(str(form.get("code")))
        right = redirect_uri is not None and form.get("redirect_uri") == redirect_uri
        return self._options.user if right else None

    def _give(self, owner: str) -> Json:
        told_s = self._options.told_expires_in
        return {
            "access_token": self._access.issue(owner),
            "refresh_token": self._refresh.issue(owner),
            "scope": _SCOPE,
            "id_token": secrets.token_urlsafe(24),
            "token_type": "Bearer",
            "expires_in": self._options.expires_in if told_s is None else told_s,
        }
