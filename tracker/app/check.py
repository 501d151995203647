"""Reach everything once, and say in a line each what is wrong."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from tracker.app.opened import opened_store
from tracker.app.roles import opened_accounts
from tracker.errors import ConfigError, ProviderError
from tracker.outlets.auth import Authenticator, AuthSettings, secret_to_make
from tracker.settings import Settings


class CheckLine(NamedTuple):
    """One thing that was looked at."""

    ok: bool
    what: str
    detail: str


async def check(settings: Settings) -> AsyncIterator[CheckLine]:
    """Open the store and reach every account; nothing is changed at a provider."""
    try:
        async with opened_store(settings.store) as store:
            server = f"{store.redis.kind} {store.redis.version}"
            detail = f"{server}, {store.partitions} partitions, epoch {store.epoch}"
            yield CheckLine(True, "store", detail)
    except ConfigError as error:
        yield CheckLine(False, "store", str(error))
    try:
        yield CheckLine(True, "auth", await _auth(settings.auth))
    except ConfigError as error:
        yield CheckLine(False, "auth", str(error))
    async with opened_accounts(settings) as accounts:
        for account in accounts:
            try:
                yield CheckLine(True, account.key, await account.check())
            except (ConfigError, ProviderError) as error:
                yield CheckLine(False, account.key, str(error))
    if not any(settings.accounts.values()):
        yield CheckLine(False, "accounts", "none is configured: add one")


async def _auth(settings: AuthSettings) -> str:
    """Where access tokens' keys are; in words."""
    file = secret_to_make(settings)
    if file is not None:
        return f"there is no {file} yet: `tracker run` makes it"
    return await Authenticator(settings).check()
