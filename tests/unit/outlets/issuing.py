"""An identity provider's side: keys, and tokens as a test wants them, also bad ones."""

import json
from base64 import urlsafe_b64encode
from functools import cache
from pathlib import Path
from typing import Any, Final

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from tracker.outlets.auth import AuthSettings

NOW_S: Final = 1_790_000_000
SECRET: Final = "0123456789abcdef" * 2
OURS: Final = {"audience": "tracker", "issuer": "https://login.example"}


@cache
def rsa(number: int = 0) -> RSAKey:
    """A key pair; the same number is the same pair."""
    return RSAKey.generate_key(2048, {"kid": f"r{number}"})


@cache
def ec(number: int = 0, curve: str = "P-256") -> ECKey:
    return ECKey.generate_key(curve, {"kid": f"e{number}"})


def secret(text: str = SECRET) -> OctKey:
    return OctKey.import_key(text)


def good(**more: Any) -> dict[str, Any]:
    """Claims of a token that is for us; None leaves one out."""
    claims = {
        "sub": "jdoe",
        "scope": "calls:read",
        "exp": NOW_S + 60,
        "aud": OURS["audience"],
        "iss": OURS["issuer"],
        **more,
    }
    return {name: claim for name, claim in claims.items() if claim is not None}


def signed(
    key: Key,
    alg: str,
    claims: dict[str, Any] | bytes | None = None,
    **header: Any,
) -> str:
    """A token with a good signature, whatever else it says."""
    body = good() if claims is None else claims
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    named = {"alg": alg, **header}
    given = {name: value for name, value in named.items() if value is not None}
    return jws.serialize_compact(given, payload, key, registry=registry)


def resigned(key: Key, alg: str, header: bytes, payload: bytes) -> str:
    """A token whose very header is the test's, signed as *alg* signs."""
    algorithm = jws.JWSRegistry.algorithms[alg]
    text = b".".join(map(encoded, (header, payload)))
    return b".".join((text, encoded(algorithm.sign(text, key)))).decode()


def encoded(raw: bytes) -> bytes:
    """Base64url, without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def key_set(*keys: Key, **more: Any) -> bytes:
    """A JWK set that shows the public halves."""
    listed = [{**key.as_dict(private=False), **more} for key in keys]
    return json.dumps({"keys": listed}).encode()


def public_file(key: RSAKey | ECKey, folder: Path, name: str = "key.pem") -> Path:
    """The public half as PEM."""
    path = folder / name
    path.write_bytes(key.as_pem(private=False))
    return path


def verifying(**where: Any) -> AuthSettings:
    """Settings that find a key *where* it is."""
    return AuthSettings.model_validate({"mode": "jwt", **OURS, **where})
