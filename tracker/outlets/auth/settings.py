"""How callers prove who they are: section ``[auth]``."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from tracker.errors import ConfigError
from tracker.outlets.auth.loopback import is_loopback
from tracker.outlets.auth.principal import ClaimNames

MIN_SECRET_BYTES: Final = 32  # RFC 7518 section 3.2: as long as the hash

_SECRETS: Final = ("secret", "secret_env", "secret_file")
_PUBLIC: Final = ("public_key_file", "jwks_url", "jwks_file")


class AuthSettings(BaseModel):
    """How callers prove who they are.

    Attributes:
        mode: ``none`` only on loopback.
        secret: At least 32 bytes; or where it is: *secret_env* or *secret_file*,
            which `tracker run` creates when it does not exist. Tokens are HS256.
        public_key_file: Instead, a public key as PEM or JWK. RSA means RS256, P-256
            means ES256.
        jwks_url: Instead, where an identity provider shows its public keys; or the
            same as a file.
        jwks_refresh_s: How often the set is read again. A token with an unknown key
            has it read at once, but not more often than every 10 s.
        audience: What ``aud`` must hold; None = anything, with a secret only.
        issuer: What ``iss`` must be; likewise.
        scopes_claim: Holds the scopes, as a text of words or a list.
        limits_claim: Holds the `Limits`.
        limits_required: A token without them is refused; else it sees everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    mode: Literal["none", "jwt"] = "none"
    secret: SecretStr | None = None
    secret_env: str | None = Field(default=None, min_length=1)
    secret_file: Path | None = None
    public_key_file: Path | None = None
    jwks_url: str | None = None
    jwks_file: Path | None = None
    jwks_refresh_s: float = Field(default=300, ge=10)
    audience: str | None = Field(default=None, min_length=1)
    issuer: str | None = Field(default=None, min_length=1)
    scopes_claim: str = Field(default="scope", min_length=1)
    limits_claim: str = Field(default="tracker", min_length=1)
    limits_required: bool = False

    @field_validator("jwks_url")
    @classmethod
    def _cannot_be_changed_on_the_way(cls, value: str | None) -> str | None:
        if value is not None:
            url = urlsplit(value)
            local = url.scheme == "http" and is_loopback(url.hostname or "")
            if not url.hostname or not (url.scheme == "https" or local):
                message = "write it as https://host/path (http on loopback only)"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        given = [key for key in (*_SECRETS, *_PUBLIC) if getattr(self, key) is not None]
        if len(given) > 1:
            message = f"only one of {' and '.join(given)} can count: remove the others"
            raise ValueError(message)
        if self.mode == "jwt" and not given:
            message = (
                "mode jwt needs a secret: set secret_file to a path (tracker run "
                "creates it) or secret_env to the name of a variable; or jwks_url, "
                "jwks_file or public_key_file, with public keys"
            )
            raise ValueError(message)
        if self.is_public and (self.audience is None or self.issuer is None):
            message = (
                f"with {given[0]} set audience and issuer: the same keys sign tokens "
                "that are not for tracker"
            )
            raise ValueError(message)
        return self

    @property
    def is_public(self) -> bool:
        """Tokens are verified with public keys: somebody else signs them."""
        return any(getattr(self, key) is not None for key in _PUBLIC)

    @property
    def claims(self) -> ClaimNames:
        """The claims that are ours."""
        return ClaimNames(self.scopes_claim, self.limits_claim, self.limits_required)


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


def secret_to_make(settings: AuthSettings) -> Path | None:
    """The file that `create_secret_file` would make; None = there is one, or none is.

    Raises:
        ConfigError: It could not be made.
    """
    file = settings.secret_file
    if settings.mode != "jwt" or file is None or file.exists():
        return None
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise _unwritable(file, "its directory is not there, or not ours")
    return file


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
        raise _unwritable(path, error.strerror) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return True


def _unwritable(path: Path, why: str | None) -> ConfigError:
    cure = "name a file in a directory that exists and is ours"
    return ConfigError(f"auth.secret_file {path} cannot be written ({why}): {cure}")


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        message = (
            f"{name} cannot be read: let `tracker run` create it, or put a secret there"
        )
        raise ConfigError(message) from error
