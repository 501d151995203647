"""A client of Bayeux 1.0 over long-polling, without I/O and without a clock.

Ask for the next request, send it when it is due, hand in its answer::

    handshake → subscribe → probe (a connect that is answered at once) → connect …

`Live` follows every answered probe: whatever may have been missed has been missed
before it, so that is when to read a snapshot. After a lost answer the session is
probed again; when the server has forgotten it, or at the third failure in a row, it
begins anew with a handshake, and with it the subscriptions. Sessions do expire: one
that had settled begins anew without a back-off.

With the acknowledgement extension (https://docs.cometd.org, "Message Acknowledgement
Extension") the server repeats what was not acknowledged, so an answer that is torn
is not taken at all. Without it, what can be read of it is.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from tracker.providers.backoff import backoff_s
from tracker.providers.genesys.batch import Delivery, Reply, parse_batch
from tracker.providers.wire import Garbled

DEFAULT_HOLD_S: Final = 60.0
"""How long a poll may be held before the server has told; faye's, the longest."""

GRACE_S: Final = 5.0
"""How much later than promised an answer may come."""

SHORTEST_LIMIT_S: Final = 10.0

SHORTEST_ROUND_S: Final = 0.5
"""From poll to poll when the server answers at once but has nothing to say."""

FAILURES_UNTIL_HANDSHAKE: Final = 3

Step = Literal["handshake", "subscribe", "probe", "connect"]

_CHANNELS: Final[dict[Step, str]] = {
    "handshake": "/meta/handshake",
    "subscribe": "/meta/subscribe",
    "probe": "/meta/connect",
    "connect": "/meta/connect",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What to POST next.

    Attributes:
        body: A JSON array of Bayeux messages.
        delay_s: When: this long after the last answer, or after the last request
            ended without one.
        limit_s: An answer that takes longer will not come.
    """

    step: Step
    body: bytes
    delay_s: float
    limit_s: float


class Live(NamedTuple):
    """The session is subscribed and polls: read a snapshot now."""


class Failed(NamedTuple):
    """The server did not do what it was asked; it is asked again after a while."""

    error: str


class Refused(NamedTuple):
    """The server refuses a subscription; all begins anew after a while."""

    subscription: str
    error: str


class Ended(NamedTuple):
    """The server wants no further request."""

    error: str


Event = Delivery | Garbled | Live | Failed | Refused | Ended


class Bayeux:
    """One client's session.

    Args:
        subscriptions: Channels or patterns of channels.
        random: Uniform in [0, 1), for the jitter.
    """

    def __init__(
        self, subscriptions: Sequence[str], random: Callable[[], float]
    ) -> None:
        self._subscriptions = tuple(subscriptions)
        self._random = random
        self._asked = self._ended = False
        self._last_id = self._failures = 0
        self._hold_s = DEFAULT_HOLD_S
        self._interval_s = self._pause_s = 0.0
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._step: Step = "handshake"
        self._client_id = ""
        self._has_acks = self._is_settled = False
        self._ack = self._taken_ack = 0

    @property
    def is_live(self) -> bool:
        """Subscribed, and the last answer was as it should be."""
        return self._step == "connect"

    @property
    def is_failing(self) -> bool:
        """Something went wrong, and it is not live again yet."""
        return self._failures > 0

    @property
    def overdue_after_s(self) -> float:
        """Without an answer for longer than this, nothing is seen."""
        return self._interval_s + self._poll_limit_s

    @property
    def _poll_limit_s(self) -> float:
        return max(SHORTEST_LIMIT_S, self._hold_s + GRACE_S)

    def probe(self) -> None:
        """Have `Live` follow the next good answer: observing begins again."""
        if self.is_live:
            self._step = "probe"

    def stored(self) -> None:
        """Say that the last answer's deliveries are safe: acknowledge them next time.

        What is not stored by the next request is delivered again.
        """
        self._ack = self._taken_ack

    def next_request(self) -> Request:
        """Return what to send next. Asked again, the last request had no answer.

        Raises:
            RuntimeError: It has `Ended`.
        """
        if self._ended:
            msg = "the server has ended this session"
            raise RuntimeError(msg)
        if self._asked:
            self._fail()
        self._asked = True
        self._taken_ack = self._ack
        return Request(
            step=self._step,
            body=json.dumps(list(self._messages())).encode(),
            delay_s=self._pause_s,
            limit_s=self._poll_limit_s if self.is_live else SHORTEST_LIMIT_S,
        )

    def receive(self, body: bytes, took_s: float) -> list[Event]:
        """Take the answer to the request.

        Args:
            body: Of a 200; it need not be JSON.
            took_s: From the request's start to the answer's end.

        Raises:
            RuntimeError: There is no request to answer.
        """
        if not self._asked:
            msg = "an answer without a request"
            raise RuntimeError(msg)
        self._asked = False
        was_polling = self.is_live
        batch = parse_batch(body)
        channel = _CHANNELS[self._step]
        replies = [reply for reply in batch.replies if reply.channel == channel]
        is_complete = batch.is_whole and bool(replies)
        events: list[Event] = []
        if is_complete or not self._has_acks:
            events += batch.messages
        if is_complete:
            events += self._take(replies)
        else:
            events.append(self._fail("no reply" if batch.is_whole else "a torn answer"))
        is_idle = not any(isinstance(m, Delivery) for m in batch.messages)
        if is_idle and was_polling and self.is_live:
            self._pause_s = max(self._pause_s, SHORTEST_ROUND_S - took_s)
        return events

    def _messages(self) -> Iterator[dict[str, object]]:
        if self._step == "subscribe":
            for subscription in self._subscriptions:
                yield self._message(subscription=subscription)
        elif self._step == "handshake":
            yield self._message(
                version="1.0",
                minimumVersion="1.0",
                supportedConnectionTypes=["long-polling"],
                ext={"ack": True},
            )
        else:
            optional: dict[str, object] = {}
            if self._has_acks:
                optional["ext"] = {"ack": self._ack}
            if self._step == "probe":
                optional["advice"] = {"timeout": 0}
            yield self._message(connectionType="long-polling", **optional)

    def _message(self, **fields: object) -> dict[str, object]:
        self._last_id += 1
        message = {"id": str(self._last_id), "channel": _CHANNELS[self._step], **fields}
        return message | {"clientId": self._client_id} if self._client_id else message

    def _take(self, replies: Sequence[Reply]) -> list[Event]:
        for reply in replies:
            self._heed(reply)
        if self._step == "handshake":
            return self._take_handshake(replies[-1])
        if self._step == "subscribe":
            return self._take_subscriptions(replies)
        return self._take_connect(replies[-1])

    def _heed(self, reply: Reply) -> None:
        if reply.interval_ms is not None:
            self._interval_s = reply.interval_ms / 1000
        if reply.timeout_ms is not None:
            self._hold_s = reply.timeout_ms / 1000
        if reply.ack_batch is not None:
            self._taken_ack = reply.ack_batch

    def _take_handshake(self, reply: Reply) -> list[Event]:
        if not reply.is_good or not reply.client_id:
            return [self._reject(reply)]
        self._client_id = reply.client_id
        self._has_acks = reply.offers_acks
        self._ack = self._taken_ack
        self._step = "subscribe"
        self._pause_s = 0.0
        return []

    def _take_subscriptions(self, replies: Sequence[Reply]) -> list[Event]:
        for subscription in self._subscriptions:
            about = [r for r in replies if subscription in (r.subscription or ())]
            if not about:
                return [self._fail("no reply to a subscription")]
            if not about[-1].is_good:
                return [self._reject(about[-1], subscription)]
        self._step = "probe"
        self._pause_s = self._interval_s
        return []

    def _take_connect(self, reply: Reply) -> list[Event]:
        if not reply.is_good or reply.forgets_session:
            return [self._reject(reply)]
        events: list[Event] = [] if self.is_live else [Live()]
        self._is_settled = self.is_live
        self._step = "connect"
        self._failures = 0
        self._pause_s = self._interval_s
        return events

    def _reject(self, reply: Reply, subscription: str | None = None) -> Event:
        if reply.reconnect == "none":
            self._ended = True
            self._begin_anew()
            return Ended(reply.reason)
        if reply.forgets_session and self._is_settled:
            self._begin_anew()
            self._pause_s = self._interval_s
            return Failed(reply.reason)
        failed = self._fail(reply.reason)
        if reply.forgets_session:
            self._begin_anew()
        elif subscription is not None:
            return Refused(subscription, reply.reason)
        return failed

    def _fail(self, error: str = "no answer") -> Failed:
        self._failures += 1
        has_session = self._step in ("probe", "connect")
        if has_session and self._failures < FAILURES_UNTIL_HANDSHAKE:
            self._step = "probe"
        else:
            self._begin_anew()
        wait_s = backoff_s(self._failures, self._random())
        self._pause_s = max(self._interval_s, wait_s)
        return Failed(error)
