"""A client that does what the documentation says, and nothing more clever."""

from tests.unit.websocket.loopback import Json
from tracker.fanout.cursor import Cursor, Position


class Client:
    """Follows one subscription over as many sockets as it takes.

    Attributes:
        cursor: To resume from; None = only a snapshot helps.
        events: Positions of all events since what it knew was last void, in order.
        removed: Key and version of every removal since then.
        known: Version of each entity that it thinks matches.
        began_at: Where it was last told to begin anew.
    """

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.events: list[str] = []
        self.removed: list[tuple[str, int]] = []
        self.known: dict[str, int] = {}
        self.began_at: Cursor | None = None

    def asks(self) -> Json:
        """How it subscribes: from its cursor, or with a snapshot."""
        return {"snapshot": True} if self.cursor is None else {"since": self.cursor}

    def read(self, frames: list[Json]) -> None:
        """Take what has arrived."""
        for frame in frames:
            match frame.get("op"):
                case None:
                    self._event(frame)
                case "subscribed" if not frame["recovered"]:
                    self.__init__()  # type: ignore[misc]  # all is void
                    self.began_at = Cursor.parse(frame["cursor"])
                case "snapshot":
                    self._snapshot(frame)
                case "removed":
                    self._removed(frame["key"], frame["version"])
                case "cursor":
                    self.cursor = frame["cursor"]
                case op:
                    assert op == "subscribed", frame

    def _event(self, event: Json) -> None:
        self.events.append(event["id"])
        version = int(event["sequence"])
        assert version >= self.known.get(event["subject"], 0), "no step back"
        self.known[event["subject"]] = version
        if self.cursor is not None:
            cursor = Cursor.parse(self.cursor)
            self.cursor = str(cursor.advance(Position.parse(event["id"])))

    def _snapshot(self, page: Json) -> None:
        self.known |= {call["key"]: call["version"] for call in page["calls"]}
        if not page["more"]:
            self.cursor = str(self.began_at)

    def _removed(self, key: str, version: int) -> None:
        if (key, version) not in self.removed:
            self.removed.append((key, version))
        self.known.pop(key, None)
