"""A serving process over outboxes in memory, whose entries come when a test says so."""

from dataclasses import dataclass, field

from tests.unit.fanout.world import MemoryOutbox, entry, view
from tracker.domain.terms import RecordingState
from tracker.domain.view import View
from tracker.fanout.cursor import Cursor
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.replay import Replay
from tracker.fanout.ring import Ring
from tracker.fanout.settings import FanoutSettings
from tracker.fanout.tail import Tails

PARTITIONS = 3
FACTS = ("tracker.call.changed", "tracker.recording.paused", "tracker.issue.opened")


@dataclass
class Process:
    """A serving process whose outbox is published as the test likes."""

    outbox: MemoryOutbox
    ring_entries: int = 8
    page_bytes: int = 600
    published: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = FanoutSettings(
            page_bytes=self.page_bytes, read_entries=3, behind_s=0.2
        )
        outbox = self.outbox
        self.projection = Projection(outbox, settings)
        self.hub = Hub(Ring(outbox.partitions, self.ring_entries))
        self.tails = Tails(outbox, self.projection, self.hub, settings)
        self.replay = Replay(outbox, self.projection, self.hub, settings)
        self._views: dict[str, tuple[View | None, int]] = {}

    def change(
        self,
        number: int,
        agents: tuple[str, ...] = (),
        facts: int = 1,
        state: RecordingState = "recording",
    ) -> None:
        """Another version of a call, published at once."""
        key = f"genesys/acme/c{number}"
        before, version = self._views.get(key, (None, 0))
        after = view(key, *agents, state=state)
        self._views[key] = after, version + 1
        tailed = self.outbox.append(entry(before, after, version + 1, FACTS[:facts]))
        self.tails.take(tailed)
        self.published += [
            str(event.position) for event in self.hub.ring.newest(1)[0].events
        ]

    @property
    def cursor(self) -> Cursor:
        return self.projection.cursor


async def started(
    ring_entries: int = 8, page_bytes: int = 600, outbox: MemoryOutbox | None = None
) -> Process:
    outbox = outbox or MemoryOutbox(PARTITIONS)
    process = Process(outbox, ring_entries, page_bytes)
    await process.tails.start()
    return process


async def begun(ring_entries: int = 8, page_bytes: int = 600) -> Process:
    """One whose outboxes were written to before, as they are with keepers about."""
    process = await started(ring_entries, page_bytes)
    for partition in range(PARTITIONS):
        process.tails.take(process.outbox.mark(partition))
    return process
