"""One subscription as its client sees it: what to ask for, and what each frame means.

Pure. The cursor moves on with every event, so that a resume repeats nothing; what a
server repeats all the same is left out.
"""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from tracker.errors import PositionLostError, TrackerError
from tracker.fanout.cursor import Cursor, Position
from tracker.fanout.filters import Filter

Json = dict[str, Any]

ID = "1"
_RETRYABLE = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)


class Begun(NamedTuple):
    """The subscription begins; *fresh*: what was known is void, a snapshot follows."""

    fresh: bool


class Page(NamedTuple):
    """Part of the snapshot; the last one makes it whole."""

    calls: list[Json]
    sources: list[Json]
    accounts: list[Json]
    last: bool


class Event(NamedTuple):
    """A CloudEvent."""

    body: Json


class Removed(NamedTuple):
    """An entity no longer matches."""

    key: str
    version: int


class Mark(NamedTuple):
    """How current everything is, by the server's clock."""

    live: bool
    server_time: datetime


class Lost(NamedTuple):
    """The connection is gone; it comes back by itself."""

    reason: str


Message = Begun | Page | Event | Removed | Mark | Lost


class SubscriptionError(TrackerError):
    """The server cannot follow the subscription.

    Args:
        status: As HTTP has it.
        message: Its detail.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def retryable(self) -> bool:
        """It may be well later."""
        return self.status in _RETRYABLE


class Follower:
    """Keeps the place of one subscription over any number of connections.

    Args:
        wanted: What to subscribe to.
        since: Where to begin; None = now.
        snapshot: Whether to be told what there is, at first and after a loss.

    Attributes:
        cursor: Everything up to it has been told; None = nothing has.
    """

    def __init__(
        self, wanted: Filter, since: Cursor | None = None, *, snapshot: bool
    ) -> None:
        self.cursor = since
        self._wanted = wanted
        self._snapshot = snapshot
        self._beginning: Cursor | None = None
        self._begun = False

    def subscribe(self) -> str:
        """The frame to send on a new connection."""
        self._beginning, self._begun = None, False
        frame: Json = {
            "op": "subscribe",
            "id": ID,
            "filter": self._wanted.model_dump(mode="json", exclude_none=True),
            "snapshot": self._snapshot,
        }
        if self.cursor is not None:
            frame["since"] = str(self.cursor)
        return json.dumps(frame)

    def receive(self, text: str | bytes) -> Message | None:
        """What a frame of the server means; None = nothing new.

        Raises:
            PositionLostError: Without snapshots: events are missing.
            SubscriptionError: The server has said no.
        """
        frame = json.loads(text)
        message: Message | None = None
        match frame.get("op"):
            case None:
                message = self._event(frame)
            case "subscribed":
                message = self._begin(frame)
            case "snapshot":
                message = self._page(frame)
            case "removed":
                message = Removed(frame["key"], frame["version"])
            case "cursor":
                message = self._mark(frame)
            case "error" if frame.get("id") == ID:
                raise SubscriptionError(frame["status"], frame["detail"])
            case _:
                pass  # a newer server may say more
        return message

    def _event(self, frame: Json) -> Event | None:
        position = Position.parse(frame["id"])
        if self.cursor is None or self.cursor.covers(position):
            return None
        self.cursor = self.cursor.advance(position)
        return Event(frame)

    def _begin(self, frame: Json) -> Begun:
        self._begun = True
        if frame["recovered"]:
            return Begun(fresh=False)
        cursor = Cursor.parse(frame["cursor"])
        if self._snapshot:
            self.cursor, self._beginning = None, cursor
        elif self.cursor is not None:
            raise PositionLostError("events are missing; begin again from now")
        else:
            self.cursor = cursor
        return Begun(fresh=True)

    def _page(self, frame: Json) -> Page:
        last = not frame["more"]
        if last:
            self.cursor = self._beginning
        return Page(frame["calls"], frame["sources"], frame["accounts"], last)

    def _mark(self, frame: Json) -> Mark:
        """A cursor from before the subscription says nothing of what it was told."""
        if self.cursor is not None and self._begun:
            self.cursor = Cursor.parse(frame["cursor"])
        return Mark(frame["live"], datetime.fromisoformat(frame["server_time"]))
