"""What one Bayeux client is to the server: subscriptions, queue, requests."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Message = dict[str, Any]


def parse_messages(body: bytes) -> list[Message]:
    """What a client posted; one message alone needs no list.

    Raises:
        ValueError: It is no JSON, or no message in it.
    """
    posted = json.loads(body)
    messages = posted if isinstance(posted, list) else [posted]
    if not messages or not all(isinstance(message, dict) for message in messages):
        raise ValueError("not a list of messages")
    return messages


def part(message: Message, name: str) -> Message:
    """A message's `advice` or `ext`, empty when it has none."""
    value = message.get(name)
    return value if isinstance(value, dict) else {}


@lru_cache(maxsize=256)
def channels_that_match(channel: str) -> frozenset[str]:
    """A channel and its wildcards: with `/a/b` also `/a/*`, `/a/**` and `/**`."""
    *parents, _ = channel.split("/")
    above = ["/".join(parents[: n + 1]) for n in range(len(parents))]
    return frozenset({channel, f"{above[-1]}/*", *(f"{p}/**" for p in above)})


@dataclass(slots=True, eq=False)
class Session:
    """One client: what it subscribed to, and what waits for it.

    Attributes:
        acks: It acknowledges what it gets; until then that is kept.
        expires_s: When it is forgotten, unless it asks again or a connect is held.
        batch: The number of the next connect's answer.
        is_connected: Its first connect was answered.
        is_gone: Forgotten.
        has_left: Gone because it wanted to.
    """

    id: str
    owner: str
    acks: bool
    expires_s: float
    subscriptions: set[str] = field(default_factory=set)
    batch: int = 1
    is_connected: bool = False
    is_gone: bool = False
    has_left: bool = False
    held: "Exchange | None" = None
    _queue: deque[bytes] = field(default_factory=deque)
    _kept: deque[tuple[int, bytes]] = field(default_factory=deque)

    @property
    def has_messages(self) -> bool:
        """Whether a connect would be answered with messages."""
        return bool(self._queue or self._kept)

    def offer(self, message: bytes) -> None:
        """Queue a message and end the waiting of a held connect."""
        self._queue.append(message)
        if self.held:
            self.held.wake()

    def acknowledge(self, batch: int) -> None:
        """Forget what was sent in *batch* and before."""
        while self._kept and self._kept[0][0] <= batch:
            self._kept.popleft()

    def drain(self, connect: Message | None) -> list[bytes]:
        """What may ride on an answer.

        With acknowledgement only a connect's answer carries messages: all that are
        not acknowledged yet, under a batch number that is added to its reply.
        """
        if not self.acks:
            waiting = list(self._queue)
            self._queue.clear()
            return waiting
        if connect is None:
            return []
        self._kept.extend((self.batch, message) for message in self._queue)
        self._queue.clear()
        connect["ext"] = {"ack": self.batch}
        self.batch += 1
        return [message for _, message in self._kept]


@dataclass(slots=True, eq=False)
class Exchange:
    """One HTTP request of a client, and the answer that becomes of it.

    Attributes:
        replies: One per message that was posted, in order.
        session: The client that posted; None when nobody is known.
        connect: The reply to its connect, if it posted one.
        hold_s: How long the answer may wait for messages; 0: answer now.
        superseded: A newer connect took its place: answer HTTP 500, nothing else.
        wake: Called when the waiting is to end; the shell sets it.
    """

    replies: list[Message] = field(default_factory=list)
    session: Session | None = None
    connect: Message | None = None
    hold_s: float = 0.0
    superseded: bool = False
    wake: Callable[[], None] = lambda: None
