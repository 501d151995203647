"""Settings of one Kazoo account."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from tracker.domain.terms import Expected
from tracker.providers.agents import CURES, Agent, AgentsFile
from tracker.providers.settings import (
    BaseUrl,
    NumberDisplay,
    RecordingsSettings,
    check_secret,
    look_up_secret,
)

SHORTEST_OVERDUE_S: Final = 10.0
WINDOW_S: Final = 2_682_000
"""31 days and an hour: the longest range of one listing."""

_WAYS: Final = ("", "_env", "_file")
_NAMES: Final = ("account_name", "account_realm", "phone_number")


class KazooUser(Agent):
    """Somebody whose team or expectation is known; the id is the platform's own."""


_FILE: Final = AgentsFile(KazooUser, CURES)


def _websocket_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("ws", "wss") or not url.hostname:
        msg = "write it as wss://host:port or ws://host:port"
        raise ValueError(msg)
    if url.username or url.query or url.fragment:
        msg = "it holds no login, query or fragment"
        raise ValueError(msg)
    return value


Name = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]


class KazooSettings(RecordingsSettings):
    """One account of a Kazoo server.

    Attributes:
        account: Its id in the paths, 32 hexadecimal digits.
        base_url: What stands before ``/v2``; the token is sent nowhere else but to
            `websocket_url`.
        websocket_url: Of the blackhole. Without it channels are polled.
        api_key: Itself; or the environment variable (_env) or the file (_file) that
            holds it.
        username: Who logs in instead, with a password, likewise given in one of three
            ways, and one of account_name, account_realm and phone_number.
        credentials_hash: How username and password are hashed.
        token_lifetime_s: Of a token; the server does not say.
        users: Ids of those whose recordings are read; none = the whole account's.
        agents: Teams and expectations, by the users' ids.
        agents_file: The same as CSV, UTF-8, with the column id and, if wanted, team
            and expected; besides or instead. Re-read when it changes.
        expected: What the account's calls should be.
        teams: What a team's should be, by its name: over the account's, under what an
            agent's own entry says.
        numbers: How much of the parties' numbers is shown: in full, the last four
            digits, or none.
        pause_by: What a pause is on this server. ``auto`` asks for a pause, and for a
            mask where the server knows no pause.
        time_limit_s: After so long a recording ends by itself, unless a command says
            another limit; then nobody knows what it does.
        upload_urls: The values that a command's option ``url`` may have.
        upload_methods: And its option ``method``.
        external_storage: The account has a storage plan: audio lies elsewhere, and
            stays when a recording is deleted.
        longest_recording_s: A recording is saved at most so long after its start.
        history_days: How far back recordings are looked for at all.
        poll_interval_s: How often channels are listed without the blackhole.
        verify_interval_s: With it, how often its bindings and channels are verified.
        ping_interval_s: How often the blackhole has to show that it is there.
    """

    base_url: BaseUrl
    websocket_url: Annotated[str, AfterValidator(_websocket_url)] | None = None
    api_key: SecretStr | None = Field(default=None, min_length=1)
    api_key_env: Name | None = None
    api_key_file: Path | None = None
    username: Name | None = None
    password: SecretStr | None = Field(default=None, min_length=1)
    password_env: Name | None = None
    password_file: Path | None = None
    account_name: Name | None = None
    account_realm: Name | None = None
    phone_number: Name | None = None
    credentials_hash: Literal["md5", "sha"] = "md5"
    token_lifetime_s: Seconds = 3600.0
    users: tuple[Name, ...] = ()
    agents: tuple[KazooUser, ...] = ()
    agents_file: Path | None = None
    expected: Expected = "unset"
    teams: dict[str, Expected] = Field(default_factory=dict)
    numbers: NumberDisplay = "last4"
    pause_by: Literal["auto", "pause", "mask"] = "auto"
    time_limit_s: Seconds = 3600.0
    upload_urls: tuple[Name, ...] = ()
    upload_methods: tuple[Literal["put", "post"], ...] = ("put",)
    external_storage: bool = False
    longest_recording_s: int = Field(default=14_400, ge=60, le=604_800)
    history_days: int = Field(default=1096, ge=1)
    poll_interval_s: Seconds = 5.0
    verify_interval_s: Seconds = 60.0
    ping_interval_s: Seconds = 20.0

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        logs_in = self.username is not None or self._has("password")
        if logs_in == self._has("api_key"):
            msg = "give an api_key, or a username and its password"
            raise ValueError(msg)
        check_secret(self, "password" if logs_in else "api_key")
        named = [name for name in _NAMES if getattr(self, name) is not None]
        if logs_in and (self.username is None or len(named) != 1):
            msg = f"give a username, its password, and one of {', '.join(_NAMES)}"
            raise ValueError(msg)
        if len(set(self.users)) != len(self.users):
            msg = "users: name every user once"
            raise ValueError(msg)
        return self

    @property
    def logs_in(self) -> bool:
        """It is a username and its password that tokens are got for."""
        return self.username is not None

    @property
    def account_named(self) -> tuple[str, str]:
        """How a login names the account: field and value."""
        name = next(name for name in _NAMES if getattr(self, name) is not None)
        return name, getattr(self, name)

    @property
    def overdue_after_s(self) -> float:
        """A source that heard nothing for so long is blind."""
        every_s = self.ping_interval_s if self.websocket_url else self.poll_interval_s
        return max(SHORTEST_OVERDUE_S, 3 * every_s)

    def _has(self, secret: str) -> bool:
        return any(getattr(self, f"{secret}{way}") is not None for way in _WAYS)


def secret_of(settings: KazooSettings) -> str:
    """Return the api key or the password, looked up.

    Raises:
        ConfigError: The place and the cure.
    """
    return look_up_secret(settings, "password" if settings.logs_in else "api_key")


def users_of(settings: KazooSettings) -> dict[str, KazooUser]:
    """Return those whose team or expectation is known, by id; there may be none.

    Raises:
        ConfigError: The place and the cure.
    """
    found = _FILE.agents(settings.account, settings.agents, settings.agents_file)
    return {user.id: user for _, user in found}
