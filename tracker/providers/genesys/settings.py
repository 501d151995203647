"""Settings of one Genesys account, and its agents' file."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from tracker.domain.terms import Expected
from tracker.errors import ConfigError

NumberDisplay = Literal["full", "last4", "none"]

COLUMNS: Final = ("id", "username", "password", "team", "expected")
NEEDED: Final = ("id", "username", "password")

_CURES: Final = {
    "id": "give every agent one",
    "username": "write the agent's login name",
    "password": "write it, or env:NAME, or file:PATH",
    "expected": "write always, on_demand, never or unset",
}


def _base_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname:
        msg = "write it as https://host or http://host:port"
        raise ValueError(msg)
    if url.username or url.query or url.fragment:
        msg = "it holds no login, query or fragment"
        raise ValueError(msg)
    return value.rstrip("/")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AgentSettings(_Settings):
    """One agent, whose session sees only the agent's own calls.

    Attributes:
        id: The name in keys and events; for ever.
        password: Itself, or ``env:NAME`` or ``file:PATH`` that holds it.
        expected: Overrides the account's; ``unset`` does not.
    """

    id: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: SecretStr = Field(min_length=1)
    team: str | None = None
    expected: Expected = "unset"


class GenesysSettings(_Settings):
    """One account of Genesys Web Services v2.

    Attributes:
        base_url: What stands before ``/api/v2``.
        agents_file: CSV, UTF-8, with the columns id, username, password and, if
            wanted, team and expected. Re-read when it changes.
        agents: The same in place, besides or instead.
        expected: What the account's calls should be; an agent's overrides it.
        start_session: Log agents in to the contact centre. Without it tracker never
            changes what an agent is.
        subscriptions: Bayeux channels or patterns.
        attributes: Keys of attached user data that may be stored and shown.
        numbers: How much of outside parties' numbers is kept: in full, the last four
            digits, or none.
        origin: The Origin header; by default that of base_url.
        max_requests_per_s_failing: Of all agents together while the server fails.
    """

    account: str = Field(min_length=1)
    base_url: Annotated[str, AfterValidator(_base_url)]
    agents_file: Path | None = None
    agents: tuple[AgentSettings, ...] = ()
    expected: Expected = "unset"
    start_session: bool = False
    subscriptions: tuple[str, ...] = Field(default=("/v2/me/calls",), min_length=1)
    attributes: tuple[str, ...] = ()
    numbers: NumberDisplay = "last4"
    origin: str | None = None
    connect_timeout_s: float = Field(default=5.0, gt=0)
    request_timeout_s: float = Field(default=10.0, gt=0)
    max_requests_per_s_failing: float = Field(default=50.0, gt=0)

    @property
    def origin_header(self) -> str:
        """The Origin that every request carries."""
        url = urlsplit(self.base_url)
        return self.origin or f"{url.scheme}://{url.netloc}"


def agents_of(settings: GenesysSettings) -> tuple[AgentSettings, ...]:
    """Return all agents of the account, their passwords looked up.

    Raises:
        ConfigError: The place and the cure.
    """
    path = settings.agents_file
    in_place = ((f"account {settings.account}", a) for a in settings.agents)
    in_file = _rows(path) if path else ()
    agents = _checked(chain(in_place, in_file), path.parent if path else Path())
    if not agents:
        msg = (
            f"account {settings.account} has no agents: "
            "name them in an agents_file or in [[genesys.agents]] tables"
        )
        raise ConfigError(msg)
    return agents


def load_agents(path: Path) -> tuple[AgentSettings, ...]:
    """Return the agents of a file, their passwords looked up.

    Raises:
        ConfigError: The file, the line and the cure.
    """
    return _checked(_rows(path), path.parent)


def _checked(
    agents: Iterable[tuple[str, AgentSettings]], folder: Path
) -> tuple[AgentSettings, ...]:
    places: dict[str, str] = {}
    found = []
    for place, agent in agents:
        if agent.id in places:
            msg = (
                f"{place}: the id {agent.id!r} is taken by {places[agent.id]}: "
                "give every agent an id of its own"
            )
            raise ConfigError(msg)
        places[agent.id] = place
        password = _look_up(agent.password.get_secret_value(), place, folder)
        found.append(agent.model_copy(update={"password": SecretStr(password)}))
    return tuple(found)


def _look_up(password: str, place: str, folder: Path) -> str:
    kind, _, name = password.partition(":")
    if kind == "env":
        found, where = os.environ.get(name), f"the environment variable {name}"
    elif kind == "file":
        found, where = _read_secret(folder / name), f"the file {name}"
    else:
        return password
    if not found:
        msg = f"{place}: {where} holds no password: set it, or correct the name"
        raise ConfigError(msg)
    return found


def _read_secret(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None


def _rows(path: Path) -> Iterator[tuple[str, AgentSettings]]:
    reader = csv.DictReader(StringIO(_read(path), newline=""), strict=True)
    try:
        _check_header(path, reader.fieldnames or ())
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            yield place, _agent(place, row)
    except csv.Error as error:
        msg = f"{path}, after line {reader.line_num}: {error}: close every quote"
        raise ConfigError(msg) from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        msg = f"{path}: {error.strerror}: correct agents_file or the file's rights"
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8: save it as CSV in UTF-8"
        raise ConfigError(msg) from error


def _check_header(path: Path, names: Iterable[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown:
        wrong = f"no column {missing[0]}" if missing else f"column {unknown[0]!r}"
        msg = f"{path}, line 1: {wrong}: the columns are {','.join(COLUMNS)}"
        raise ConfigError(msg)


def _agent(
    place: str, row: Mapping[str | None, str | list[str] | None]
) -> AgentSettings:
    if None in row:
        msg = f"{place}: too many values: put those with a comma in quotes"
        raise ConfigError(msg)
    try:
        return AgentSettings.model_validate({k: v for k, v in row.items() if v})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        msg = f"{place}: {field} is missing or wrong: {_CURES[field]}"
        raise ConfigError(msg) from error
