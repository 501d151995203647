"""One process's ingest over a store."""

from tests.integration.store.kept import Kept
from tracker.domain.reading import Unreadable
from tracker.ingest.role import IngestRole, Ways
from tracker.ingest.runner import Runner
from tracker.providers.base import Account, Source
from tracker.store.leases import Lease


class Ingesting(IngestRole):
    """Observes its share of the sources while it runs.

    Attributes:
        tokens: Of every runner that it started, by source, in order.
    """

    def __init__(self, kept: Kept, process: str, *accounts: Account) -> None:
        self.tokens: dict[str, list[int]] = {}
        leases = kept.leases(process)
        ways = Ways(kept.redis, kept.keys, kept.inboxes, leases, kept.registry)
        super().__init__(ways, process, kept.lease_s, accounts, _ignore)

    def new_runner(self, source: Source, lease: Lease) -> Runner:
        self.tokens.setdefault(source.key, []).append(lease.token)
        return super().new_runner(source, lease)


def _ignore(_: str, __: Unreadable) -> None:
    return
