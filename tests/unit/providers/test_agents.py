from collections.abc import Callable
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
from tracker.providers.reread import RETRIED_AFTER_S, Reread

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


class Reading:
    """What an agents' file comes to, and how often it was read by a clock's word."""

    def __init__(self, path: Path) -> None:
        self.now_s, self.times = 0.0, 0
        self.path = path
        self.named: Path | None = None
        self._reread = Reread(path, self._read, lambda: self.now_s)
        self.changed: Callable[[], list[str] | None] = self._reread.changed

    def _read(self) -> list[str]:
        self.times += 1
        if self.named is not None:
            self._reread.names(self.named)
        return [agent.id for _, agent in FILE.rows(self.path)]


def test_a_file_is_read_again_when_it_changes(path: Path) -> None:
    """However long ago that was; and at once."""
    path.write_text("id\njdoe\n")
    reading = Reading(path)
    assert reading.changed() == ["jdoe"]
    reading.now_s = 10 * RETRIED_AFTER_S
    assert (reading.changed(), reading.times) == (None, 1)
    path.write_text("id\n")
    assert (reading.changed(), reading.changed()) == ([], None)


def test_what_a_file_names_is_looked_at_now_and_then(path: Path) -> None:
    """Once it is no longer named, it no longer counts."""
    path.write_text("id\njdoe\n")
    reading = Reading(path)
    secret = reading.named = path.with_name("secret")
    secret.write_text("x")
    reading.changed()
    secret.write_text("changed")
    reading.now_s = RETRIED_AFTER_S - 1
    assert reading.changed() is None
    reading.now_s, reading.named = RETRIED_AFTER_S, None
    assert (reading.changed(), reading.changed()) == (["jdoe"], None)
    secret.unlink()
    reading.now_s = 2 * RETRIED_AFTER_S
    assert (reading.changed(), reading.times) == (None, 2)


def test_a_broken_file_is_tried_again_now_and_then(path: Path) -> None:
    """What is wrong is told each time; a change is noticed at once."""
    path.write_text("name\n")
    reading = Reading(path)
    for now_s in (0, 1, RETRIED_AFTER_S - 1, RETRIED_AFTER_S, RETRIED_AFTER_S + 1):
        reading.now_s = now_s
        with pytest.raises(ConfigError, match="no column id"):
            reading.changed()
    assert reading.times == 2
    path.write_text("id\njdoe\n")
    assert (reading.changed(), reading.changed()) == (["jdoe"], None)
