"""Settings of one Vonage Contact Center account, and its agents' file."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from tracker.domain.terms import Expected
from tracker.errors import ConfigError

NumberDisplay = Literal["full", "last4", "none"]
Region = Literal["emea", "nam", "apac"]

COLUMNS: Final = ("id", "team", "expected")
SHORTEST_OVERDUE_S = 10.0

_CURES: Final = {
    "id": "give every agent one",
    "team": "write a name, or nothing",
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


class FollowedAgent(_Settings):
    """An agent whose current call is looked for.

    Attributes:
        id: The platform's own.
        expected: Overrides the account's; ``unset`` does not.
    """

    id: str = Field(min_length=1)
    team: str | None = None
    expected: Expected = "unset"


class VonageCcSettings(_Settings):
    """One account of Vonage Contact Center.

    Attributes:
        account: The account key in the path.
        region: Where the account lives; or base_url.
        base_url: What stands before ``/v0`` and ``/Auth/connect/token``.
        client_secret: Itself; or the environment variable (_env) or the file (_file)
            that holds it. Exactly one of the three.
        client_auth: How the token is asked for: id and secret in the form, or as HTTP
            Basic.
        scope: Sent with it; None = none is sent.
        agents: Whose current calls are followed.
        agents_file: The same as CSV, UTF-8, with the column id and, if wanted, team and
            expected; besides or instead. Re-read when it changes.
        expected: What the account's calls should be; an agent's overrides it.
        numbers: How much of the parties' numbers is kept: in full, the last four
            digits, or none.
        requests_per_s: The whole account's budget; token requests count.
        poll_interval_s: How often every live call is read, within the budget.
        agents_interval_s: How often every agent is.
    """

    account: str = Field(min_length=1)
    region: Region | None = None
    base_url: Annotated[str, AfterValidator(_base_url)] | None = None
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = Field(default=None, min_length=1)
    client_secret_env: str | None = Field(default=None, min_length=1)
    client_secret_file: Path | None = None
    client_auth: Literal["form", "basic"] = "form"
    scope: str | None = None
    agents: tuple[FollowedAgent, ...] = ()
    agents_file: Path | None = None
    expected: Expected = "unset"
    numbers: NumberDisplay = "last4"
    requests_per_s: int = Field(default=10, ge=1)
    poll_interval_s: float = Field(default=5.0, gt=0)
    agents_interval_s: float = Field(default=5.0, gt=0)
    connect_timeout_s: float = Field(default=5.0, gt=0)
    request_timeout_s: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _says_where_and_who(self) -> Self:
        if self.region is None and self.base_url is None:
            msg = "give a region (emea, nam or apac) or a base_url"
            raise ValueError(msg)
        secrets = (self.client_secret, self.client_secret_env, self.client_secret_file)
        if sum(secret is not None for secret in secrets) != 1:
            msg = "give one of client_secret_env, client_secret_file, client_secret"
            raise ValueError(msg)
        return self

    @property
    def url(self) -> str:
        """Of the server."""
        return self.base_url or f"https://{self.region}.cc.vonage.com"

    @property
    def overdue_after_s(self) -> float:
        """A state that was read longer ago than this is no longer believed."""
        return max(SHORTEST_OVERDUE_S, 3 * self.poll_interval_s)


def secret_of(settings: VonageCcSettings) -> str:
    """Return the client's secret, looked up.

    Raises:
        ConfigError: The place and the cure.
    """
    if settings.client_secret is not None:
        return settings.client_secret.get_secret_value()
    if settings.client_secret_env is not None:
        name = settings.client_secret_env
        found, where = os.environ.get(name), f"the environment variable {name}"
    else:
        path = settings.client_secret_file or Path()
        found, where = _read_secret(path), f"the file {path}"
    if not found:
        msg = (
            f"account {settings.account}: {where} holds no client secret: "
            "set it, or correct the name"
        )
        raise ConfigError(msg)
    return found


def agents_of(settings: VonageCcSettings) -> dict[str, FollowedAgent]:
    """Return all followed agents of the account by id; there may be none.

    Raises:
        ConfigError: The place and the cure.
    """
    path = settings.agents_file
    in_place = ((f"account {settings.account}", a) for a in settings.agents)
    places: dict[str, str] = {}
    found: dict[str, FollowedAgent] = {}
    for place, agent in chain(in_place, _rows(path) if path else ()):
        if agent.id in places:
            msg = (
                f"{place}: the id {agent.id!r} is taken by {places[agent.id]}: "
                "give every agent an id of its own"
            )
            raise ConfigError(msg)
        places[agent.id] = place
        found[agent.id] = agent
    return found


def _read_secret(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None


def _rows(path: Path) -> Iterator[tuple[str, FollowedAgent]]:
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
    unknown = [name for name in names if name not in COLUMNS]
    if "id" not in names or unknown:
        wrong = f"column {unknown[0]!r}" if unknown else "no column id"
        msg = f"{path}, line 1: {wrong}: the columns are {','.join(COLUMNS)}"
        raise ConfigError(msg)


def _agent(
    place: str, row: Mapping[str | None, str | list[str] | None]
) -> FollowedAgent:
    if None in row:
        msg = f"{place}: too many values: put those with a comma in quotes"
        raise ConfigError(msg)
    try:
        return FollowedAgent.model_validate({k: v for k, v in row.items() if v})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        msg = f"{place}: {field} is missing or wrong: {_CURES[field]}"
        raise ConfigError(msg) from error
