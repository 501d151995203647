from pathlib import Path

import pytest
from pydantic import ValidationError

from tracker.errors import ConfigError
from tracker.providers.vonage_cc.settings import (
    FollowedAgent,
    VonageCcSettings,
    agents_of,
    secret_of,
)

ACCOUNT = {"account": "a1b2c3d4e5", "region": "emea", "client_id": "abcde"}
SECRET = {"client_secret": "12345"}


def settings(**fields: object) -> VonageCcSettings:
    return VonageCcSettings.model_validate({**ACCOUNT, **SECRET, **fields})


def in_env(name: str) -> dict[str, object]:
    return {"client_secret": None, "client_secret_env": name}


def test_the_region_names_the_server() -> None:
    """Unless a base URL does."""
    assert settings(region="apac").url == "https://apac.cc.vonage.com"
    assert settings(base_url="http://127.0.0.1:8080/").url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"region": None}, "give a region"),
        ({"region": "mars"}, "emea"),
        ({"client_secret": None}, "give one of client_secret_env"),
        ({"client_secret_env": "VCC_SECRET"}, "give one of client_secret_env"),
        ({"requests_per_s": 0}, "greater than or equal to 1"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, object], words: str) -> None:
    """With the cure, and without the secret."""
    with pytest.raises(ValidationError, match=words) as caught:
        settings(**fields)
    assert "12345" not in str(caught.value)


def test_the_secret_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is said to be; and it is not shown."""
    path = tmp_path / "secret"
    path.write_text("from file\n")
    monkeypatch.setenv("VCC_SECRET", "from env")
    by_env = settings(**in_env("VCC_SECRET"))
    by_file = settings(client_secret=None, client_secret_file=path)
    found = [secret_of(each) for each in (settings(), by_env, by_file)]
    assert found == ["12345", "from env", "from file"]
    assert "12345" not in repr(settings())


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    """The place, and what to do."""
    path = tmp_path / "absent"
    with pytest.raises(ConfigError, match=r"variable VCC_ABSENT holds no .*: set it"):
        secret_of(settings(**in_env("VCC_ABSENT")))
    with pytest.raises(ConfigError, match="absent holds no client secret: set it"):
        secret_of(settings(client_secret=None, client_secret_file=path))


def test_agents_come_from_the_settings_and_a_file(tmp_path: Path) -> None:
    """There may also be none."""
    path = tmp_path / "agents.csv"
    path.write_text("id,team,expected\n11,sales,always\n12,,\n")
    agents = agents_of(settings(agents=[{"id": "10"}], agents_file=path))
    assert list(agents.values()) == [
        FollowedAgent(id="10"),
        FollowedAgent(id="11", team="sales", expected="always"),
        FollowedAgent(id="12"),
    ]
    assert agents_of(settings()) == {}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "line 1: no column id: the columns are id,team,expected"),
        ("id,x\n", "line 1: column 'x': the columns are id,team,expected"),
        ("id\n10\n10\n", "line 3: the id '10' is taken by .*line 2: give every"),
        ("id,team\n,a\n", "line 2: id is missing or wrong: give every agent one"),
        ("id,expected\n1,x\n", "line 2: expected is missing or wrong: write always"),
        ("id\n1,2\n", "line 2: too many values: put those with a comma in quotes"),
        ('id\n"1\n', "after line .*: close every quote"),
    ],
)
def test_a_broken_file_is_explained(
    tmp_path: Path, content: str, sentence: str
) -> None:
    """The line and the cure."""
    path = tmp_path / "agents.csv"
    path.write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        agents_of(settings(agents_file=path))


def test_an_unreadable_file_is_explained(tmp_path: Path) -> None:
    """It is missing, or in another encoding."""
    path = tmp_path / "agents.csv"
    with pytest.raises(ConfigError, match=r"No such file.*: correct agents_file"):
        agents_of(settings(agents_file=path))
    path.write_bytes(b"id\n\xff\n")
    with pytest.raises(ConfigError, match="not UTF-8: save it as CSV in UTF-8"):
        agents_of(settings(agents_file=path))
