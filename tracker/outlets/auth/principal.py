"""Who asks: their name, what they may do, and what they may see."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from tracker.domain.terms import ALL_SCOPES, Kind, Scope
from tracker.errors import OutletError
from tracker.fanout.filters import EVERYTHING, Visibility

KINDS: Final[dict[Scope, frozenset[Kind]]] = {
    "calls:read": frozenset({"call"}),
    "calls:control": frozenset(),
    "sources:read": frozenset({"source", "account"}),
    "recordings:read": frozenset({"media", "export"}),
    "recordings:delete": frozenset(),
    "webhooks:manage": frozenset({"endpoint"}),
}
"""What each scope lets see."""


class UnauthorizedError(OutletError):
    """The token is missing, or no good; the message says why, without the token."""


class UnknownKeyError(UnauthorizedError):
    """No key is known that the token could have been signed with; one may be soon."""


class KeysAwayError(OutletError):
    """The keys cannot be had yet: who has a token comes again."""


class ForbiddenError(OutletError):
    """The token is good, but lacks *scope*."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"the token lacks the scope {scope}")
        self.scope = scope


class Limits(BaseModel):
    """What a token narrows visibility to; None = no limit, an empty list = nothing.

    Attributes:
        accounts: ``provider/account``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    providers: frozenset[str] | None = None
    accounts: frozenset[str] | None = None
    teams: frozenset[str] | None = None
    agents: frozenset[str] | None = None


class Principal(NamedTuple):
    """Who asks.

    Attributes:
        visibility: And-ed to every filter.
        expires_at: When a connection of theirs must end; None = never.
    """

    subject: str
    scopes: frozenset[str]
    visibility: Visibility
    expires_at: datetime | None = None

    def require(self, scope: Scope) -> None:
        """Let pass who has *scope*.

        Raises:
            ForbiddenError: Not so.
        """
        if scope not in self.scopes:
            raise ForbiddenError(scope)


ANONYMOUS: Final = Principal("anonymous", ALL_SCOPES, EVERYTHING)


class ClaimNames(NamedTuple):
    """The claims that say what a token's holder may do and see.

    Attributes:
        limits_required: A token that has none is no good; else it sees everything.
    """

    scopes: str
    limits: str
    limits_required: bool


def principal_of(
    claims: Mapping[str, Any], names: ClaimNames, expires_at: datetime
) -> Principal:
    """The holder of verified *claims*.

    Raises:
        ValueError: A claim of ours has another form; it never means everything.
    """
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject:
        raise ValueError("sub is text")
    scopes = _scopes(claims.get(names.scopes, ""))
    if names.limits_required and names.limits not in claims:
        raise ValueError("the limits are missing")
    limits = Limits.model_validate(claims.get(names.limits, {}))
    kinds = frozenset[Kind]().union(*(KINDS[s] for s in KINDS if s in scopes))
    visibility = Visibility(**limits.model_dump(), kinds=kinds)
    return Principal(subject, scopes, visibility, expires_at)


def bearer(authorization: str | None) -> str | None:
    """The token of an Authorization header; None without one.

    Raises:
        UnauthorizedError: Another scheme than Bearer.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthorizedError("write Authorization: Bearer <access token>")
    return token.strip()


def _scopes(claim: object) -> frozenset[str]:
    """Words in one text (RFC 8693), or in a list, as some identity providers do."""
    words = claim.split() if isinstance(claim, str) else claim
    if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
        raise ValueError("scopes are text")
    return frozenset(words)
