"""The agents of an account: those in its settings, and those in its agents' file."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Generic, TypeVar

from pydantic import Field, ValidationError

from tracker.domain.terms import Expected
from tracker.errors import ConfigError
from tracker.providers.settings import SectionModel


class Agent(SectionModel):
    """What an operator says of an agent, on every platform.

    Attributes:
        id: The name in keys and events; for ever.
        expected: Overrides the team's and the account's; ``unset`` does not.
    """

    id: str = Field(min_length=1)
    team: str | None = None
    expected: Expected = "unset"


A = TypeVar("A", bound=Agent)

CURES = {
    "id": "give every agent one",
    "team": "write a name, or nothing",
    "expected": "write always, on_demand, never or unset",
}
"""What to do about a wrong value, by the columns that every agents' file has."""


class AgentsFile(Generic[A]):
    """How a platform's agents are written: CSV, UTF-8, with a header.

    Args:
        model: Of an agent; a field without a default needs a column.
        cures: What to do about a wrong value, by column, in the columns' order.
    """

    def __init__(self, model: type[A], cures: Mapping[str, str]) -> None:
        self._model = model
        self._cures = cures

    def rows(self, path: Path) -> Iterator[tuple[str, A]]:
        """Read a file's agents, each with the place where it stands.

        Raises:
            ConfigError: The file, the line and the cure.
        """
        reader = csv.DictReader(StringIO(_read(path), newline=""), strict=True)
        try:
            self._check_header(path, reader.fieldnames or ())
            for row in reader:
                place = f"{path}, line {reader.line_num}"
                yield place, self._agent(place, row)
        except csv.Error as error:
            msg = f"{path}, after line {reader.line_num}: {error}: close every quote"
            raise ConfigError(msg) from error

    def agents(
        self, account: str, in_place: Iterable[A], path: Path | None
    ) -> Iterator[tuple[str, A]]:
        """All of an account's agents, each once, with the place where it stands.

        Args:
            account: The account's name.
            in_place: Those who stand in the settings themselves.
            path: Of the file, where there is one.

        Raises:
            ConfigError: The place and the cure.
        """
        named = ((f"account {account}", agent) for agent in in_place)
        return unique(chain(named, self.rows(path) if path else ()))

    def _check_header(self, path: Path, names: Iterable[str]) -> None:
        fields = self._model.model_fields
        needed = (name for name in self._cures if fields[name].is_required())
        missing = [name for name in needed if name not in names]
        unknown = [name for name in names if name not in self._cures]
        if missing or unknown:
            wrong = f"no column {missing[0]}" if missing else f"column {unknown[0]!r}"
            msg = f"{path}, line 1: {wrong}: the columns are {','.join(self._cures)}"
            raise ConfigError(msg)

    def _agent(self, place: str, row: Mapping[str | None, str | list[str] | None]) -> A:
        if None in row:
            msg = f"{place}: too many values: put those with a comma in quotes"
            raise ConfigError(msg)
        try:
            return self._model.model_validate({k: v for k, v in row.items() if v})
        except ValidationError as error:
            wrong = {each["loc"][0] for each in error.errors()}
            field = next(name for name in self._cures if name in wrong)
            msg = f"{place}: {field} is missing or wrong: {self._cures[field]}"
            raise ConfigError(msg) from error


def unique(agents: Iterable[tuple[str, A]]) -> Iterator[tuple[str, A]]:
    """Let agents with their places pass, and no id twice.

    Raises:
        ConfigError: Both places and the cure.
    """
    places: dict[str, str] = {}
    for place, agent in agents:
        if agent.id in places:
            msg = (
                f"{place}: the id {agent.id!r} is taken by {places[agent.id]}: "
                "give every agent an id of its own"
            )
            raise ConfigError(msg)
        places[agent.id] = place
        yield place, agent


def expected_of(
    agent: Agent | None,
    account: Expected,
    teams: Mapping[str, Expected] = MappingProxyType({}),
) -> Expected:
    """What an agent's calls should be: the agent's own word, the team's, the account's.

    Args:
        agent: None = nobody whom the settings name.
        account: What counts where nobody says more.
        teams: By the team's name.
    """
    if agent is None:
        return account
    team = teams.get(agent.team or "", "unset")
    return next((e for e in (agent.expected, team) if e != "unset"), account)


def file_stamp(path: Path | None) -> object:
    """What changes when the file does; an absent one is told by reading."""
    if path is None:
        return "no file"
    try:
        stat = path.stat()
    except OSError as error:
        return str(error)
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        msg = f"{path}: {error.strerror}: correct agents_file or the file's rights"
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8: save it as CSV in UTF-8"
        raise ConfigError(msg) from error
