"""Reach everything once, and say in a line each what is wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tracker.app.opened import opened_store
from tracker.domain.key import make_key
from tracker.errors import ConfigError, ProviderError
from tracker.outlets.auth import Authenticator, AuthSettings, secret_to_make
from tracker.providers.registry import PROVIDERS
from tracker.providers.settings import AccountSettings
from tracker.settings import EMBEDDED, Settings, StoreSettings


class CheckLine(NamedTuple):
    """One thing that was looked at."""

    ok: bool
    what: str
    detail: str


async def check(settings: Settings) -> AsyncIterator[CheckLine]:
    """Open the store and reach every account; nothing is changed at a provider."""
    try:
        yield CheckLine(True, "store", await _store(settings.store))
    except ConfigError as error:
        yield CheckLine(False, "store", str(error))
    try:
        yield CheckLine(True, "auth", await _auth(settings.auth))
    except ConfigError as error:
        yield CheckLine(False, "auth", str(error))
    for provider in PROVIDERS:
        for section in getattr(settings, provider):
            yield await _account(provider, section)
    if not any(settings.accounts.values()):
        yield CheckLine(False, "accounts", "none is configured: add one")


async def _store(settings: StoreSettings) -> str:
    """What serves; a store that is yet to be made is tried elsewhere."""
    is_new = settings.url == EMBEDDED and not settings.data_dir.exists()
    with TemporaryDirectory(prefix="tracker-") as elsewhere:
        other = {"data_dir": Path(elsewhere)} if is_new else {}
        tried = settings.model_copy(update=other)
        async with opened_store(tried, only_look=True) as store:
            server = f"{store.redis.kind} {store.redis.version}"
            if is_new:
                return f"{server}; no {settings.data_dir} yet: `tracker run` makes it"
            if not store.partitions:
                return f"{server}; nothing there yet: `tracker run` makes it"
            return f"{server}, {store.partitions} partitions, epoch {store.epoch}"


async def _account(provider: str, settings: AccountSettings) -> CheckLine:
    name = make_key(provider, settings.account)
    try:
        async with PROVIDERS[provider](settings) as account:
            return CheckLine(True, name, await account.check())
    except (ConfigError, ProviderError) as error:
        known = f"account {settings.account}: ", f"{settings.account}: "
        words = str(error)
        for begin in known:
            words = words.removeprefix(begin)
        return CheckLine(False, name, words)


async def _auth(settings: AuthSettings) -> str:
    """Where access tokens' keys are; in words."""
    file = secret_to_make(settings)
    if file is not None:
        return f"there is no {file} yet: `tracker run` makes it"
    return await Authenticator(settings).check()
