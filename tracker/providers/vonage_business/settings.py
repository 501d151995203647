"""Settings of one Vonage Business Communications account."""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from tracker.providers.settings import (
    BaseUrl,
    NumberDisplay,
    RecordingsSettings,
    check_secret,
)

DOMAIN: Final = "@vbc.prod"
"""What a username ends in where a token is asked for."""


def _api_path(value: str) -> str:
    if not value.startswith("/"):
        msg = "begin it with a slash"
        raise ValueError(msg)
    return value.rstrip("/")


Name = Annotated[str, Field(min_length=1)]


class VonageBusinessSettings(RecordingsSettings):
    """One account of Vonage Business Communications.

    Attributes:
        account: Its id in the paths; or ``self``.
        base_url: What stands before ``/token`` and `api_path`; the token is sent
            nowhere else.
        api_path: Tutorials also show ``/t/vbc.prod/call_recording/v1/api``.
        users: Ids of those whose on-demand recordings are read; ``self`` is one.
        client_secret: Itself; or the environment variable (_env) or the file (_file)
            that holds it. Exactly one of the three.
        username: Who logs in, with a password, likewise given in one of three ways;
            ``@vbc.prod`` is added.
        refresh_token: Instead of username and password: the first one, as a person
            got it. Given anew, it replaces what `tokens_file` holds.
        tokens_file: Where the refresh token is kept that follows; private, and needed
            with a refresh token.
        numbers: How much of the parties' numbers is shown: in full, the last four
            digits, or none.
    """

    base_url: BaseUrl = "https://api.vonage.com"
    api_path: Annotated[str, AfterValidator(_api_path)] = (
        "/t/vbc.prod/call_recording/api"
    )
    users: tuple[Name, ...] = ()
    client_id: Name
    client_secret: SecretStr | None = Field(default=None, min_length=1)
    client_secret_env: Name | None = None
    client_secret_file: Path | None = None
    username: Name | None = None
    password: SecretStr | None = Field(default=None, min_length=1)
    password_env: Name | None = None
    password_file: Path | None = None
    refresh_token: SecretStr | None = Field(default=None, min_length=1)
    refresh_token_env: Name | None = None
    refresh_token_file: Path | None = None
    tokens_file: Path | None = None
    numbers: NumberDisplay = "last4"

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        check_secret(self, "client_secret")
        logs_in = self.username is not None or self._has("password")
        if logs_in == self.refreshes:
            msg = "give a username and its password, or a refresh_token"
            raise ValueError(msg)
        check_secret(self, "refresh_token" if self.refreshes else "password")
        if logs_in and self.username is None:
            msg = "give the username whose password it is"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.refreshes and self.tokens_file is None:
            msg = (
                "give a tokens_file: a refresh token is good for one use, "
                "and the next one has to be kept"
            )
            raise ValueError(msg)
        if len(set(self.users)) != len(self.users):
            msg = "users: name every user once"
            raise ValueError(msg)
        return self

    @property
    def refreshes(self) -> bool:
        """It is a refresh token that tokens are got for, not a password."""
        return self._has("refresh_token")

    @property
    def login(self) -> str:
        """The username as the platform wants it."""
        return f"{(self.username or '').removesuffix(DOMAIN)}{DOMAIN}"

    @property
    def api(self) -> str:
        """What every path of the API begins with."""
        return self.base_url + self.api_path

    def _has(self, secret: str) -> bool:
        ways = (secret, f"{secret}_env", f"{secret}_file")
        return any(getattr(self, way) is not None for way in ways)
