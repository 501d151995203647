"""From an access token to its verified claims. Pure: the clock is an argument.

What a token must be: RFC 7519, signed as a compact JWS, by a key of ours and the
algorithm that the key is for (RFC 8725).
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError

from tracker.outlets.auth.keys import ALGORITHMS, Keyring
from tracker.outlets.auth.principal import UnauthorizedError, UnknownKeyError

MAX_TOKEN_BYTES: Final = 16 * 1024
LEEWAY_S: Final = 30
"""Between the issuer's clock and ours."""

REFUSED_HEADERS: Final = frozenset({"crit", "b64", "jwk", "jku", "x5c", "x5u", "zip"})
"""A token brings no key of its own, and no rules."""

_TYPES: Final = ("jwt", "at+jwt")
_MALFORMED: Final = (JoseError, ValueError, ArithmeticError, OSError, RecursionError)
_INVALID: Final = "the access token is not valid"

Json = dict[str, Any]


class Verifier:
    """What a token must say to be for us.

    Args:
        audience: What ``aud`` must hold; None = anything.
        issuer: What ``iss`` must be; None = anything.
        now: The clock, seconds since the epoch.
    """

    def __init__(
        self, audience: str | None, issuer: str | None, now: Callable[[], float]
    ) -> None:
        expected: dict[str, Any] = {"exp": {"essential": True}}
        if audience is not None:
            expected["aud"] = {"essential": True, "value": audience}
        if issuer is not None:
            expected["iss"] = {"essential": True, "value": issuer}
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY_S,
            sub={"essential": True},
            **expected,
        )
        self._signatures = {
            name: jws.JWSRegistry(algorithms=[name], strict_check_header=False)
            for name in ALGORITHMS
        }

    def claims(self, token: str, keyring: Keyring) -> Json:
        """The claims of *token*, which a key of *keyring* has signed.

        Raises:
            UnknownKeyError: It may have been signed by another.
            UnauthorizedError: Forged, expired, not yet valid, or not for us.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise UnauthorizedError("the access token is too large")
        try:
            header = _header(token)
            found = keyring.find(header["alg"], header.get("kid"))
            if found is None:
                raise UnknownKeyError("the access token's key is not known")
            registry = self._signatures[found.algorithm]
            signed = jws.deserialize_compact(token, found.key, registry=registry)
            if signed.headers() != header:
                raise UnauthorizedError(_INVALID)
            claims = _object(signed.payload or b"")
            self._registry.validate(claims)
        except ExpiredTokenError as error:
            raise UnauthorizedError("the access token has expired") from error
        except _MALFORMED as error:
            raise UnauthorizedError(_INVALID) from error
        return claims


def _header(token: str) -> Json:
    """What *token* says of itself; its algorithm and its key are not believed yet.

    Raises:
        ValueError: It names others than there are, or brings a key along.
    """
    segment = token.split(".")[0].encode("ascii")
    header = _object(urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))
    algorithm, kid = header.get("alg"), header.get("kid")
    type_ = str(header.get("typ", "JWT")).lower().removeprefix("application/")
    if (
        algorithm not in ALGORITHMS
        or not isinstance(kid, str | None)
        or type_ not in _TYPES
        or REFUSED_HEADERS & header.keys()
    ):
        raise ValueError("no such header")
    return header


def _object(raw: bytes) -> Json:
    """The JSON object in *raw*, in which every name stands once (RFC 8725, 2.4)."""
    parsed = json.loads(raw, object_pairs_hook=_once, parse_constant=_refuse)
    if not isinstance(parsed, dict):
        raise ValueError("no object")  # noqa: TRY004 what came is at fault, no caller
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


def _refuse(name: str) -> None:
    raise ValueError(name)
