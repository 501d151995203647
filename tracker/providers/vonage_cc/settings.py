"""Settings of one Vonage Contact Center account, and its agents' file."""

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from tracker.domain.terms import Expected
from tracker.providers.agents import CURES, Agent, AgentsFile
from tracker.providers.settings import (
    AccountSettings,
    BaseUrl,
    NumberDisplay,
    check_secret,
    look_up_secret,
)

Region = Literal["emea", "nam", "apac"]

SHORTEST_OVERDUE_S = 10.0


class FollowedAgent(Agent):
    """An agent whose current call is looked for; its id is the platform's own."""


_FILE: Final = AgentsFile(FollowedAgent, CURES)


class VonageCcSettings(AccountSettings):
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
        expected: What the account's calls should be.
        teams: What a team's should be, by its name: over the account's, under what an
            agent's own entry says.
        numbers: How much of the parties' numbers is kept: in full, the last four
            digits, or none.
        requests_per_s: The whole account's budget; token requests count.
        poll_interval_s: How often every live call is read, within the budget.
        agents_interval_s: How often every agent is.
    """

    region: Region | None = None
    base_url: BaseUrl | None = None
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = Field(default=None, min_length=1)
    client_secret_env: str | None = Field(default=None, min_length=1)
    client_secret_file: Path | None = None
    client_auth: Literal["form", "basic"] = "form"
    scope: str | None = None
    agents: tuple[FollowedAgent, ...] = ()
    agents_file: Path | None = None
    expected: Expected = "unset"
    teams: dict[str, Expected] = Field(default_factory=dict)
    numbers: NumberDisplay = "last4"
    requests_per_s: int = Field(default=10, ge=1)
    poll_interval_s: float = Field(default=5.0, gt=0)
    agents_interval_s: float = Field(default=5.0, gt=0)

    @model_validator(mode="after")
    def _says_where_and_who(self) -> Self:
        if self.region is None and self.base_url is None:
            msg = "give a region (emea, nam or apac) or a base_url"
            raise ValueError(msg)
        check_secret(self, "client_secret")
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
    return look_up_secret(settings, "client_secret")


def agents_of(settings: VonageCcSettings) -> dict[str, FollowedAgent]:
    """Return all followed agents of the account by id; there may be none.

    Raises:
        ConfigError: The place and the cure.
    """
    found = _FILE.agents(settings.account, settings.agents, settings.agents_file)
    return {agent.id: agent for _, agent in found}
