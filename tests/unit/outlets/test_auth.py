"""Who asks, and what they may see."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from tracker.domain.terms import Kind
from tracker.errors import ConfigError
from tracker.outlets.auth import (
    ANONYMOUS,
    LEEWAY_S,
    Authenticator,
    AuthSettings,
    ForbiddenError,
    Limits,
    UnauthorizedError,
    bearer,
    create_secret_file,
    load_secret,
    mint,
)

SECRET = "0123456789abcdef" * 2
NOW_S = 1_790_000_000
EXPIRES_AT = datetime.fromtimestamp(NOW_S + 60, UTC)


def settings(**more: object) -> AuthSettings:
    return AuthSettings.model_validate({"mode": "jwt", "secret": SECRET, **more})


def authenticator(now_s: int = NOW_S, **more: object) -> Authenticator:
    return Authenticator(settings(**more), now=lambda: now_s)


def signed(claims: dict[str, Any], alg: str = "HS256", secret: str = SECRET) -> str:
    header = {"alg": alg}
    return jwt.encode(header, claims, OctKey.import_key(secret), algorithms=[alg])


def good(**more: Any) -> dict[str, Any]:
    return {"sub": "jdoe", "scope": "calls:read", "exp": NOW_S + 60, **more}


def test_a_minted_token_says_who_and_what() -> None:
    """What was put into a token comes out of it, its expiry with the leeway."""
    limits = Limits(agents=frozenset({"jdoe"}), teams=frozenset())
    token = mint(settings(), "jdoe", {"calls:read"}, limits, EXPIRES_AT)
    principal = authenticator().principal(token)
    assert principal.subject == "jdoe"
    assert principal.scopes == {"calls:read"}
    assert principal.visibility.agents == frozenset({"jdoe"})
    assert principal.visibility.teams == frozenset()
    assert principal.visibility.accounts is None
    assert principal.expires_at == datetime.fromtimestamp(NOW_S + 60 + LEEWAY_S, UTC)


@pytest.mark.parametrize(
    ("scope", "kinds"),
    [
        ("", set()),
        ("calls:read", {"call"}),
        ("calls:control", set()),
        ("sources:read", {"source", "account"}),
        ("sources:read calls:read other:thing", {"call", "source", "account"}),
    ],
)
def test_scopes_choose_the_visible_kinds(scope: str, kinds: set[Kind]) -> None:
    """A scope opens its kinds of entities, and an unknown one opens nothing."""
    principal = authenticator().principal(signed(good(scope=scope)))
    assert principal.visibility.kinds == frozenset(kinds)


def test_a_missing_scope_is_forbidden() -> None:
    """Requiring a scope that the token lacks raises, and one that it has does not."""
    principal = authenticator().principal(signed(good()))
    principal.require("calls:read")
    with pytest.raises(ForbiddenError, match="sources:read"):
        principal.require("sources:read")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("not.a.token", id="garbage"),
        pytest.param("é", id="not ascii"),
        pytest.param(signed(good(), secret=SECRET[::-1]), id="another secret"),
        pytest.param(signed(good(), alg="HS512"), id="another algorithm"),
        pytest.param(
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqZG9lIiwiZXhwIjo5OTk5OTk5OTk5fQ.",
            id="no algorithm",
        ),
        pytest.param(signed({"sub": "jdoe"}), id="no expiry"),
        pytest.param(signed({"exp": NOW_S + 60}), id="no subject"),
        pytest.param(signed(good(sub="")), id="empty subject"),
        pytest.param(signed(good(sub=7)), id="subject no text"),
        pytest.param(signed(good(scope=["calls:read", 7])), id="scope no text"),
        pytest.param(signed(good(scope={"calls:read": 1})), id="scope no list"),
        pytest.param(signed(good(nbf=NOW_S + 60)), id="not yet valid"),
        pytest.param(signed(good(exp="soon")), id="expiry no number"),
        pytest.param(signed(good(exp=10**30)), id="expiry beyond time"),
        pytest.param(signed(good(tracker=None)), id="limits null"),
        pytest.param(signed(good(tracker={"agent": ["jdoe"]})), id="limits misspelt"),
        pytest.param(signed(good(tracker={"agents": "jdoe"})), id="limits no list"),
        pytest.param(signed(good(tracker={"kinds": None})), id="kinds are not asked"),
    ],
)
def test_a_bad_token_is_refused(token: str | None) -> None:
    """Whatever is wrong with a token, it opens nothing, and is never repeated."""
    with pytest.raises(UnauthorizedError) as refused:
        authenticator().principal(token)
    assert not token or token not in str(refused.value)


def test_expiry_has_a_leeway() -> None:
    """A token holds up to the leeway after its expiry, and not beyond."""
    token = signed(good())
    authenticator(NOW_S + 60 + LEEWAY_S - 1).principal(token)
    with pytest.raises(UnauthorizedError, match="expired"):
        authenticator(NOW_S + 60 + LEEWAY_S + 1).principal(token)


def test_audience_and_issuer_are_checked_when_set() -> None:
    """With an audience and an issuer in the settings a token must name both."""
    ours = {"audience": "tracker", "issuer": "login"}
    check = Authenticator(settings(**ours), now=lambda: NOW_S)
    check.principal(signed(good(aud=["other", "tracker"], iss="login")))
    check.principal(mint(settings(**ours), "a", {"calls:read"}, Limits(), EXPIRES_AT))
    for wrong in ({}, {"aud": "tracker"}, {"aud": "other", "iss": "login"}):
        with pytest.raises(UnauthorizedError):
            check.principal(signed(good(**wrong)))


@given(st.text())
def test_no_text_is_a_token(text: str) -> None:
    """Arbitrary text is refused like any bad token."""
    with pytest.raises(UnauthorizedError):
        authenticator().principal(text)


def test_without_authentication_everybody_is_anonymous() -> None:
    """In mode none everything is visible, whatever token is sent."""
    check = Authenticator(AuthSettings())
    assert check.principal(None) == check.principal("whatever") == ANONYMOUS
    assert ANONYMOUS.visibility.kinds is None


def test_the_header_is_bearer() -> None:
    """Only the scheme Bearer is understood, in any letter case."""
    assert bearer(None) is None
    assert bearer("bearer abc") == bearer("Bearer  abc ") == "abc"
    with pytest.raises(UnauthorizedError):
        bearer("Basic abc")


@pytest.mark.parametrize("place", ["secret_env", "secret_file"])
def test_a_secret_is_found_where_it_is(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret comes from a variable or a file, without the line's end."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    monkeypatch.setenv("MY_SECRET", SECRET)
    value = {"secret_env": "MY_SECRET", "secret_file": tmp_path / "secret"}[place]
    assert load_secret(settings(secret=None, **{place: value})) == SECRET.encode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "short"},
        {"secret": None, "secret_env": "NO_SUCH_VARIABLE"},
        {"secret": None, "secret_file": "/no/such/file"},
    ],
)
def test_a_bad_secret_is_one_sentence(wrong: dict[str, Any]) -> None:
    """A secret that is short or missing is named by its key, not by its value."""
    with pytest.raises(ConfigError, match="secret") as refused:
        Authenticator(settings(**wrong))
    assert "short" not in str(refused.value)


def test_nobody_mints_without_authentication() -> None:
    """In mode none there is no secret, and the sentence says what to set."""
    with pytest.raises(ConfigError, match=r"auth\.mode"):
        mint(AuthSettings(), "a", {"calls:read"}, Limits(), EXPIRES_AT)


def test_a_secret_file_is_made_once(tmp_path: Path) -> None:
    """A missing secret file is made, random and for its owner; one that is there stays.

    Nothing else is left behind.
    """
    path = tmp_path / "secret"
    assert create_secret_file(path)
    first = path.read_text()
    assert len(first.strip()) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not create_secret_file(path)
    assert path.read_text() == first
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_secret_file_is_one_sentence(tmp_path: Path) -> None:
    """A secret file in a directory that does not exist is named, with the cure."""
    (tmp_path / "file").touch()
    for parent in ("missing", "file"):
        with pytest.raises(ConfigError, match="secret_file"):
            create_secret_file(tmp_path / parent / "secret")
