from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.unit.providers.vonage_business.captures import settings
from tracker.errors import ConfigError
from tracker.providers.vonage_business.tokens import check_secrets

NO_LOGIN = {"username": None, "password": None}
REFRESH = {**NO_LOGIN, "refresh_token": "abc", "tokens_file": "tokens"}


def test_what_need_not_be_said() -> None:
    """The vendor's server, its documented path, and four digits."""
    told = settings()
    assert told.api == "https://api.vonage.com/t/vbc.prod/call_recording/api"
    assert told.numbers == "last4"
    assert told.login == "jdoe@vbc.prod"
    assert settings(username="jdoe@vbc.prod").login == "jdoe@vbc.prod"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"account": ""}, "at least 1"),
        ({"base_url": "api.vonage.com"}, "write it as https://host"),
        ({"api_path": "call_recording"}, "begin it with a slash"),
        ({"client_secret": None}, "give one of client_secret_env"),
        ({"client_secret_env": "VBC_SECRET"}, "give one of client_secret_env"),
        (NO_LOGIN, "give a username and its password, or a refresh_token"),
        ({"refresh_token": "abc"}, "give a username and its password, or a refresh"),
        ({"username": None}, "give the username whose password"),
        ({"password": None}, "give one of password_env"),
        ({"password_env": "VBC_PASSWORD"}, "give one of password_env"),
        ({**REFRESH, "refresh_token_env": "X"}, "give one of refresh_token_env"),
        ({**REFRESH, "tokens_file": None}, "give a tokens_file: a refresh token is"),
        ({"users": ["7", "7"]}, "users: name every user once"),
        ({"users": [""]}, "at least 1"),
        ({"numbers": "some"}, "'full', 'last4' or 'none'"),
        ({"request_timeout_s": 0}, "greater than 0"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, object], words: str) -> None:
    """With the cure, and without the secrets."""
    with pytest.raises(ValidationError, match=words) as caught:
        settings(**fields)
    assert "12345" not in str(caught.value)
    assert "67890" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """However they are given."""
    words = repr(settings()) + repr(settings(**REFRESH))
    assert not any(secret in words for secret in ("12345", "67890", "abc"))


@pytest.mark.parametrize("secret", ["client_secret", "password", "refresh_token"])
def test_a_missing_secret_is_named(secret: str, tmp_path: Path) -> None:
    """The place, and what to do."""
    base = REFRESH if secret == "refresh_token" else {}  # noqa: S105 a name
    told = {**base, secret: None, f"{secret}_file": tmp_path / "absent"}
    words = secret.replace("_", " ")
    with pytest.raises(ConfigError, match=f"absent holds no {words}: set it"):
        check_secrets(settings(**told))
