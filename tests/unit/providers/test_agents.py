from pathlib import Path

import pytest

from tracker.domain.terms import Expected
from tracker.errors import ConfigError
from tracker.providers.agents import (
    CURES,
    Agent,
    AgentsFile,
    expected_of,
    file_stamp,
)

FILE = AgentsFile(Agent, CURES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agents.csv"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name,team\n", "line 1: no column id: the columns are id,team,expected"),
        ("expected,id\nx,\n", "line 2: id is missing or wrong: give every agent one"),
    ],
)
def test_of_two_mistakes_the_first_in_the_columns_order_is_told(
    path: Path, content: str, sentence: str
) -> None:
    """Whatever order the file has; and what is missing before what is too much."""
    path.write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        list(FILE.rows(path))


def test_every_agent_comes_with_its_place(path: Path) -> None:
    """Those in the settings first."""
    path.write_text("id\nasmith\n")
    found = list(FILE.agents("acme", [Agent(id="jdoe")], path))
    assert found == [
        ("account acme", Agent(id="jdoe")),
        (f"{path}, line 2", Agent(id="asmith")),
    ]


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (None, "always"),
        (Agent(id="jdoe"), "always"),
        (Agent(id="jdoe", team="sales"), "always"),
        (Agent(id="jdoe", team="bank"), "always"),
        (Agent(id="jdoe", team="back-office"), "never"),
        (Agent(id="jdoe", team="back-office", expected="on_demand"), "on_demand"),
        (Agent(id="jdoe", expected="never"), "never"),
    ],
)
def test_an_agents_word_goes_before_the_teams_and_that_before_the_accounts(
    agent: Agent | None, expected: Expected
) -> None:
    """Where there is one, and it is not unset."""
    teams: dict[str, Expected] = {"back-office": "never", "bank": "unset"}
    assert expected_of(agent, "always", teams) == expected


def test_a_stamp_tells_that_a_file_came_changed_and_went(path: Path) -> None:
    """It stays as long as the file does."""
    absent = file_stamp(path)
    path.write_text("id\n")
    first = file_stamp(path)
    assert file_stamp(path) == first
    path.write_text("id\n10\n")
    assert len({absent, first, file_stamp(path), file_stamp(None)}) == 4
    path.unlink()
    assert file_stamp(path) == absent
