"""Who may ask: api key and credentials, and the tokens that are given for them."""

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tracker.simulators.access import BearerTokens
from tracker.simulators.kazoo.metaflow import Flaw
from tracker.simulators.kazoo.options import KazooOptions
from tracker.simulators.kazoo.wire import INVALID_CREDENTIALS, Answer, invalid
from tracker.simulators.reply import Json

_HASHES: Mapping[str, Callable[[bytes], "hashlib._Hash"]] = {
    "md5": hashlib.md5,
    "sha": hashlib.sha1,
}

_REQUIRED = "the field is required"


class Login(NamedTuple):
    """What a login is answered with; None as token: it was refused."""

    answer: Answer
    token: str | None = None


class Tokens:
    """The tokens of one account.

    Attributes:
        requests: How often one was asked for, with whatever success.

    Args:
        options: Who gets them, and how long they live.
        clock: Unix seconds.
    """

    def __init__(self, options: KazooOptions, clock: Callable[[], float]) -> None:
        self.requests = 0
        self._options = options
        self._tokens = BearerTokens(options.token_lives_s, clock)

    def by_api_key(self, data: Json) -> Login:
        """Log in with an api key."""
        self.requests += 1
        if not data.get("api_key"):
            return Login(invalid([Flaw("api_key", "required", _REQUIRED)]))
        if data["api_key"] != self._options.api_key:
            return Login(INVALID_CREDENTIALS)
        return self._grant({})

    def by_credentials(self, data: Json) -> Login:
        """Log in with hashed credentials, and one of the account's names."""
        self.requests += 1
        method = data.get("method", "md5")
        if not data.get("credentials"):
            return Login(invalid([Flaw("credentials", "required", _REQUIRED)]))
        if method not in _HASHES:
            return Login(invalid([Flaw("method", "enum", "not md5 or sha", method)]))
        if not self._is_named(data):
            return Login(INVALID_CREDENTIALS)
        known = f"{self._options.username.lower()}:{self._options.password}"
        if data["credentials"] != _HASHES[method](known.encode()).hexdigest():
            return Login(INVALID_CREDENTIALS)
        return self._grant({"owner_id": self._options.account[::-1]})

    def admits(self, token: str | None) -> bool:
        """Whether a token is good now."""
        return token is not None and self._tokens.owner(token) is not None

    def revoke(self, token: str) -> None:
        """End one token."""
        self._tokens.take(token)

    def expire(self) -> None:
        """End every token that was given."""
        self._tokens.expire()

    def _is_named(self, data: Json) -> bool:
        """Whether the account is named by the first name that there is."""
        for name in ("account_name", "account_realm", "phone_number"):
            if name in data:
                return bool(data[name] == getattr(self._options, name))
        return False

    def _grant(self, more: Json) -> Login:
        account = self._options.account
        data: Json = {
            "account_id": account,
            "apps": [],
            "is_reseller": False,
            "language": "en-US",
            "reseller_id": account,
            **more,
        }
        token = self._tokens.issue(account)
        return Login(Answer(self._options.created_status, data), token)
