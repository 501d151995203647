"""A simulated account, and tracker's archive and source of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from tracker.domain.archive import Archive, MediaQuery, MediaSnapshot
from tracker.domain.key import make_key
from tracker.domain.terms import Action
from tracker.providers.kazoo.archive import KazooArchive, open_archive
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.kazoo.source import KazooAccount, open_account
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.kazoo import Document, KazooOptions, KazooSimulator, Urls

ACCOUNT = KazooOptions().account
API_KEY = KazooOptions().api_key


class Site:
    """The simulator, its archive and its account.

    Attributes:
        settings: What both were opened with.
    """

    def __init__(
        self,
        simulator: KazooSimulator,
        settings: KazooSettings,
        archive: KazooArchive,
        account: KazooAccount,
    ) -> None:
        self.simulator = simulator
        self.settings = settings
        self.check = archive.check
        self.archive: Archive = archive
        self.saved_since = archive.saved_since
        self.account = account
        self.source = account.sources()[f"{account.key}/live"]

    def key(self, document: Document) -> str:
        """As tracker names a recording."""
        return make_key("kazoo", ACCOUNT, document.id)

    def fail(self, kind: FaultKind, path: str = "*", **fields: object) -> None:
        """Let something go wrong."""
        fault = {"kind": kind, "path": path, **fields}
        self.simulator.faults.add(Fault.model_validate(fault))

    def asked(self, method: str, part: str = "") -> int:
        """How often."""
        found = self.simulator.requests
        return sum(it.method == method and part in it.path for it in found)

    async def listed(
        self, query: MediaQuery | None = None, limit: int = 100
    ) -> list[MediaSnapshot]:
        """All pages of a listing."""
        found: list[MediaSnapshot] = []
        after: str | None = None
        while True:
            page = await self.archive.recordings(query or MediaQuery(), limit, after)
            assert len(page.items) <= limit
            found += page.items
            if page.after is None:
                return found
            after = page.after

    async def keys(self, **query: object) -> list[str]:
        """Of all that match."""
        return [it.key for it in await self.listed(MediaQuery.model_validate(query))]

    async def command(self, channel: str, action: Action, **options: str | int) -> None:
        """Ask for it, as the executor would."""
        async with self.source.commanding(datetime.now(UTC)) as ask:
            await ask(channel, action, options)


def settings_at(urls: Urls, **fields: object) -> KazooSettings:
    """Of an account that logs in with its key, unless told otherwise."""
    login = {} if "username" in fields else {"api_key": API_KEY}
    told: dict[str, object] = {
        "account": ACCOUNT,
        "base_url": urls.base_url,
        "websocket_url": urls.websocket_url,
        "numbers": "full",
        "request_timeout_s": 2,
        **login,
    }
    return KazooSettings.model_validate({**told, **fields})


@asynccontextmanager
async def site(
    simulator: KazooSimulator | None = None, **fields: object
) -> AsyncIterator[Site]:
    """With a server that lets one ask as fast as one likes, unless told otherwise."""
    simulator = simulator or KazooSimulator(KazooOptions(users=3, bucket=None))
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(simulator.serve())
        settings = settings_at(urls, **fields)
        archive = await stack.enter_async_context(open_archive(settings))
        account = await stack.enter_async_context(open_account(settings))
        yield Site(simulator, settings, archive, account)
