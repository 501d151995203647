"""Tokens that admit their bearer for a while."""

import secrets
from collections.abc import Callable
from http import HTTPStatus

from tracker.simulators.reply import Reply


class BearerTokens:
    """Tokens in force, and whose they are.

    Args:
        lives_s: How long each one lives.
        clock: Seconds that only rise.
    """

    def __init__(self, lives_s: float, clock: Callable[[], float]) -> None:
        self._lives_s = lives_s
        self._clock = clock
        self._granted: dict[str, tuple[float, str]] = {}

    def issue(self, owner: str = "") -> str:
        """Give a new token; those that have ended are forgotten."""
        now_s = self._clock()
        granted = self._granted.items()
        self._granted = {token: it for token, it in granted if it[0] > now_s}
        token = secrets.token_urlsafe(24)
        self._granted[token] = now_s + self._lives_s, owner
        return token

    def owner(self, token: str) -> str | None:
        """Whose a token is; None: nobody's now."""
        end_s, owner = self._granted.get(token, (float("-inf"), ""))
        return owner if self._clock() < end_s else None

    def bearer(self, authorization: str | None) -> str | None:
        """Whose token a request's header has; None: none that is good now."""
        if scheme_of(authorization) != "bearer":
            return None
        return self.owner((authorization or "").partition(" ")[2])

    def take(self, token: str) -> str | None:
        """Whose a token was that is good for one use only, which this is."""
        owner = self.owner(token)
        self._granted.pop(token, None)
        return owner

    def expire(self) -> None:
        """End every token that was given."""
        self._granted.clear()


def scheme_of(authorization: str | None) -> str:
    """`basic`, `bearer`, …, in lower case; "" without a header."""
    return (authorization or "").partition(" ")[0].lower()


def oauth_refusal(error: str, status: int = HTTPStatus.BAD_REQUEST) -> Reply:
    """Why no token is given, in the words of RFC 6749, 5.2."""
    return Reply(status, {"error": error})
