"""One subscription of a socket: what the hub tells goes out at once, or is held."""

from typing import NamedTuple, Protocol

from tracker.fanout.cursor import Cursor, Position
from tracker.fanout.filters import Query
from tracker.fanout.published import Published
from tracker.outlets.websocket import frames
from tracker.outlets.websocket.frames import Subscribe


class Socket(Protocol):
    """What a subscription asks of its session."""

    last: Published | None
    conflates: bool
    frames: list[bytes]

    def ready(self) -> None:
        """There is something in *frames*, the first since they were taken."""

    def send(self, frame: bytes) -> None:
        """Queue *frame*."""

    def supersede(self, event: Published) -> None:
        """*event* has been sent: what is held of its entity is older."""

    def wake(self, delay_s: float) -> None:
        """Something is held, for *delay_s* at most."""

    def lost(self) -> None:
        """Events may be missing."""


class Subscription:
    """One of a socket's subscriptions; a `tracker.fanout.hub.Subscriber`.

    Attributes:
        since: From where on it has been told of everything; None = not told yet.
    """

    __slots__ = ("_socket", "id", "query", "since")

    def __init__(self, socket: Socket, asked: Subscribe, query: Query) -> None:
        self._socket = socket
        self.id = asked.id
        self.query = query
        self.since: Cursor | None = None

    def deliver(self, event: Published) -> None:
        """Send *event*, unless the socket has just been sent it for another."""
        socket = self._socket
        if event is not socket.last:
            socket.last = event
            if socket.conflates:
                socket.supersede(event)
            if not socket.frames:  # as `send`, without the call: it is the hot path
                socket.ready()
            socket.frames.append(event.frame)

    def removed(self, event: Published) -> None:
        """Tell that the event's entity is none of the query's any more."""
        self._socket.send(self._removed(event))

    def lost(self) -> None:
        """Have the socket closed."""
        self._socket.lost()

    def _removed(self, event: Published) -> bytes:
        return frames.removed(self.id, event.key, event.version)


class Held(NamedTuple):
    """A frame held back, and the position of what it tells."""

    position: Position
    frame: bytes
    is_event: bool


class Conflated(Subscription):
    """A subscription whose events are held, each entity's latest only.

    Attributes:
        held: By entity; every event of a command by itself.
    """

    __slots__ = ("_delay_s", "held")

    def __init__(
        self, socket: Socket, asked: Subscribe, query: Query, delay_s: float
    ) -> None:
        super().__init__(socket, asked, query)
        self.held: dict[object, Held] = {}
        self._delay_s = delay_s

    def deliver(self, event: Published) -> None:
        """Hold *event*, unless the socket has just been sent it for another."""
        if event is self._socket.last:
            self.held.pop(_entity(event), None)
            return
        held = Held(event.position, event.frame, is_event=True)
        self._hold(event.position if event.command_event else _entity(event), held)

    def removed(self, event: Published) -> None:
        """Hold that the event's entity is none of the query's any more."""
        held = Held(event.position, self._removed(event), is_event=False)
        self._hold(_entity(event), held)

    def supersede(self, event: Published) -> None:
        """The socket has been sent *event*: drop it, and what is older of its entity.

        That the entity was removed from this subscription remains to be told; so does
        what is newer, when *event* was missed by another one.
        """
        self.held.pop(event.position, None)
        entity = _entity(event)
        held = self.held.get(entity)
        if held and held.is_event and held.position.place <= event.position.place:
            del self.held[entity]

    def _hold(self, entity: object, held: Held) -> None:
        if not self.held:
            self._socket.wake(self._delay_s)
        self.held[entity] = held


def _entity(event: Published) -> object:
    """What the event is about: a call and a source may share a key."""
    view = event.after or event.before
    return view and view.kind, event.key
