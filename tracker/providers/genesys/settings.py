"""Settings of one Genesys account, and its agents' file."""

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from tracker.domain.terms import Expected
from tracker.errors import ConfigError
from tracker.providers.agents import CURES, Agent, AgentsFile
from tracker.providers.settings import (
    AccountSettings,
    BaseUrl,
    NumberDisplay,
    secret_in_env,
    secret_in_file,
)


class AgentSettings(Agent):
    """One agent, whose session sees only the agent's own calls.

    Attributes:
        password: Itself, or ``env:NAME`` or ``file:PATH`` that holds it.
    """

    username: str = Field(min_length=1)
    password: SecretStr = Field(min_length=1)


_FILE: Final = AgentsFile(
    AgentSettings,
    {
        "id": CURES["id"],
        "username": "write the agent's login name",
        "password": "write it, or env:NAME, or file:PATH",
        "team": CURES["team"],
        "expected": CURES["expected"],
    },
)


class GenesysSettings(AccountSettings):
    """One account of Genesys Web Services v2.

    Attributes:
        base_url: What stands before ``/api/v2``.
        agents_file: CSV, UTF-8, with the columns id, username, password and, if
            wanted, team and expected. Re-read when it changes.
        agents: The same in place, besides or instead.
        expected: What the account's calls should be.
        teams: What a team's should be, by its name: over the account's, under what an
            agent's own entry says.
        start_session: Log agents in to the contact centre. Without it tracker never
            changes what an agent is.
        subscriptions: Bayeux channels or patterns.
        attributes: Keys of attached user data that may be stored and shown.
        numbers: How much of outside parties' numbers is kept: in full, the last four
            digits, or none.
        origin: The Origin header; by default that of base_url.
        max_requests_per_s_failing: Of all agents together while the server fails.
    """

    base_url: BaseUrl
    agents_file: Path | None = None
    agents: tuple[AgentSettings, ...] = ()
    expected: Expected = "unset"
    teams: dict[str, Expected] = Field(default_factory=dict)
    start_session: bool = False
    subscriptions: tuple[str, ...] = Field(default=("/v2/me/calls",), min_length=1)
    attributes: tuple[str, ...] = ()
    numbers: NumberDisplay = "last4"
    origin: str | None = None
    max_requests_per_s_failing: float = Field(default=50.0, gt=0)

    @property
    def origin_header(self) -> str:
        """The Origin that every request carries."""
        url = urlsplit(self.base_url)
        return self.origin or f"{url.scheme}://{url.netloc}"


def agents_of(
    settings: GenesysSettings, names: Callable[[Path], None] = lambda _: None
) -> tuple[AgentSettings, ...]:
    """Return all agents of the account, their passwords looked up.

    A relative path of a password begins at the agents' file when that names it.

    Args:
        settings: Of the account.
        names: Is told of every file that holds a password.

    Raises:
        ConfigError: The place and the cure.
    """
    path, in_place = settings.agents_file, {agent.id for agent in settings.agents}
    beside = path.parent if path else Path()
    agents = tuple(
        _with_password(agent, place, Path() if agent.id in in_place else beside, names)
        for place, agent in _FILE.agents(settings.account, settings.agents, path)
    )
    if not agents:
        msg = (
            f"account {settings.account} has no agents: "
            "name them in an agents_file or in [[genesys.agents]] tables"
        )
        raise ConfigError(msg)
    return agents


def _with_password(
    agent: AgentSettings, place: str, folder: Path, names: Callable[[Path], None]
) -> AgentSettings:
    password = _look_up(agent.password, place, folder, names)
    return agent.model_copy(update={"password": password})


def _look_up(
    password: SecretStr, place: str, folder: Path, names: Callable[[Path], None]
) -> SecretStr:
    kind, _, name = password.get_secret_value().partition(":")
    if kind == "env":
        return SecretStr(secret_in_env(name, place, "password"))
    if kind == "file":
        names(folder / name)
        return SecretStr(secret_in_file(name, place, "password", folder))
    return password
