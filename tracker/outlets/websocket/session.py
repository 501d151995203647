"""What is said on one socket: pure, its clock an argument.

The shell feeds it the client's text frames and writes what it queues; the hub tells its
subscriptions of events.
"""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus

from tracker.errors import ClientRefusedError
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Chosen, Query, Verdict
from tracker.fanout.published import Published
from tracker.outlets.websocket import codes, frames
from tracker.outlets.websocket.actions import (
    Access,
    Action,
    Ask,
    Authenticate,
    Begin,
    Counts,
    End,
    Shell,
)
from tracker.outlets.websocket.frames import (
    Auth,
    Command,
    FrameError,
    Ping,
    Subscribe,
    Unsubscribe,
)
from tracker.outlets.websocket.settings import StreamSettings
from tracker.outlets.websocket.subscription import Conflated, Subscription

__all__ = ["Access", "Action", "Ask", "Authenticate", "Begin", "End", "Session"]


class Session:
    """The state of one socket.

    Args:
        shell: The socket.
        settings: Limits.
        quota: What its subject may have on all sockets.

    Attributes:
        access: None until the client has said who it is.
        asking: Commands under way.
        last: The event that was sent last.
        conflates: Something may be held.
        frames: Queued, in order; see `take`.
    """

    __slots__ = (
        "_quota",
        "_settings",
        "_slow_since_s",
        "access",
        "asking",
        "conflates",
        "frames",
        "last",
        "shell",
        "subscriptions",
    )

    def __init__(self, shell: Shell, settings: StreamSettings, quota: Counts) -> None:
        self.shell = shell
        self.access: Access | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.last: Published | None = None
        self.conflates = False
        self.asking = 0
        self._settings = settings
        self._quota = quota
        self.frames: list[bytes] = []
        self._slow_since_s: float | None = None

    def authorise(self, access: Access) -> None:
        """The client is who *access* says.

        Raises:
            ClientRefusedError: It was somebody else before.
        """
        known = self.access
        if known is not None and known._replace(expires_at=access.expires_at) != access:
            message = "the token allows other things; subscribe anew"
            raise ClientRefusedError(codes.RIGHTS_CHANGED, message)
        self.access = access

    def receive(self, text: str, now: datetime) -> Action:
        """Follow the client's frame, or tell it why not.

        Returns:
            What remains for the shell to do.

        Raises:
            ClientRefusedError: It has not said who it is.
        """
        try:
            return self._obey(frames.parse(text), now)
        except FrameError as error:
            if self.access is None:
                message = "an access token is needed: the first frame must be auth"
                raise ClientRefusedError(codes.UNAUTHORIZED, message) from error
            self.send(error.frame())
            return None

    def answer(self, frame: bytes) -> None:
        """One of the commands under way has its answer."""
        self.asking -= 1
        self.send(frame)

    def ready(self) -> None:
        """There is something in *frames*, the first since they were taken."""
        self.shell.ready()

    def wake(self, delay_s: float) -> None:
        """Something is held, for *delay_s* at most."""
        self.shell.wake(delay_s)

    def lost(self) -> None:
        """Events may be missing: the client resumes, or begins anew."""
        self.shell.lost()

    def send(self, frame: bytes) -> None:
        """Queue *frame* for the end of this turn."""
        if not self.frames:
            self.ready()
        self.frames.append(frame)

    def take(self) -> list[bytes]:
        """The frames to write, in order."""
        taken, self.frames = self.frames, []
        return taken

    def begin(
        self, subscription: Subscription, cursor: Cursor, now: datetime, *, whole: bool
    ) -> None:
        """What comes for *subscription* begins at *cursor*.

        Args:
            subscription: Of this socket.
            cursor: The client's own, or that of the snapshot.
            now: The time.
            whole: Everything that the client has missed follows.
        """
        frame = frames.Subscribed(
            id=subscription.id, recovered=whole, cursor=str(cursor), server_time=now
        )
        self.send(frames.encode(frame))

    def replay(self, subscription: Subscription, missed: Iterable[Chosen]) -> None:
        """Send what was *missed*, but nothing that this socket was sent already."""
        others = [
            (other.since, other.query)
            for other in self.subscriptions.values()
            if other is not subscription
            and other.since is not None
            and not isinstance(other, Conflated)
        ]
        for event, verdict in missed:
            if verdict is Verdict.REMOVED:
                subscription.removed(event)
            elif not any(
                not since.covers(event.position)
                and query.verdict(event) is Verdict.EVENT
                for since, query in others
            ):
                subscription.deliver(event)

    def joined(self, subscription: Subscription, since: Cursor) -> None:
        """The hub tells *subscription* from now on; *since* it missed nothing."""
        subscription.since = since

    def drop(self, subscription: Subscription) -> None:
        """Forget *subscription*, which could not begin."""
        self._forget(subscription.id)

    def end(self) -> None:
        """The socket is gone, and its subscriptions with it."""
        for id_ in list(self.subscriptions):
            self._forget(id_)

    def cursor(self, frame: bytes) -> None:
        """Send what is held, then the ``cursor`` *frame*: it overtakes no event.

        A client gets none before it has subscribed, nor while a subscription is not
        `joined` yet: it would be ahead of what was told.
        """
        held = sorted(item for s in self._conflated() for item in s.held.values())
        for subscription in self._conflated():
            subscription.held.clear()
        for late in dict.fromkeys(item.frame for item in held):
            self.send(late)
        every = self.subscriptions.values()
        if every and all(one.since is not None for one in every):
            self.send(frame)

    def supersede(self, event: Published) -> None:
        """*event* has been sent: what is held of its entity is older."""
        for subscription in self._conflated():
            subscription.supersede(event)

    def expired(self, now: datetime) -> bool:
        """Whether the access token has come to its end."""
        ends = self.access and self.access.expires_at
        return ends is not None and ends <= now

    def too_slow(self, unsent_bytes: int, now_s: float) -> bool:
        """Whether a client with so much unsent must go.

        Args:
            unsent_bytes: What the socket has not taken yet.
            now_s: Monotonic.
        """
        settings = self._settings
        if unsent_bytes <= settings.slow_bytes:
            self._slow_since_s = None
            return False
        if self._slow_since_s is None:
            self._slow_since_s = now_s
        too_long = now_s - self._slow_since_s >= settings.slow_after_s
        return too_long or unsent_bytes > settings.max_unsent_bytes

    def _obey(self, frame: frames.Incoming, now: datetime) -> Action:
        if isinstance(frame, Auth):
            return Authenticate(frame.token)
        if self.access is None:
            raise FrameError(HTTPStatus.UNAUTHORIZED, "first say who you are")
        match frame:
            case Subscribe():
                return self._subscribe(frame, self.access)
            case Unsubscribe():
                return self._unsubscribe(frame.id)
            case Command():
                return self._ask(frame, self.access)
            case Ping():
                self.send(frames.encode(frames.Pong(server_time=now)))
                return None

    def _subscribe(self, asked: Subscribe, access: Access) -> Action:
        limit, visibility = self._settings.max_subscriptions, access.visibility
        if visibility.kinds == frozenset():
            detail = "the token has no scope to read anything"
            raise FrameError(HTTPStatus.FORBIDDEN, detail, asked.id)
        if asked.id in self.subscriptions:
            detail = "there is a subscription with this id: unsubscribe it first"
            raise FrameError(HTTPStatus.CONFLICT, detail, asked.id)
        if len(self.subscriptions) >= limit:
            detail = f"a socket may have {limit} subscriptions"
            raise FrameError(HTTPStatus.TOO_MANY_REQUESTS, detail, asked.id)
        try:
            since = Cursor.parse(asked.since) if asked.since is not None else None
        except ValueError as error:
            raise FrameError(HTTPStatus.BAD_REQUEST, str(error), asked.id) from error
        if not self._quota.open_subscription(access.subject):
            detail = "too many subscriptions of this subject: end one, or ask later"
            raise FrameError(HTTPStatus.TOO_MANY_REQUESTS, detail, asked.id)
        query = Query(asked.filter, visibility)
        if asked.conflate_ms is None:
            subscription = Subscription(self, asked, query)
        else:
            subscription = Conflated(self, asked, query, asked.conflate_ms / 1000)
            self.conflates = True
        self.subscriptions[asked.id] = subscription
        return Begin(subscription, since, asked.snapshot)

    def _ask(self, asked: Command, access: Access) -> Action:
        limit = self._settings.max_commands
        if self.asking >= limit:
            detail = f"a socket may have {limit} commands under way"
            raise FrameError(HTTPStatus.TOO_MANY_REQUESTS, detail, asked.id)
        self.asking += 1
        return Ask(asked, access)

    def _unsubscribe(self, id_: str) -> Action:
        subscription = self._forget(id_)
        if subscription is None:
            detail = "there is no subscription with this id"
            raise FrameError(HTTPStatus.NOT_FOUND, detail, id_)
        self.send(frames.encode(frames.Result(of="unsubscribe", id=id_)))
        return End(subscription)

    def _forget(self, id_: str) -> Subscription | None:
        """Have it no more, and make room for another; None = there was none."""
        subscription = self.subscriptions.pop(id_, None)
        if subscription is not None and self.access is not None:
            self._quota.close_subscription(self.access.subject)
        return subscription

    def _conflated(self) -> list[Conflated]:
        every = self.subscriptions.values() if self.conflates else ()
        return [one for one in every if isinstance(one, Conflated)]
