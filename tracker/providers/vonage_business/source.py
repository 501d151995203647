"""A Vonage Business account: the poller of its stored recordings is its only source."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tracker.providers.recordings import RecordingsSource
from tracker.providers.vonage_business.archive import (
    VonageBusinessArchive,
    open_archive,
)
from tracker.providers.vonage_business.settings import VonageBusinessSettings


class VonageBusinessAccount:
    """One account.

    Args:
        archive: Open as long as the account is.
        settings: Of the account.
    """

    def __init__(
        self, archive: VonageBusinessArchive, settings: VonageBusinessSettings
    ) -> None:
        self.key = archive.key
        self._archive = archive
        self._source = RecordingsSource(archive, settings)

    def sources(self) -> Mapping[str, RecordingsSource]:
        """See `tracker.providers.base.Account.sources`; it is always the same one."""
        return {self._source.key: self._source}

    async def check(self) -> str:
        """Reach the platform once; one line of what was found."""
        return await self._archive.check()


@asynccontextmanager
async def open_account(
    settings: VonageBusinessSettings,
) -> AsyncIterator[VonageBusinessAccount]:
    """The account, with its connections, while the context lasts.

    Raises:
        ConfigError: A secret is missing.
    """
    async with open_archive(settings) as archive:
        yield VonageBusinessAccount(archive, settings)
