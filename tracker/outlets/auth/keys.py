"""Keys that tokens are signed with: each is for one algorithm, and for no other.

That is what keeps a public key from being taken for a secret (RFC 8725, 3.1).
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, Key, OctKey, RSAKey

from tracker.errors import ConfigError

ALGORITHMS: Final = ("HS256", "RS256", "ES256")

_PEM: Final = b"-----BEGIN "
_UNREADABLE: Final = (JoseError, SecurityWarning, ValueError, TypeError, KeyError)


class UnusableKeyError(ValueError):
    """The key is none that tokens may be signed with."""


class SigningKey(NamedTuple):
    """A key, the one algorithm that it is for, and its name in a set of keys."""

    algorithm: str
    key: Key
    kid: str | None = None


class Keyring:
    """Keys, found by what a token's header says."""

    def __init__(self, keys: Iterable[SigningKey] = ()) -> None:
        self.keys = tuple(keys)

    def find(self, algorithm: str, kid: str | None) -> SigningKey | None:
        """The key that a token must have been signed with; None = none of these.

        A single key without a name signs whatever name a token gives; a token that
        gives none was signed by the only key of its algorithm.
        """
        fitting = [key for key in self.keys if key.algorithm == algorithm]
        nameless = len(self.keys) == 1 and self.keys[0].kid is None
        if kid is not None and not nameless:
            return next((key for key in fitting if key.kid == kid), None)
        return fitting[0] if len(fitting) == 1 else None


def secret_key(secret: bytes) -> SigningKey:
    """A secret, for HS256.

    Raises:
        ConfigError: It is half of a pair, which is no secret or must not be shared.
    """
    try:
        return SigningKey("HS256", OctKey.import_key(secret))
    except ValueError as error:
        message = (
            "the secret of [auth] is a key of a pair: set public_key_file to the "
            "public one, or put random bytes there"
        )
        raise ConfigError(message) from error


def read_key(path: Path, name: str, *, private: bool = False) -> SigningKey:
    """The RSA or EC key of a file, PEM or JWK.

    Args:
        path: The file.
        name: What it is called where it was given.
        private: A private key is wanted; else only a public one may lie about.

    Raises:
        ConfigError: It is no such key, and what to put there.
    """
    kind = "private" if private else "public"
    try:
        raw = path.read_bytes()
        key = _from_pem(raw) if _PEM in raw else _from_jwk(json.loads(raw))
    except OSError as error:
        message = f"{name} {path} cannot be read ({error.strerror}): correct the path"
        raise ConfigError(message) from error
    except _UNREADABLE as error:
        message = (
            f"{name} {path} is no key that can be used: put a {kind} key there, RSA of "
            "2048 bits or more, or EC on P-256, as PEM or JWK"
        )
        raise ConfigError(message) from error
    if key.key.is_private is not private:
        message = f"{name} {path} holds the other half of a pair: put the {kind} there"
        raise ConfigError(message)
    return key


def read_set(raw: bytes) -> Keyring:
    """The keys of a JWK set that can be used; others are for others (RFC 7517, 5).

    Raises:
        UnusableKeyError: It is none, or no key of it can be used.
    """
    try:
        listed = json.loads(raw)["keys"]
        keys = [key for one in listed if (key := _usable(one)) is not None]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnusableKeyError("it is no JWK set") from error
    if not keys:
        raise UnusableKeyError("no key of it is for RS256 or ES256")
    return Keyring(keys)


def read_set_file(path: Path, name: str) -> Keyring:
    """The same from a file, which must be there at the start.

    Raises:
        ConfigError: It is not, or holds no such set.
    """
    try:
        return read_set(path.read_bytes())
    except OSError as error:
        message = f"{name} {path} cannot be read ({error.strerror}): correct the path"
        raise ConfigError(message) from error
    except UnusableKeyError as error:
        message = f"{name} {path}: {error}: put the provider's JWK set there"
        raise ConfigError(message) from error


def _usable(jwk: object) -> SigningKey | None:
    """A secret in a set that is shown to everybody is none."""
    try:
        key = _from_jwk(jwk)
    except _UNREADABLE:
        return None
    return None if key.key.is_private else key


def _from_jwk(jwk: object) -> SigningKey:
    if not isinstance(jwk, dict):
        raise UnusableKeyError("a JWK is an object")
    with warnings.catch_warnings():
        warnings.simplefilter("error", SecurityWarning)
        key = _for_its_algorithm(JWKRegistry.import_key(jwk))
    if not _verifies(jwk, key.algorithm):
        raise UnusableKeyError("it is for something else")
    return key


def _verifies(jwk: Mapping[str, Any], algorithm: str) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("alg", algorithm) == algorithm
        and jwk.get("use", "sig") == "sig"
        and bool({"verify", "sign"} & set(operations))
    )


def _from_pem(raw: bytes) -> SigningKey:
    with warnings.catch_warnings():
        warnings.simplefilter("error", SecurityWarning)
        try:
            return _for_its_algorithm(RSAKey.import_key(raw))
        except JoseError:
            return _for_its_algorithm(ECKey.import_key(raw))


def _for_its_algorithm(key: Key) -> SigningKey:
    if isinstance(key, RSAKey):
        return SigningKey("RS256", key, key.kid)
    if isinstance(key, ECKey) and key.curve_name == "P-256":
        return SigningKey("ES256", key, key.kid)
    raise UnusableKeyError("neither RSA nor EC on P-256")
