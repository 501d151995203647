"""A session without a socket: frames come out parsed, and time is an argument."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.unit.fanout.process import Process
from tracker.fanout.filters import EVERYTHING, Visibility
from tracker.fanout.published import payload_of
from tracker.outlets.auth import Authenticator, AuthSettings
from tracker.outlets.quota import Quota
from tracker.outlets.websocket.feed import Feed, bring_up, cursor_frame
from tracker.outlets.websocket.session import Access, Action, Begin, End, Session
from tracker.outlets.websocket.settings import StreamSettings

Json = dict[str, Any]
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Loopback:
    """A session and the shell around it.

    Attributes:
        readied: How often the session said that there is something to take.
        wakes: The delays that it asked for.
        losses: How often it asked to be closed because events may be missing.
    """

    def __init__(
        self,
        settings: StreamSettings | None = None,
        access: Access | None = Access("ann", EVERYTHING),  # noqa: B008 - immutable
        quota: Quota | None = None,
    ) -> None:
        self.readied = 0
        self.wakes: list[float] = []
        self.losses = 0
        self.session = Session(self, settings or StreamSettings(), quota or Quota())
        if access is not None:
            self.session.authorise(access)

    def ready(self) -> None:
        self.readied += 1

    def wake(self, delay_s: float) -> None:
        self.wakes.append(delay_s)

    def lost(self) -> None:
        self.losses += 1

    def say(self, **frame: Any) -> Action:
        """The client says this."""
        return self.session.receive(json.dumps(frame), NOW)

    def subscribe(self, id_: str = "s", **fields: Any) -> Begin:
        """The client subscribes, and is let."""
        action = self.say(op="subscribe", id=id_, **fields)
        assert isinstance(action, Begin)
        return action

    def told(self) -> list[Json]:
        """What the session has for the client, taken."""
        return [json.loads(payload_of(frame)) for frame in self.session.take()]


def nobody() -> Access:
    """Who may see nothing at all."""
    return Access("nobody", Visibility(kinds=frozenset()))


class Served(Loopback):
    """A loopback to a process: its subscriptions really begin.

    Args:
        process: Serves.
        meanwhile: Called whenever the session waits for the client to take a page.
    """

    def __init__(
        self, process: Process, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__()
        self._feed = Feed(
            process.hub,
            process.projection,
            process.replay,
            Authenticator(AuthSettings()),
            StreamSettings(page_bytes=100),
        )
        self._meanwhile = meanwhile
        self._inbox: list[Json] = []

    async def begin(self, id_: str = "s", **fields: Any) -> None:
        """Subscribe, and be brought up to now."""
        action = self.subscribe(id_, **fields)
        await bring_up(self._feed, self.session, action, self._drain)

    def unsubscribe(self, id_: str) -> None:
        action = self.say(op="unsubscribe", id=id_)
        assert isinstance(action, End)
        self._feed.hub.discard(action.subscription.query, action.subscription)

    def cut(self) -> None:
        """The socket is gone."""
        for subscription in self.session.subscriptions.values():
            self._feed.hub.discard(subscription.query, subscription)

    def show_cursor(self) -> None:
        """The time for a ``cursor`` has come."""
        self.session.cursor(cursor_frame(self._feed.projection))

    def inbox(self) -> list[Json]:
        """Everything that was sent, in order."""
        self._inbox += self.told()
        inbox, self._inbox = self._inbox, []
        return inbox

    async def _drain(self) -> None:
        self._inbox += self.told()
        self._meanwhile()
