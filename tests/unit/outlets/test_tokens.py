"""Access tokens of every kind, and every way in which one is no good."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_pairs
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import Key, OctKey

from tests.unit.outlets.issuing import (
    NOW_S,
    SECRET,
    ec,
    encoded,
    good,
    key_set,
    public_file,
    resigned,
    rsa,
    secret,
    signed,
    verifying,
)
from tracker.errors import ConfigError
from tracker.outlets.auth import (
    LEEWAY_S,
    Authenticator,
    AuthSettings,
    Limits,
    UnauthorizedError,
    UnknownKeyError,
    mint,
)

ALGORITHMS: list[tuple[str, Callable[[], Key], Callable[[], Key]]] = [
    ("HS256", secret, lambda: secret(SECRET[::-1])),
    ("RS256", rsa, lambda: rsa(1)),
    ("ES256", ec, lambda: ec(1)),
]
"""Each with its key, and another of the kind."""


@pytest.fixture(scope="module", params=ALGORITHMS, ids=[a[0] for a in ALGORITHMS])
def issuer(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Any:
    """An algorithm, its key, another key, and who verifies with it."""
    algorithm, key, other = request.param
    if algorithm == "HS256":
        where: dict[str, Any] = {"secret": SECRET}
    else:
        folder = tmp_path_factory.mktemp("keys")
        where = {"public_key_file": public_file(key(), folder)}
    verifier = Authenticator(verifying(**where), now=lambda: NOW_S)
    return algorithm, key(), other(), verifier


def refusal(verifier: Authenticator, token: str) -> str | None:
    """Why *token* is refused; None = it is not."""
    try:
        verifier.principal(token)
    except UnauthorizedError as error:
        return str(error)
    return None


def test_a_good_token_says_who_it_is(issuer: Any) -> None:
    """Whatever signs it, with or without a key's name and a type."""
    algorithm, key, _, verifier = issuer
    headers: list[Any] = [{}, {"kid": "any"}, {"typ": "JWT"}, {"typ": "at+jwt", "x": 1}]
    for header in headers:
        token = signed(key, algorithm, **header)
        assert verifier.principal(token).subject == "jdoe"
    many = signed(key, algorithm, good(aud=["other", "tracker"], nbf=NOW_S, iat=NOW_S))
    assert verifier.principal(many).scopes == {"calls:read"}


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": good(exp=NOW_S - LEEWAY_S),
    "no expiry": good(exp=None),
    "expiry no number": good(exp="soon"),
    "expiry true": good(exp=True),
    "expiry beyond time": good(exp=10**30),
    "not yet valid": good(nbf=NOW_S + LEEWAY_S + 1),
    "of the future": good(iat=NOW_S + LEEWAY_S + 1),
    "no audience": good(aud=None),
    "another audience": good(aud="other"),
    "other audiences": good(aud=["a", "b"]),
    "audience part of a word": good(aud="tracker2"),
    "no issuer": good(iss=None),
    "another issuer": good(iss="https://login.example.evil"),
    "issuer no text": good(iss=["https://login.example"]),
    "no subject": good(sub=None),
    "empty subject": good(sub=""),
    "limits no object": good(tracker=[]),
    "limits misspelt": good(tracker={"agent": ["jdoe"]}),
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
def test_bad_claims_open_nothing(issuer: Any, name: str) -> None:
    """However well they are signed."""
    algorithm, key, _, verifier = issuer
    with pytest.raises(UnauthorizedError):
        verifier.principal(signed(key, algorithm, BAD_CLAIMS[name]))


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "critical": {"crit": ["exp"], "exp": 1},
    "unencoded": {"crit": ["b64"], "b64": True},
    "a key along": {"jwk": rsa(1).as_dict(private=False)},
    "a key elsewhere": {"jku": "https://evil.example/keys"},
    "a certificate elsewhere": {"x5u": "https://evil.example/cert"},
    "a certificate along": {"x5c": ["MIIB"]},
    "compressed": {"zip": "DEF"},
    "another type": {"typ": "logout+jwt"},
    "a key's name no text": {"kid": 7},
    "too long": {"kid": "k" * 2000},
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_bad_headers_open_nothing(issuer: Any, name: str) -> None:
    """A token brings no rules and no key of its own, though its signature be good."""
    algorithm, key, _, verifier = issuer
    header = json.dumps({"alg": algorithm, **BAD_HEADERS[name]}).encode()
    token = resigned(key, algorithm, header, json.dumps(good()).encode())
    with pytest.raises(UnauthorizedError):
        verifier.principal(token)


def test_what_is_said_twice_is_not_said(issuer: Any) -> None:
    """Which of two claims, limits or algorithms counts is nobody's to guess."""
    algorithm, key, _, verifier = issuer
    head, body = json.dumps({"alg": algorithm}), json.dumps(good())
    twice = {
        "claim": (head, body[:-1] + ',"sub":"boss"}'),
        "scope": (head, body[:-1] + ',"scope":"calls:control"}'),
        "limit": (head, body[:-1] + ',"tracker":{"agents":["a"],"agents":["b"]}}'),
        "algorithm": (f'{{"alg":"none",{head[1:]}', body),
        "same": (head, body[:-1] + ',"sub":"jdoe"}'),
    }
    for name, (header, payload) in twice.items():
        token = resigned(key, algorithm, header.encode(), payload.encode())
        assert refusal(verifier, token), name


def test_what_is_no_token_is_refused(issuer: Any) -> None:
    """Unsigned, signed by others, cut, too large, too deep, with more behind it."""
    algorithm, key, other, verifier = issuer
    token = signed(key, algorithm)
    head, body, signature = token.split(".")
    none = encoded(b'{"alg":"none"}').decode()
    deep = encoded(b'{"alg":' + b"[" * 5000).decode()
    bad = [
        *("", ".", "..", "a.b.c", "é", f"{head}.{body}", f"{head}.{body}."),
        *(f"{none}.{body}.", f"{none}.{body}.{signature}", f"{token}.{body}"),
        *(f"{deep}.{body}.{signature}", f"{head}.{body[:-2]}.{signature}"),
        signed(other, algorithm),
        signed(key, algorithm, good(padding="x" * 20_000)),
        signed(key, algorithm, b"[]"),
        signed(key, algorithm, b"{not json}"),
        signed(key, algorithm, b'{"sub":"jdoe","exp":NaN}'),
        signed(key, algorithm, b"[" * 5000),
    ]
    for each in bad:
        words = refusal(verifier, each)
        assert words, each[:100]
        assert not each.strip(".") or each not in words


def test_a_public_key_is_no_secret(tmp_path: Path) -> None:
    """What everybody knows signs nothing: the algorithm is the key's."""
    for pair in (rsa(), ec()):
        path = public_file(pair, tmp_path)
        verifier = Authenticator(verifying(public_key_file=path), now=lambda: NOW_S)
        for known in (path.read_bytes(), path.read_bytes().strip()):
            algorithm = json.dumps({"alg": "HS256"}).encode()
            body = json.dumps(good()).encode()
            oct_key = OctKey(known, known)
            token = resigned(oct_key, "HS256", algorithm, body)
            with pytest.raises(UnauthorizedError):
                verifier.principal(token)
    by_secret = Authenticator(verifying(secret=SECRET), now=lambda: NOW_S)
    for token in (signed(rsa(), "RS256"), signed(ec(), "ES256")):
        with pytest.raises(UnknownKeyError):
            by_secret.principal(token)


@pytest.mark.parametrize(
    "alg", ["RS384", "RS512", "PS256", "HS384", "HS512", "ES384", "rs256", "none", ""]
)
def test_only_three_algorithms_are_understood(alg: str, tmp_path: Path) -> None:
    """Others are refused by their name, whatever stands behind it."""
    path = public_file(rsa(), tmp_path)
    verifier = Authenticator(verifying(public_key_file=path), now=lambda: NOW_S)
    header, body = json.dumps({"alg": alg}), json.dumps(good())
    token = resigned(rsa(), "RS256", header.encode(), body.encode())
    with pytest.raises(UnauthorizedError):
        verifier.principal(token)


def test_claims_may_have_other_names(tmp_path: Path) -> None:
    """As identity providers have them: scopes in a list, limits under a URL."""
    names = {"scopes_claim": "scp", "limits_claim": "https://bank.example/tracker"}
    settings = verifying(
        public_key_file=public_file(ec(), tmp_path), limits_required=True, **names
    )
    verifier = Authenticator(settings, now=lambda: NOW_S)
    limits = {names["limits_claim"]: {"agents": ["jdoe"]}}
    scopes = ["calls:read", "openid"]
    principal = verifier.principal(signed(ec(), "ES256", good(scp=scopes, **limits)))
    assert principal.scopes == set(scopes)
    assert principal.visibility.agents == frozenset({"jdoe"})
    with pytest.raises(UnauthorizedError):
        verifier.principal(signed(ec(), "ES256", good(scp=scopes)))


@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_private_key_signs_tokens_for_trying(form: str, tmp_path: Path) -> None:
    """`tracker token --key`: without it, somebody else signs."""
    settings = verifying(public_key_file=public_file(ec(), tmp_path))
    pair = tmp_path / "pair"
    jwk = json.dumps(ec().as_dict(private=True)).encode()
    pair.write_bytes(ec().as_pem(private=True) if form == "pem" else jwk)
    expires_at = Limits(), _at(NOW_S + 60)
    token = mint(settings, "ann", {"calls:read"}, *expires_at, pair)
    verifier = Authenticator(settings, now=lambda: NOW_S)
    assert verifier.principal(token).subject == "ann"
    with pytest.raises(ConfigError, match="identity provider"):
        mint(settings, "ann", {"calls:read"}, *expires_at)
    with pytest.raises(ConfigError, match="other half"):
        mint(settings, "ann", (), *expires_at, public_file(ec(), tmp_path))


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def small() -> bytes:
    """A public key that could be broken."""
    pair = rsa_pairs.generate_private_key(65537, 1024)  # noqa: S505 it is refused
    form = PublicFormat.SubjectPublicKeyInfo
    return pair.public_key().public_bytes(Encoding.PEM, form)


BAD_KEYS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "text": lambda: b"hello",
    "a number": lambda: b"7",
    "half a pem": lambda: rsa().as_pem(private=False)[:200],
    "a private key": lambda: rsa().as_pem(private=True),
    "another curve": lambda: ec(0, "P-384").as_pem(private=False),
    "a secret": lambda: json.dumps(secret().as_dict()).encode(),
    "for encryption": lambda: _jwk(use="enc"),
    "for another algorithm": lambda: _jwk(alg="RS512"),
    "for something else": lambda: _jwk(key_ops=["encrypt"]),
    "a small one": small,
}


def _jwk(**more: Any) -> bytes:
    return json.dumps({**rsa().as_dict(private=False), **more}).encode()


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_bad_key_is_one_sentence(name: str, tmp_path: Path) -> None:
    """That names the setting, and what to put there."""
    path = tmp_path / "key"
    path.write_bytes(BAD_KEYS[name]())
    with pytest.raises(ConfigError, match=r"auth\.public_key_file .*public"):
        Authenticator(verifying(public_key_file=path))


def test_a_public_key_in_a_secret_s_place_is_one_sentence(tmp_path: Path) -> None:
    """Everybody could sign with it."""
    path = public_file(rsa(), tmp_path)
    with pytest.raises(ConfigError, match=r"key of a pair.*public_key_file"):
        Authenticator(verifying(secret_file=path))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """Of a key, and of a set of keys."""
    for setting in ("public_key_file", "jwks_file"):
        with pytest.raises(ConfigError, match=rf"auth\.{setting} .* cannot be read"):
            Authenticator(verifying(**{setting: tmp_path / "missing"}))
    (tmp_path / "set").write_bytes(b'{"keys":[]}')
    with pytest.raises(ConfigError, match=r"auth\.jwks_file .* no key"):
        Authenticator(verifying(jwks_file=tmp_path / "set"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"jwks_url": "http://login.example/keys"},
        {"jwks_url": "ftp://login.example/keys"},
        {"jwks_url": "https:///keys"},
        {"jwks_url": "https://login.example/keys", "secret": SECRET},
        {"jwks_url": "https://login.example/keys", "audience": None},
        {"jwks_url": "https://login.example/keys", "issuer": None},
        {"public_key_file": "key.pem", "issuer": None},
        {"jwks_file": "a", "public_key_file": "b"},
        {"jwks_file": "a", "jwks_refresh_s": 1},
        {},
    ],
)
def test_settings_that_would_let_strangers_in_are_refused(wrong: Any) -> None:
    """Keys over plain http, two keys, public keys without saying whose tokens."""
    with pytest.raises(ValueError, match=r"auth|jwks|audience|secret|https|greater"):
        verifying(**wrong)
    loopback = {"jwks_url": "http://127.0.0.1:1/keys"}
    assert isinstance(verifying(**loopback), AuthSettings)


def test_a_set_is_used_as_far_as_it_can_be(tmp_path: Path) -> None:
    """Secrets, small keys, other curves and other uses in it are for others."""
    usable = json.loads(key_set(rsa(), ec()))["keys"]
    others = [
        secret().as_dict() | {"kid": "s"},
        ec(0, "P-384").as_dict(private=False) | {"kid": "p384"},
        rsa(1).as_dict(private=False) | {"kid": "enc", "use": "enc"},
        rsa(1).as_dict(private=True) | {"kid": "private"},
        {"kty": "AKP", "kid": "new"},
        "nonsense",
    ]
    path = tmp_path / "set"
    path.write_text(json.dumps({"keys": [*others, *usable]}))
    verifier = Authenticator(verifying(jwks_file=path), now=lambda: NOW_S)
    assert verifier.principal(signed(rsa(), "RS256", kid="r0")).subject == "jdoe"
    assert verifier.principal(signed(ec(), "ES256", kid="e0")).subject == "jdoe"
    assert verifier.principal(signed(ec(), "ES256")).subject == "jdoe"
    for token in (
        signed(secret(), "HS256", kid="s"),
        signed(rsa(1), "RS256", kid="enc"),
        signed(rsa(1), "RS256", kid="private"),
        signed(rsa(), "RS256", kid="e0"),
        signed(rsa(), "RS256", kid="nobody"),
    ):
        with pytest.raises(UnknownKeyError):
            verifier.principal(token)
    with pytest.raises(UnauthorizedError):
        verifier.principal(signed(rsa(1), "RS256", kid="r0"))
