"""Access tokens for trying, signed with the secret or with a private key."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc import jwt

from tracker.errors import ConfigError
from tracker.outlets.auth.keys import SigningKey, read_key, secret_key
from tracker.outlets.auth.principal import Limits
from tracker.outlets.auth.settings import AuthSettings, load_secret


def mint(
    settings: AuthSettings,
    subject: str,
    scopes: Collection[str],
    limits: Limits,
    expires_at: datetime,
    private_key: Path | None = None,
) -> str:
    """An access token.

    Args:
        settings: Say what it must hold.
        subject: Who it is for.
        scopes: What they may do.
        limits: What they may see.
        expires_at: When it ends.
        private_key: To sign with; None = the secret of *settings*.

    Raises:
        ConfigError: There is nothing to sign it with, or nobody wants one.
    """
    if settings.mode == "none":
        raise ConfigError(
            'auth.mode is "none", so nobody needs a token: set it to "jwt" first'
        )
    signing = _signing(settings, private_key)
    claims: dict[str, Any] = {
        "sub": subject,
        settings.scopes_claim: " ".join(sorted(scopes)),
        "exp": int(expires_at.timestamp()),
        settings.limits_claim: limits.model_dump(mode="json", exclude_none=True),
        "aud": settings.audience,
        "iss": settings.issuer,
    }
    header = {"alg": signing.algorithm, "kid": signing.kid}
    return jwt.encode(
        {name: value for name, value in header.items() if value is not None},
        {name: claim for name, claim in claims.items() if claim is not None},
        signing.key,
    )


def _signing(settings: AuthSettings, private_key: Path | None) -> SigningKey:
    if private_key is not None:
        return read_key(private_key, "--key", private=True)
    if settings.is_public:
        raise ConfigError(
            "the settings hold public keys only: tokens come from the identity "
            "provider, or are signed with the private key that --key names"
        )
    return secret_key(load_secret(settings))
