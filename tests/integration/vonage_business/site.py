"""A simulated account, and tracker's archive of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tracker.domain.archive import Archive, MediaQuery, MediaSnapshot, Stream
from tracker.domain.key import make_key
from tracker.providers.vonage_business.archive import (
    VonageBusinessArchive,
    open_archive,
)
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_business import (
    Recording,
    VonageBusinessOptions,
    VonageBusinessSimulator,
)

LOGIN = {"username": "jdoe", "password": "opensesame"}


class Site:
    """The simulator and the archive.

    Attributes:
        settings: What the archive was opened with.
    """

    def __init__(
        self,
        simulator: VonageBusinessSimulator,
        settings: VonageBusinessSettings,
        archive: VonageBusinessArchive,
    ) -> None:
        self.simulator = simulator
        self.settings = settings
        self.check = archive.check
        self.archive: Archive = archive

    def key(self, recording: Recording) -> str:
        """As tracker names it."""
        name = (
            f"on_demand:{recording.user}:{recording.id}"
            if recording.user
            else f"company:{recording.id}"
        )
        return make_key("vonage_business", self.settings.account, name)

    def fail(self, kind: FaultKind, path: str = "*", **fields: object) -> None:
        """Let something go wrong."""
        fault = {"kind": kind, "path": path, **fields}
        self.simulator.faults.add(Fault.model_validate(fault))

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


async def read(stream: Stream) -> bytes:
    """A file, whole."""
    return b"".join([chunk async for chunk in stream.chunks])


def settings_at(
    simulator: VonageBusinessSimulator, url: str, **fields: object
) -> VonageBusinessSettings:
    """Of an account that logs in with the password, unless told otherwise."""
    options = simulator.options
    login = {} if "refresh_token" in fields else LOGIN
    told: dict[str, object] = {
        "account": options.account,
        "base_url": url,
        "users": options.users,
        "client_id": options.client_id,
        "client_secret": options.client_secret,
        "numbers": "full",
        "request_timeout_s": 2,
        **login,
    }
    return VonageBusinessSettings.model_validate({**told, **fields})


@asynccontextmanager
async def site(
    options: VonageBusinessOptions | None = None, **fields: object
) -> AsyncIterator[Site]:
    """With two users."""
    simulator = VonageBusinessSimulator(
        options or VonageBusinessOptions(users=("7", "8"), job_file_s=0)
    )
    async with simulator.serve() as url:
        settings = settings_at(simulator, url, **fields)
        async with open_archive(settings) as archive:
            yield Site(simulator, settings, archive)
