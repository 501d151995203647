"""One frozen tree of settings: `tracker.toml`, the environment over it.

Every default stands here or in the settings class of the component it is for. A
variable is named after its key: ``TRACKER_SERVER__PORT`` is ``server.port``. Relative
paths in the file begin at the file; those in the environment, at the working directory.
"""

import os
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from tracker.domain.placement import ROLES, Role
from tracker.domain.terms import PLATFORMS
from tracker.errors import ConfigError
from tracker.keep.settings import KeepSettings
from tracker.outlets.auth import AuthSettings, is_loopback
from tracker.outlets.payload import ServerSettings
from tracker.outlets.quota import LimitSettings
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.outlets.websocket.settings import StreamSettings
from tracker.providers.genesys.settings import GenesysSettings
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.providers.vonage_cc.settings import VonageCcSettings
from tracker.store.embedded import Fsync
from tracker.store.redis import ConnectionSettings, parse_url
from tracker.telemetry import HealthSettings, LogSettings

EMBEDDED: Final = "embedded"
DEFAULT_FILE: Final = Path("tracker.toml")
PREFIX: Final = "TRACKER_"
DELIMITER: Final = "__"

_HOUR_S: Final = 3600.0
_PATHS: Final = ("_file", "_dir")
_NAMED_BY_PEOPLE: Final = ".teams"
"""Tables whose keys are no settings, however they end."""

_LOOKED_UP: Final = ".agents.password"
"""May be a path behind ``file:``."""

_PLAINER: Final = {
    "frozen_set_type": "write it as a list",
    "missing": "it is missing, and has no default",
    "model_type": "write it as a table",
    "tuple_type": "write it as a list, or as [[tables]]",
    "too_short": "there must be at least one",
}
"""What pydantic says in words of Python, by its error's type."""


class StoreSettings(ConnectionSettings):
    """Redis or Valkey.

    Attributes:
        url: ``embedded``, or of a server; it may hold a password.
        data_dir: Of the embedded server.
        fsync: Of the embedded server's append-only file.
        partitions: Fixed at the store's first start.
        lease_s: How long a crashed process keeps what it owned.
        inbox_for_s: How long raw inputs are kept.
        outbox_for_s: How far back a reader can resume.
        outbox_max_bytes: Of all partitions together, whatever the age.
    """

    url: str = Field(default=EMBEDDED, repr=False)
    data_dir: Path = Path("tracker-data")
    fsync: Fsync = "everysec"
    partitions: int = Field(default=16, ge=1, le=1024)
    lease_s: float = Field(default=10, ge=1)
    inbox_for_s: float = Field(default=_HOUR_S, ge=60)
    outbox_for_s: float = Field(default=_HOUR_S, ge=60)
    outbox_max_bytes: int = Field(default=1_000_000_000, ge=1_000_000)

    @field_validator("url")
    @classmethod
    def _readable(cls, url: str) -> str:
        if url != EMBEDDED:
            parse_url(url)
        return url


class Settings(BaseSettings):
    """The whole tree; `load` makes it.

    Attributes:
        roles: What this process does; ``--role`` overrides it.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
    )

    roles: frozenset[Role] = Field(default=frozenset(ROLES), min_length=1)
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    keep: KeepSettings = KeepSettings()
    stream: StreamSettings = StreamSettings()
    webhooks: WebhookSettings = WebhookSettings()
    log: LogSettings = LogSettings()
    health: HealthSettings = HealthSettings()
    genesys: tuple[GenesysSettings, ...] = ()
    vonage_cc: tuple[VonageCcSettings, ...] = ()
    vonage_business: tuple[VonageBusinessSettings, ...] = ()
    kazoo: tuple[KazooSettings, ...] = ()

    @property
    def accounts(self) -> dict[str, list[str]]:
        """The names of all accounts, by provider."""
        sections = {name: getattr(self, name) for name in PLATFORMS}
        return {name: [one.account for one in of] for name, of in sections.items()}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which `load` passes in."""
        return env_settings, init_settings


def load(config: Path | None = None) -> Settings:
    """The settings of *config*, or of `tracker.toml` here, or the defaults.

    Raises:
        ConfigError: Anything wrong, the first of it in one sentence.
    """
    file = config or DEFAULT_FILE
    given = _read(file, needed=config is not None)
    _refuse_unknown_variables()
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors()[0], file)) from None
    except SettingsError as error:
        message = f"a variable {PREFIX}… is not JSON: {error}"
        raise ConfigError(message) from error
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    """Refuse what no section can see alone.

    Raises:
        ConfigError: Two settings do not go together.
    """
    host = settings.server.host
    if settings.auth.mode == "none" and not is_loopback(host):
        message = (
            f'auth.mode = "none" is for loopback only, and server.host is {host}: set '
            'auth.mode = "jwt" with a secret_file, or server.host = "127.0.0.1"'
        )
        raise ConfigError(message)
    if settings.store.url == EMBEDDED and settings.roles != frozenset(ROLES):
        raise ConfigError(
            'store.url = "embedded" serves one process with all roles: give '
            "store.url a server that all processes reach, or leave roles out"
        )
    for provider, accounts in settings.accounts.items():
        for account in accounts:
            if accounts.count(account) > 1:
                message = (
                    f"{provider}: the account {account} is there twice: "
                    "name each one once"
                )
                raise ConfigError(message)


def with_roles(settings: Settings, roles: frozenset[Role]) -> Settings:
    """*settings* for a process that has only these *roles*.

    Raises:
        ConfigError: They do not go with the store.
    """
    settings = settings.model_copy(update={"roles": roles})
    _check(settings)
    return settings


def _read(file: Path, *, needed: bool) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            given = tomllib.load(opened)
    except FileNotFoundError:
        if not needed:
            return {}
        message = f"{file} does not exist: name the settings file after --config"
        raise ConfigError(message) from None
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise ConfigError(message) from error
    except ValueError as error:
        message = f"{file} is not TOML: {error}"
        raise ConfigError(message) from error
    return {name: _anchored(value, file.parent, name) for name, value in given.items()}


def _anchored(value: object, base: Path, key: str) -> object:
    """*value*, which *key* has, with the relative paths in it beginning at *base*."""
    if isinstance(value, dict) and not key.endswith(_NAMED_BY_PEOPLE):
        return {n: _anchored(inner, base, f"{key}.{n}") for n, inner in value.items()}
    if isinstance(value, list):
        return [_anchored(inner, base, key) for inner in value]
    if not isinstance(value, str):
        return value
    if key.endswith(_LOOKED_UP) and value.startswith("file:"):
        return f"file:{base / value.removeprefix('file:')}"
    return str(base / value) if key.endswith(_PATHS) else value


def _refuse_unknown_variables() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for variable in sorted(os.environ):
        name = variable.upper()
        section = name.partition(DELIMITER)[0]
        if not section.startswith(PREFIX) or section in known:
            continue
        if DELIMITER in name:
            message = f"the variable {variable} names no setting{_hint(section, known)}"
            raise ConfigError(message)
        for begin in (f"{one}_" for one in known if name.startswith(f"{one}_")):
            meant = f"{begin}_{name.removeprefix(begin)}"
            message = f"the variable {variable} names no setting: write {meant}"
            raise ConfigError(message)


def _sentence(error: ErrorDetails, file: Path) -> str:
    """What is wrong, where, and what would be right; never the value itself."""
    loc = error["loc"]
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc)[1:]
    place = _place(loc, file)
    if error["type"] == "extra_forbidden":
        return (
            f"{place}: there is no setting {key}{_hint(str(loc[-1]), _siblings(loc))}"
        )
    message = _PLAINER.get(error["type"], error["msg"]).removeprefix("Value error, ")
    return f"{place}: {key}: {message[:1].lower()}{message[1:]}"


def _place(loc: tuple[int | str, ...], file: Path) -> str:
    """The variable that was read, else the file."""
    present = {name.upper(): name for name in os.environ}
    for length in range(len(loc), 0, -1):
        name = f"{PREFIX}{DELIMITER.join(map(str, loc[:length]))}".upper()
        if name in present:
            return f"the variable {present[name]}"
    return str(file)


def _hint(wrong: str, right: set[str]) -> str:
    close = get_close_matches(wrong, sorted(right), n=1, cutoff=0.5)
    if close:
        return f": did you mean {close[0]}?"
    return f": there are {', '.join(sorted(right))}"


def _siblings(loc: tuple[int | str, ...]) -> set[str]:
    """The names that could stand at the end of *loc*."""
    model: type[BaseModel] = Settings
    for part in loc[:-1]:
        if isinstance(part, str):
            model = next(_models(model.model_fields[part].annotation), model)
    return set(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
