"""Which inputs of which sources are next, and which processes still speak for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tracker.domain.entry import Resync
from tracker.domain.reading import Checkpoint, Told

Verdict = Literal["next", "gap", "repeat", "stale"]


@dataclass(slots=True)
class Feed:
    """One source's story in this partition, as far as it was told."""

    token: int
    number: int
    process: str


class Feeds:
    """The stamps of all sources that ever spoke here, and the signs of life.

    Attributes:
        changed: Sources and processes whose stored form is out of date.
    """

    def __init__(self) -> None:
        self.feeds: dict[str, Feed] = {}
        self.processes: dict[str, datetime] = {}
        self.changed_feeds: set[str] = set()
        self.changed_processes: set[str] = set()
        self._blind: set[str] = set()

    def admit(self, told: Told) -> Verdict:
        """Judge a stamp, and remember it unless it is stale or a repeat."""
        source, token, number = told.stamp
        feed = self.feeds.get(source)
        if feed is None or token > feed.token:
            process = feed.process if feed else ""
            feed = self.feeds[source] = Feed(token, 0, process)
        if token < feed.token:
            return "stale"
        if number <= feed.number:
            return "repeat"
        verdict: Verdict = "next" if number == feed.number + 1 else "gap"
        feed.number = number
        if isinstance(told.reading, Checkpoint):
            feed.process = told.reading.process
        self.changed_feeds.add(source)
        self._blind.discard(source)
        return verdict

    def is_current(self, source: str, token: int) -> bool:
        """No newer owner of *source* has spoken here."""
        feed = self.feeds.get(source)
        return feed is not None and feed.token == token

    def alive(self, process: str, at: datetime) -> None:
        """The process gave a sign of life."""
        self.processes[process] = at
        self.changed_processes.add(process)

    def silent(self, before: datetime) -> Iterator[tuple[str, datetime]]:
        """Sources of processes that were last alive before *before*, and when."""
        gone = {p: at for p, at in self.processes.items() if at < before}
        for process in gone:
            del self.processes[process]
            self.changed_processes.add(process)
        for source, feed in self.feeds.items():
            if feed.process in gone:
                yield source, gone[feed.process]

    def turn_blind(self, source: str) -> bool:
        """Mark *source* blind; False when it was."""
        if source in self._blind:
            return False
        self._blind.add(source)
        return True

    def resync(self, source: str) -> Resync:
        """The request to the source's owner to read everything again."""
        return Resync(source=source, token=self.feeds[source].token)
