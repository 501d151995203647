"""Who asks, and what they may see: JSON Web Tokens, or nobody asks on loopback.

::

    settings       how callers prove who they are, and where the keys are
    keys           public and secret keys, each for one algorithm
    jwks           a set of keys that is fetched, and fetched again
    tokens         from an access token to its verified claims; pure
    principal      who that is, what they may do and see
    authenticator  all of it together
    mint           tokens for trying
"""

from tracker.outlets.auth.authenticator import Authenticator
from tracker.outlets.auth.loopback import is_loopback
from tracker.outlets.auth.mint import mint
from tracker.outlets.auth.principal import (
    ANONYMOUS,
    KINDS,
    ForbiddenError,
    KeysAwayError,
    Limits,
    Principal,
    UnauthorizedError,
    UnknownKeyError,
    bearer,
)
from tracker.outlets.auth.settings import (
    AuthSettings,
    create_secret_file,
    load_secret,
    secret_to_make,
)
from tracker.outlets.auth.tokens import LEEWAY_S

__all__ = [
    "ANONYMOUS",
    "KINDS",
    "LEEWAY_S",
    "AuthSettings",
    "Authenticator",
    "ForbiddenError",
    "KeysAwayError",
    "Limits",
    "Principal",
    "UnauthorizedError",
    "UnknownKeyError",
    "bearer",
    "create_secret_file",
    "is_loopback",
    "load_secret",
    "mint",
    "secret_to_make",
]
