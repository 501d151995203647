"""A store in which nobody keeps: what is put into it is never answered."""

from datetime import UTC, datetime

from tracker.domain.command import Request
from tracker.domain.reading import Exported, Media, Saved
from tracker.domain.watch import Unwatch, Watch, Watched
from tracker.store.requests import KeptCommand, Requests

Putable = Request | Watch | Unwatch | Media | Saved | Exported


class Unkept(Requests):
    """It follows the contract of the store's.

    Attributes:
        told: What was put, in order.
    """

    def __init__(self) -> None:
        self.told: list[Putable] = []

    async def now(self, call: str) -> datetime:
        return datetime.now(UTC)

    async def put(self, told: Putable) -> None:
        self.told.append(told)

    async def command(self, call: str, id_: str) -> KeptCommand | None:
        return None

    async def commands(self, call: str) -> list[KeptCommand]:
        return []

    async def asked_before(
        self, call: str, subject: str, idempotency_key: str
    ) -> KeptCommand | None:
        return None

    async def watches(self) -> list[Watched]:
        return []

    async def watch(self, id_: str, call: str | None = None) -> Watched | None:
        return None
