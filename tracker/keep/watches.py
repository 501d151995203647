"""A partition's watches: which calls somebody wants looked at. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec.structs import asdict

from tracker.domain.base import later
from tracker.domain.call import Call
from tracker.domain.command import Request
from tracker.domain.terms import Action
from tracker.domain.watch import Expectable, Watch, Watched

OVER_FOR_S = 3600.0
WAITING_FOR_S = 24 * 3600.0
"""A platform knows a call for a day; who waits longer for it waits in vain."""

_ACTIONS: Mapping[Expectable, Action] = {
    "recording": "resume",
    "paused": "pause",
}


class Watches:
    """The watches on calls of one partition.

    Attributes:
        watched: By id.
        changed: Whose stored form is out of date; one that is no longer in *watched*
            is to be deleted.
    """

    def __init__(self) -> None:
        self.watched: dict[str, Watched] = {}
        self.changed: set[str] = set()
        self._absent: set[str] = set()
        self._by_call: dict[str, set[str]] = {}

    def restore(self, watched: Watched) -> None:
        """Take a stored one in, at load; one that waits is looked for at once."""
        self.watched[watched.id] = watched
        if watched.state == "waiting":
            self._absent.add(watched.id)
        self._by_call.setdefault(watched.call, set()).add(watched.id)

    def begin(self, told: Watch, at: datetime) -> None:
        """Take a new one; a repeat changes nothing."""
        if told.id not in self.watched:
            fields = asdict(told)
            self._put(Watched(**fields, requested_at=at))
            self._by_call.setdefault(told.call, set()).add(told.id)

    def drop(self, id_: str) -> bool:
        """Forget one; False when there is none."""
        watched = self.watched.pop(id_, None)
        if watched is None:
            return False
        self.changed.add(id_)
        ids = self._by_call[watched.call]
        ids.discard(id_)
        if not ids:
            del self._by_call[watched.call]
        return True

    def on(self, call: str) -> list[Watched]:
        """Those on *call*, in the order of their ids."""
        return [self.watched[id_] for id_ in sorted(self._by_call.get(call, ()))]

    def seen(self, key: str, call: Call | None, at: datetime) -> Iterator[Request]:
        """The source has shown *call*, None = only that it is over.

        Yields:
            What was accepted elsewhere, to become a command of the call.
        """
        for watched in self.on(key):
            if call is None or call.ended_at is not None:
                self._not_there(watched, at)
                continue
            if watched.state == "waiting":
                self._put(watched.but(state="watching"))
            is_busy = call.command is not None and call.command.open
            if watched.command is None and watched.expected and not is_busy:
                yield Request(
                    id=watched.id,
                    call=key,
                    action=_ACTIONS[watched.expected],
                    requested_by=watched.requested_by,
                    not_after=later(at, 1),
                    deadline_s=watched.deadline_s,
                    elsewhere=True,
                )

    def _not_there(self, watched: Watched, at: datetime) -> None:
        """The platform does not know it; it may yet, until the watch's deadline."""
        if watched.state != "waiting":
            return
        if at < later(watched.requested_at, watched.deadline_s):
            self._absent.add(watched.id)
        else:
            self._put(watched.but(state="not_found", over_at=at))

    def to_follow(self) -> set[str]:
        """Calls that were not there yet, to be looked for again."""
        calls = {self.watched[i].call for i in self._absent if i in self.watched}
        self._absent.clear()
        return calls

    def commanded(self, id_: str) -> None:
        """What the watch expects is a command of its call now."""
        self._put(self.watched[id_].but(command=id_))

    def tick(self, calls: Mapping[str, Call], at: datetime) -> None:
        """End those whose call has, and forget those that were over long ago."""
        for watched in list(self.watched.values()):
            over_at = watched.over_at
            if watched.state == "watching":
                call = calls.get(watched.call)
                if call is None or call.ended_at is not None:
                    self._put(watched.but(state="ended", over_at=at))
            elif over_at is not None and at >= later(over_at, OVER_FOR_S):
                self.drop(watched.id)
            elif over_at is None and at >= later(watched.requested_at, WAITING_FOR_S):
                self._put(watched.but(state="not_found", over_at=at))

    def _put(self, watched: Watched) -> None:
        self.watched[watched.id] = watched
        self.changed.add(watched.id)
