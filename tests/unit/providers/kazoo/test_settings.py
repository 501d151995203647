"""One account, as an operator writes it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.unit.providers.kazoo.captures import settings
from tracker.errors import ConfigError
from tracker.providers.kazoo.settings import secret_of, users_of

LOGIN = {"api_key": None, "username": "jdoe", "password": "67890", "account_name": "a"}


def test_little_is_needed() -> None:
    """The account, the server and one secret."""
    told = settings(websocket_url=None)
    assert (told.logs_in, secret_of(told), told.overdue_after_s) == (
        False,
        "12345",
        15.0,
    )
    assert "12345" not in repr(told)


def test_a_user_may_log_in() -> None:
    """With one of the account's names."""
    told = settings(**LOGIN)
    assert (told.logs_in, secret_of(told), told.account_named) == (
        True,
        "67890",
        ("account_name", "a"),
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"api_key": None}, "give an api_key, or"),
        ({"username": "jdoe", "password": "p"}, "give an api_key, or"),
        ({"api_key_env": "KEY"}, "give one of"),
        (LOGIN | {"account_name": None}, "and one of account_name"),
        (LOGIN | {"phone_number": "1"}, "and one of account_name"),
        (LOGIN | {"username": None}, "give a username"),
        ({"users": ["a", "a"]}, "every user once"),
        ({"websocket_url": "https://kazoo.example"}, "write it as wss"),
        ({"websocket_url": "wss://u:p@kazoo.example"}, "no login"),
        ({"base_url": "kazoo.example"}, "write it as https"),
        ({"longest_recording_s": 10**6}, "less than or equal"),
        ({"upload_methods": ["get"]}, "put"),
    ],
)
def test_what_is_wrong_is_said(fields: dict[str, object], words: str) -> None:
    """And never what stood there."""
    with pytest.raises(ValidationError, match=words) as raised:
        settings(**fields)
    assert "67890" not in str(raised.value)


def test_a_secret_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place is named."""
    monkeypatch.delenv("KAZOO_KEY", raising=False)
    with pytest.raises(ConfigError, match="KAZOO_KEY holds no api key"):
        secret_of(settings(api_key=None, api_key_env="KAZOO_KEY"))


def test_teams_come_from_a_file_too(tmp_path: Path) -> None:
    """By the users' ids."""
    file = tmp_path / "users.csv"
    file.write_text("id,team\nu1,sales\n")
    told = settings(agents=[{"id": "u2", "expected": "always"}], agents_file=file)
    assert {id_: user.team for id_, user in users_of(told).items()} == {
        "u1": "sales",
        "u2": None,
    }
