"""What the settings of all providers share: their base, URLs, and places of secrets."""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from tracker.errors import ConfigError

NumberDisplay = Literal["full", "last4", "none"]


def _base_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname:
        msg = "write it as https://host or http://host:port"
        raise ValueError(msg)
    if url.username or url.query or url.fragment:
        msg = "it holds no login, query or fragment"
        raise ValueError(msg)
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Of a server; a path may be appended to it."""


class SectionModel(BaseModel):
    """The base of what an operator writes: an error never shows the value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AccountSettings(SectionModel):
    """One account of a platform.

    Attributes:
        account: Its name in keys, and in what an operator is told.
        request_timeout_s: For an answer; of a file, for each of its parts.
    """

    account: str = Field(min_length=1)
    connect_timeout_s: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    request_timeout_s: float = Field(default=10.0, gt=0, allow_inf_nan=False)


class RecordingsSettings(AccountSettings):
    """An account whose stored recordings are polled, so that new ones are announced.

    Attributes:
        recordings_interval_s: From the begin of one look for new ones to the next
            one's; one that takes longer delays it.
        recordings_late_h: How long after its start a recording may be saved and is
            still found. A platform that lists by start is read so far back at every
            look, one that lists by save at every twentieth.
        backfill_days: How far back an account's first read announces; what is older
            was there before, and is announced to nobody.
    """

    recordings_interval_s: float = Field(default=30.0, gt=0)
    recordings_late_h: float = Field(default=48.0, ge=1, le=24 * 27)
    backfill_days: float = Field(default=0.0, ge=0, le=3650)


def check_secret(settings: SectionModel, name: str) -> None:
    """See that a secret is given exactly once: as *name*, *name*_env or *name*_file.

    Raises:
        ValueError: It is not; for a validator.
    """
    names = (f"{name}_env", f"{name}_file", name)
    if sum(getattr(settings, each) is not None for each in names) != 1:
        msg = f"give one of {', '.join(names)}"
        raise ValueError(msg)


def look_up_secret(settings: AccountSettings, name: str) -> str:
    """Return the secret that `check_secret` has seen.

    Raises:
        ConfigError: The place and the cure.
    """
    plain: SecretStr | None = getattr(settings, name)
    variable: str | None = getattr(settings, f"{name}_env")
    file: Path | None = getattr(settings, f"{name}_file")
    if plain is not None:
        return plain.get_secret_value()
    place, what = f"account {settings.account}", name.replace("_", " ")
    if variable is not None:
        return secret_in_env(variable, place, what)
    return secret_in_file(file or Path(), place, what)


def secret_in_env(name: str, place: str, what: str) -> str:
    """Return what an environment variable holds.

    Args:
        name: The variable's.
        place: Where the settings name it.
        what: It should hold.

    Raises:
        ConfigError: It holds nothing: the place and the cure.
    """
    where = f"{place}: the environment variable {name}"
    return _held(os.environ.get(name), where, what)


def secret_in_file(
    name: str | Path, place: str, what: str, folder: Path = Path()
) -> str:
    """Return what a file holds, without its last line's end; as `secret_in_env`.

    Args:
        name: The file's.
        place: Where the settings name it.
        what: It should hold.
        folder: From which a relative name begins.
    """
    try:
        found = (folder / name).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        found = None
    return _held(found, f"{place}: the file {name}", what)


def _held(found: str | None, where: str, what: str) -> str:
    if not found:
        msg = f"{where} holds no {what}: set it, or correct the name"
        raise ConfigError(msg)
    return found
