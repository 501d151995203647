"""Which inputs of which sources are next, and which processes still speak for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Literal

from tracker.domain.entry import Resync
from tracker.domain.reading import Checkpoint, Told

Verdict = Literal["next", "gap", "repeat", "stale"]

RETIRED = "-"
"""Who tells a source that is no more; its token stays, for what is late."""


@dataclass(slots=True)
class Feed:
    """One source's story in this partition, as far as it was told.

    Attributes:
        process: Who tells it. Until it is named, by a sign of life or its first
            checkpoint, an owner goes by the source's key, and is alive as long as it
            tells.
        read_at: When its last full read began; not stored.
    """

    token: int
    number: int
    process: str
    read_at: datetime | None = None


class Feeds:
    """The stamps of all sources that ever spoke here, and the signs of life.

    Every partition hears of every source: their names are kept once for all.

    Attributes:
        changed_feeds, changed_processes: Whose stored form is out of date; a process
            that is no longer in `processes` is to be deleted.
    """

    def __init__(self) -> None:
        self.feeds: dict[str, Feed] = {}
        self.processes: dict[str, datetime] = {}
        self.changed_feeds: set[str] = set()
        self.changed_processes: set[str] = set()
        self._blind: set[str] = set()
        self._unread: dict[str, datetime] = {}

    def restore(self, source: str, feed: Feed, at: datetime) -> None:
        """Take a stored one in, at load: its owner may not have read all."""
        self.feeds[source] = feed
        self._unread[source] = at

    def admit(self, told: Told, at: datetime) -> Verdict:
        """Judge a stamp, and remember it unless it is stale or a repeat."""
        source, token, number = told.stamp
        feed = self.feeds.get(source)
        if feed is None or token > feed.token:
            feed = self._begin(source, token, at)
        if token < feed.token:
            return "stale"
        if number <= feed.number:
            return "repeat"
        verdict: Verdict = "next" if number == feed.number + 1 else "gap"
        feed.number = number
        self.changed_feeds.add(source)
        self._sign_of_life(source, feed, told, at)
        return verdict

    def take_over(self, source: str, token: int, process: str, at: datetime) -> None:
        """*process* owns the source now, though it may have told nothing here yet."""
        feed = self.feeds.get(source)
        if feed is None or token < feed.token:
            return
        if token > feed.token:
            feed = self._begin(source, token, at)
        if feed.process == source:
            feed.process = intern(process)
            self.changed_feeds.add(source)
            self._gone(source)

    def _begin(self, source: str, token: int, at: datetime) -> Feed:
        source = intern(source)
        if source in self.feeds:  # else nothing was told before
            self._unread[source] = at
        feed = self.feeds[source] = Feed(token, 0, source)
        return feed

    def _sign_of_life(self, source: str, feed: Feed, told: Told, at: datetime) -> None:
        if feed.process == RETIRED:
            return
        if isinstance(told.reading, Checkpoint):
            feed.process = intern(told.reading.process)
            feed.read_at = told.reading.at(at)
            self._unread.pop(source, None)
            self._gone(source)
            self.alive(feed.process, at)
        elif feed.process == source or feed.process not in self.processes:
            self.alive(feed.process, at)

    def retire(self, source: str) -> None:
        """It is no more: nobody speaks for it, and nobody misses it."""
        self.feeds[source].process = RETIRED
        self.changed_feeds.add(source)
        self._gone(source)
        self._unread.pop(source, None)

    def told_of(self) -> list[str]:
        """All sources but those that are no more."""
        return sorted(s for s, feed in self.feeds.items() if feed.process != RETIRED)

    def is_current(self, source: str, token: int) -> bool:
        """The newest owner of *source* that spoke here is that of *token*."""
        feed = self.feeds.get(source)
        return feed is not None and feed.token == token and feed.process != RETIRED

    def has_read_since(self, source: str, at: datetime) -> bool:
        """A full read of *source* was begun later than *at*."""
        feed = self.feeds.get(source)
        return feed is not None and feed.read_at is not None and feed.read_at > at

    def is_stale(self, source: str, token: int) -> bool:
        """A newer owner of *source* has spoken here."""
        feed = self.feeds.get(source)
        return feed is not None and feed.token > token

    def alive(self, process: str, at: datetime) -> None:
        """The process gave a sign of life."""
        self.processes[process] = at
        self.changed_processes.add(process)

    def silent(self, before: datetime) -> Iterator[tuple[str, datetime]]:
        """Sources of processes that were last alive before *before*, and when."""
        gone = {p: at for p, at in self.processes.items() if at < before}
        for process in gone:
            self._gone(process)
        for source, feed in sorted(self.feeds.items()) if gone else ():
            if feed.process in gone:
                yield source, gone[feed.process]

    def unread(self, before: datetime) -> list[tuple[str, int, datetime]]:
        """Sources, once each, whose owner began before *before* and never read all.

        Returns:
            With the token, and when it began.
        """
        late = sorted(s for s, began_at in self._unread.items() if began_at < before)
        return [(s, self.feeds[s].token, self._unread.pop(s)) for s in late]

    def _gone(self, process: str) -> None:
        if self.processes.pop(process, None) is not None:
            self.changed_processes.add(process)

    def turn_blind(self, source: str) -> bool:
        """Mark *source* blind; False when it was."""
        if source in self._blind:
            return False
        self._blind.add(source)
        return True

    def sees(self, source: str) -> None:
        """The source has shown a call, or all: it is to be blinded anew next time."""
        self._blind.discard(source)

    def resync(self, source: str) -> Resync:
        """The request to the source's owner to read everything again."""
        return Resync(source=source, token=self.feeds[source].token)
