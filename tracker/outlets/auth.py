"""Who asks, and what they may see: JSON Web Tokens, or nobody asks on loopback."""

import os
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from tracker.domain.terms import Kind
from tracker.errors import ConfigError, OutletError
from tracker.fanout.filters import EVERYTHING, Visibility

Scope = Literal[
    "calls:read",
    "calls:control",
    "sources:read",
    "recordings:read",
    "recordings:delete",
    "webhooks:manage",
]

KINDS: Final[dict[Scope, frozenset[Kind]]] = {
    "calls:read": frozenset({"call"}),
    "calls:control": frozenset(),
    "sources:read": frozenset({"source", "account"}),
    "recordings:read": frozenset({"media", "export"}),
    "recordings:delete": frozenset(),
    "webhooks:manage": frozenset({"endpoint"}),
}
"""What each scope lets see."""

SCOPES: Final[frozenset[str]] = frozenset(KINDS)
ALGORITHM: Final = "HS256"
MIN_SECRET_BYTES: Final = 32  # RFC 7518 section 3.2: as long as the hash
LEEWAY_S: Final = 30
CLAIM: Final = "tracker"
"""The private claim that holds `Limits`."""

_SECRET_KEYS: Final = ("secret", "secret_env", "secret_file")


class UnauthorizedError(OutletError):
    """The token is missing, or no good; the message says why, without the token."""


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


class AuthSettings(BaseModel):
    """How callers prove who they are.

    Attributes:
        mode: ``none`` only on loopback.
        secret: At least 32 bytes; or where it is: *secret_env* or *secret_file*,
            which `tracker run` creates when it does not exist.
        audience: What ``aud`` must hold; None = anything.
        issuer: What ``iss`` must be; None = anything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    mode: Literal["none", "jwt"] = "none"
    secret: SecretStr | None = None
    secret_env: str | None = Field(default=None, min_length=1)
    secret_file: Path | None = None
    audience: str | None = None
    issuer: str | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> "AuthSettings":
        given = [key for key in _SECRET_KEYS if getattr(self, key) is not None]
        if len(given) > 1:
            message = f"only one of {' and '.join(given)} can count: remove the others"
            raise ValueError(message)
        if self.mode == "jwt" and not given:
            message = (
                "mode jwt needs a secret: set secret_file to a path (tracker run "
                "creates it) or secret_env to the name of a variable"
            )
            raise ValueError(message)
        return self


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


ANONYMOUS: Final = Principal("anonymous", SCOPES, EVERYTHING)


class Authenticator:
    """Turns an access token into a `Principal`.

    Args:
        settings: With mode ``jwt``, the secret is looked up at once.
        now: The clock, seconds since the epoch.

    Raises:
        ConfigError: The secret cannot be had, or is too short.
    """

    def __init__(
        self, settings: AuthSettings, now: Callable[[], float] = time.time
    ) -> None:
        self.mode = settings.mode
        if self.mode == "none":
            return
        self._key = OctKey.import_key(load_secret(settings))
        expected: dict[str, Any] = {"exp": {"essential": True}}
        if settings.audience is not None:
            expected["aud"] = {"essential": True, "value": settings.audience}
        if settings.issuer is not None:
            expected["iss"] = {"essential": True, "value": settings.issuer}
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY_S,
            sub={"essential": True},
            **expected,
        )

    def principal(self, token: str | None) -> Principal:
        """Who holds *token*; without authentication, anybody.

        Raises:
            UnauthorizedError: Missing, forged, expired, or not for us.
        """
        if self.mode == "none":
            return ANONYMOUS
        if not token:
            raise UnauthorizedError("an access token is needed")
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            self._claims.validate(claims)
            return _principal(claims)
        except ExpiredTokenError as error:
            raise UnauthorizedError("the access token has expired") from error
        except (JoseError, ValueError, ArithmeticError, OSError) as error:
            raise UnauthorizedError("the access token is not valid") from error


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


def mint(
    settings: AuthSettings,
    subject: str,
    scopes: Collection[str],
    limits: Limits,
    expires_at: datetime,
) -> str:
    """An access token.

    Raises:
        ConfigError: There is no secret to sign it with, or nobody wants one.
    """
    if settings.mode == "none":
        raise ConfigError(
            'auth.mode is "none", so nobody needs a token: set it to "jwt" first'
        )
    claims: dict[str, Any] = {
        "sub": subject,
        "scope": " ".join(sorted(scopes)),
        "exp": int(expires_at.timestamp()),
        CLAIM: limits.model_dump(mode="json", exclude_none=True),
        "aud": settings.audience,
        "iss": settings.issuer,
    }
    given = {name: claim for name, claim in claims.items() if claim}
    key = OctKey.import_key(load_secret(settings))
    return jwt.encode({"alg": ALGORITHM}, given, key)


def load_secret(settings: AuthSettings) -> bytes:
    """The secret, from wherever it is.

    Raises:
        ConfigError: It is not there, or too short.
    """
    if settings.secret is not None:
        name, value = "auth.secret", settings.secret.get_secret_value()
    elif settings.secret_env is not None:
        name = f"the variable {settings.secret_env} (auth.secret_env)"
        value = os.environ.get(settings.secret_env, "")
    else:
        name = f"{settings.secret_file} (auth.secret_file)"
        value = _read(settings.secret_file or Path(), name)
    secret = value.strip().encode()
    if len(secret) < MIN_SECRET_BYTES:
        message = (
            f"{name} holds {len(secret)} bytes: put at least {MIN_SECRET_BYTES} random "
            "ones there, as `openssl rand -hex 32` prints them"
        )
        raise ConfigError(message)
    return secret


def create_secret_file(path: Path) -> bool:
    """Make a random secret that only its owner can read; False = there is one.

    It appears whole or not at all, so that two processes may start together.

    Raises:
        ConfigError: It cannot be written.
    """
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(secrets.token_hex(MIN_SECRET_BYTES) + "\n", "ascii")
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    except OSError as error:
        message = (
            f"auth.secret_file {path} cannot be written ({error.strerror}): name a "
            "file in a directory that exists and is ours"
        )
        raise ConfigError(message) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return True


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        message = (
            f"{name} cannot be read: let `tracker run` create it, or put a secret there"
        )
        raise ConfigError(message) from error


def _principal(claims: dict[str, Any]) -> Principal:
    """The holder of verified *claims*.

    Raises:
        ValueError: A claim of ours has another form; it never means everything.
    """
    subject, scope = claims["sub"], claims.get("scope", "")
    if not isinstance(subject, str) or not subject or not isinstance(scope, str):
        raise ValueError("sub and scope are text")
    limits = Limits.model_validate(claims.get(CLAIM, {}))
    scopes = frozenset(scope.split())
    kinds = frozenset[Kind]().union(*(KINDS[s] for s in KINDS if s in scopes))
    visibility = Visibility(**limits.model_dump(), kinds=kinds)
    expires_at = datetime.fromtimestamp(claims["exp"] + LEEWAY_S, UTC)
    return Principal(subject, scopes, visibility, expires_at)
