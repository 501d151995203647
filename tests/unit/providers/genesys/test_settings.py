from pathlib import Path

import pytest
from pydantic import ValidationError

from tracker.errors import ConfigError
from tracker.providers import reread
from tracker.providers.genesys.settings import (
    AgentSettings,
    GenesysSettings,
    agents_of,
)
from tracker.providers.genesys.source import open_account

HEADER = "id,username,password,team,expected\n"
ACCOUNT = {"account": "acme", "base_url": "https://gws.example"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agents.csv"


def load_agents(path: Path) -> tuple[AgentSettings, ...]:
    settings = {**ACCOUNT, "agents_file": path}
    return agents_of(GenesysSettings.model_validate(settings))


def passwords(agents: tuple[AgentSettings, ...]) -> list[str]:
    return [agent.password.get_secret_value() for agent in agents]


def test_agents_are_read_from_a_file(path: Path) -> None:
    """With or without the columns that may be missing, empty or not."""
    path.write_text(HEADER + 'jdoe,j.doe,"se,cret",sales,always\nroe,r,x,,\n')
    jdoe, roe = load_agents(path)
    assert (jdoe.id, jdoe.username, jdoe.team, jdoe.expected) == (
        "jdoe",
        "j.doe",
        "sales",
        "always",
    )
    assert (roe.team, roe.expected) == (None, "unset")
    assert passwords((jdoe, roe)) == ["se,cret", "x"]
    path.write_text("\ufeffpassword,id,username\nx,a,b\n", encoding="utf-8")
    assert load_agents(path)[0].username == "b"


def test_passwords_are_looked_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment, or in a file beside the agents' file."""
    monkeypatch.setenv("ROE_PASSWORD", "from env")
    (path.parent / "secret").write_text("from file\n")
    path.write_text("id,username,password\na,a,env:ROE_PASSWORD\nb,b,file:secret\n")
    assert passwords(load_agents(path)) == ["from env", "from file"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "line 1: no column id: the columns are id,username,password,team,expec"),
        ("id,username\n", "line 1: no column password: the columns are id,username,"),
        ("id,username,password,x\n", "line 1: column 'x': the columns are id,"),
        (HEADER + "a,b,,,\n", "line 2: password is missing or wrong: write it, or env"),
        (
            HEADER + "a,,x,,\n",
            "line 2: username is missing or wrong: write the agent's",
        ),
        (HEADER + ",b,x,,\n", "line 2: id is missing or wrong: give every agent one"),
        (
            HEADER + "a,b,x,,sometimes\n",
            "line 2: expected is missing or wrong: write always, on_demand, never or",
        ),
        (
            HEADER + "a,b,x,,\nc,d,x,,\na,e,x,,\n",
            "line 4: the id 'a' is taken by agents.csv, line 2: give every agent an",
        ),
        (HEADER + "a,b,x,,,y\n", "line 2: too many values: put those with a comma in"),
        (HEADER + "a,b,env:NO_SUCH,,\n", "line 2: the environment variable NO_SUCH"),
        (HEADER + "a,b,file:no-such,,\n", "line 2: the file no-such holds no password"),
        (
            HEADER + 'a,b,"x,,\n',
            "after line 1: unexpected end of data: close every quote",
        ),
    ],
)
def test_a_bad_line_is_told_with_its_place_and_cure(
    path: Path, content: str, sentence: str
) -> None:
    """One sentence: the file, the line, what is wrong, what to do."""
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_agents(path)
    said = str(caught.value).replace(str(path), "agents.csv")
    assert said.startswith(f"agents.csv, {sentence}")
    assert "\n" not in said


def test_an_unreadable_file_is_told_with_its_cure(path: Path) -> None:
    """Missing, or in another encoding."""
    with pytest.raises(ConfigError, match="No such file or directory: correct agents_"):
        load_agents(path)
    path.write_bytes(b"id,username,password\na,\xfcber,x\n")
    with pytest.raises(ConfigError, match="not UTF-8: save it as CSV in UTF-8"):
        load_agents(path)


def test_agents_come_from_the_file_and_from_the_settings(path: Path) -> None:
    """Both together, each id once."""
    path.write_text("id,username,password\nb,b,x\n")
    in_place = AgentSettings.model_validate(
        {"id": "a", "username": "a", "password": "y"}
    )
    settings = GenesysSettings.model_validate(
        {**ACCOUNT, "agents_file": path, "agents": [in_place]}
    )
    assert [agent.id for agent in agents_of(settings)] == ["a", "b"]
    path.write_text("id,username,password\na,a,x\n")
    with pytest.raises(ConfigError, match="the id 'a' is taken by account acme"):
        agents_of(settings)


def test_an_account_needs_agents() -> None:
    """Without any there is nothing to watch."""
    with pytest.raises(ConfigError, match="account acme has no agents: name them in"):
        agents_of(GenesysSettings.model_validate(ACCOUNT))


def test_the_base_url_and_the_origin_that_follows_from_it() -> None:
    """A path may stand before /api; the origin is without it unless it is set."""
    url = "http://127.0.0.1:8090/gws/"
    settings = GenesysSettings.model_validate({**ACCOUNT, "base_url": url})
    assert settings.base_url == "http://127.0.0.1:8090/gws"
    assert settings.origin_header == "http://127.0.0.1:8090"
    settings = settings.model_copy(update={"origin": "https://desk.example"})
    assert settings.origin_header == "https://desk.example"


@pytest.mark.parametrize(
    "url", ["gws.example", "ftp://x", "https://", "https://me@x", "https://x/?a=b"]
)
def test_other_urls_are_refused(url: str) -> None:
    """They are no place to append /api/v2 to."""
    with pytest.raises(ValidationError, match="base_url"):
        GenesysSettings.model_validate({**ACCOUNT, "base_url": url})


def test_nothing_prints_a_password() -> None:
    """Neither the settings nor a complaint about them."""
    agent = {"id": "a", "username": "b", "password": "hunter2", "expected": "never"}
    assert "hunter2" not in repr(AgentSettings.model_validate(agent))
    with pytest.raises(ValidationError) as caught:
        AgentSettings.model_validate({**agent, "passwort": "hunter2", "expected": 1})
    assert "hunter2" not in str(caught.value)


async def test_a_secret_that_comes_late_or_changes_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the agents' file stays the same."""
    monkeypatch.setattr(reread, "RETRIED_AFTER_S", 0.0)
    file, secret = tmp_path / "agents.csv", tmp_path / "secret"
    file.write_text(HEADER + "a,a,x,,\n")
    settings = GenesysSettings.model_validate({**ACCOUNT, "agents_file": file})
    async with open_account(settings) as account:
        (known,) = account.sources().values()
        file.write_text(HEADER + "a,a,x,,\nb,b,file:secret,,\n")
        for _ in range(2):
            with pytest.raises(ConfigError, match="the file secret holds no password"):
                account.sources()
        secret.write_text("y")
        first, second = account.sources().values()
        assert (first, second.key) == (known, "genesys/acme/b")
        assert account.sources()[second.key] is second
        secret.write_text("another")
        first, changed = account.sources().values()
        assert (first, changed.key) == (known, second.key)
        assert changed is not second
        assert account.sources()[second.key] is changed
