"""The server's half of Bayeux 1.0 over long-polling, without I/O.

It behaves as CometD 3's Java server does: the first connect is answered at once
and carries the advice; later ones are held; a second connect of a client ends the
first; messages ride on any answer, but with the acknowledge extension only on
connects, where whatever the client has not acknowledged is sent again.

A shell feeds `receive` with what a client posted, waits up to `Exchange.hold_s` or
until `Exchange.wake` is called, and posts back what `finish` returns.
"""

import secrets
from collections.abc import Callable, Sequence

from pydantic_core import to_json

from tracker.simulators.genesys.session import (
    Exchange,
    Message,
    Session,
    channels_that_match,
    part,
)

HANDSHAKE, CONNECT, DISCONNECT = "/meta/handshake", "/meta/connect", "/meta/disconnect"
SUBSCRIBE, UNSUBSCRIBE = "/meta/subscribe", "/meta/unsubscribe"


class BayeuxServer:
    """Every client's session.

    Attributes:
        timeout_ms: Advice: how long a connect is held.
        interval_ms: Advice: the pause between two connects.
        max_interval_ms: How long after the interval a session may stay silent.
        held: How many connects are waiting.
        subscribed: How many sessions have subscribed to anything.
        may_subscribe: Of an owner to a channel; a refusal is 403.
        may_stay: Of an owner at a meta channel; a refusal is advice none.
    """

    def __init__(
        self,
        *,
        timeout_ms: int = 30_000,
        interval_ms: int = 0,
        max_interval_ms: int = 10_000,
        acks: bool = True,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.interval_ms = interval_ms
        self.max_interval_ms = max_interval_ms
        self.held = 0
        self.subscribed = 0
        self.may_subscribe: Callable[[str, str], bool] = lambda _owner, _channel: True
        self.may_stay: Callable[[str, str], bool] = lambda _owner, _channel: True
        self._acks = acks
        self._sessions: dict[str, Session] = {}
        self._by_owner: dict[str, list[Session]] = {}
        self._answers = {
            CONNECT: self._connect,
            DISCONNECT: self._disconnect,
            SUBSCRIBE: self._subscribe,
            UNSUBSCRIBE: self._unsubscribe,
        }

    def receive(
        self, messages: Sequence[Message], owner: str, now_s: float
    ) -> Exchange:
        """Take what one request of *owner* carried; any part of it may be refused."""
        exchange = Exchange()
        for message in messages:
            reply: Message = {"channel": message.get("channel"), "successful": True}
            if "id" in message:
                reply["id"] = message["id"]
            exchange.replies.append(reply)
            if message.get("channel") == HANDSHAKE:
                exchange.session = self._handshake(message, reply, owner, now_s)
            else:
                self._answer(message, reply, owner, exchange)
        if len(messages) > 1:
            exchange.hold_s = 0.0
        if exchange.hold_s and exchange.session:
            exchange.session.held = exchange
            self.held += 1
        return exchange

    def finish(self, exchange: Exchange, now_s: float) -> bytes | None:
        """The body to answer; None when a newer connect took this one's place."""
        session, connect = exchange.session, exchange.connect
        if session is not None and session.held is exchange:
            self._let_go(session)
        if exchange.superseded:
            return None
        waiting: list[bytes] = []
        if session is not None and not session.is_gone:
            session.expires_s = now_s + self._patience_s()
            waiting = session.drain(connect)
        elif session is not None and connect is not None and connect["successful"]:
            if session.has_left:
                connect["advice"] = {"reconnect": "none"}
            else:
                _refuse_unknown(connect)
        replies = [to_json(reply) for reply in exchange.replies]
        return b"[" + b",".join(waiting + replies) + b"]"

    def has_subscriber(self, owner: str, channel: str) -> bool:
        """Whether anybody would get a message."""
        return bool(self._subscribers(owner, channel))

    def publish(self, owner: str, channel: str, message: bytes) -> None:
        """Queue a whole message, `{"data":…,"channel":…}`, for the owner's sessions."""
        for session in self._subscribers(owner, channel):
            session.offer(message)

    def sweep(self, now_s: float) -> None:
        """Forget sessions that have been silent for too long."""
        for session in list(self._sessions.values()):
            if session.held is None and session.expires_s <= now_s:
                self._remove(session)

    def expire(self, owner: str | None = None) -> None:
        """Forget the sessions of one owner or of all; held connects learn it now."""
        for session in list(self._sessions.values()):
            if owner in (None, session.owner):
                self._remove(session)

    def _answer(
        self, message: Message, reply: Message, owner: str, exchange: Exchange
    ) -> None:
        session = self._sessions.get(str(message.get("clientId")))
        answer = self._answers.get(str(message.get("channel")))
        if session is None or session.owner != owner:
            _refuse_unknown(reply)
        elif answer is None:
            _refuse(reply, "403::publish_denied")
        else:
            exchange.session = session
            answer(session, message, reply, exchange)

    def _handshake(
        self, message: Message, reply: Message, owner: str, now_s: float
    ) -> Session | None:
        if not self.may_stay(owner, HANDSHAKE):
            _dismiss(reply, "403::handshake_denied")
            return None
        session = Session(
            id=secrets.token_hex(16),
            owner=owner,
            acks=self._acks and part(message, "ext").get("ack") is True,
            expires_s=now_s + self._patience_s(),
        )
        self._sessions[session.id] = session
        self._by_owner.setdefault(owner, []).append(session)
        reply |= {
            "clientId": session.id,
            "version": "1.0",
            "minimumVersion": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "advice": self._advice(),
        }
        if session.acks:
            reply["ext"] = {"ack": True}
        return session

    def _connect(
        self, session: Session, message: Message, reply: Message, exchange: Exchange
    ) -> None:
        exchange.connect = reply
        if session.held:
            session.held.superseded = True
            session.held.wake()
            self._let_go(session)
        if not self.may_stay(session.owner, CONNECT):
            self._remove(session)
            _dismiss(reply, "403::connect_denied")
            return
        acknowledged = part(message, "ext").get("ack")
        if isinstance(acknowledged, int):
            session.acknowledge(acknowledged)
        if not session.is_connected or "advice" in message:
            reply["advice"] = self._advice()
        if session.is_connected and not session.has_messages:
            timeout_ms = part(message, "advice").get("timeout", self.timeout_ms)
            exchange.hold_s = timeout_ms / 1000
        session.is_connected = True

    def _disconnect(
        self, session: Session, _message: Message, _reply: Message, _exchange: Exchange
    ) -> None:
        session.has_left = True
        self._remove(session)

    def _subscribe(
        self, session: Session, message: Message, reply: Message, _exchange: Exchange
    ) -> None:
        channels = _subscription(message, reply)
        if not channels:
            _refuse(reply, "403::subscription_missing")
        elif all(self.may_subscribe(session.owner, channel) for channel in channels):
            self.subscribed += not session.subscriptions
            session.subscriptions.update(channels)
        else:
            _refuse(reply, "403::subscribe_denied")

    def _unsubscribe(
        self, session: Session, message: Message, reply: Message, _exchange: Exchange
    ) -> None:
        if session.subscriptions:
            session.subscriptions.difference_update(_subscription(message, reply))
            self.subscribed -= not session.subscriptions

    def _subscribers(self, owner: str, channel: str) -> list[Session]:
        names = channels_that_match(channel)
        sessions = self._by_owner.get(owner, ())
        return [s for s in sessions if not names.isdisjoint(s.subscriptions)]

    def _advice(self) -> Message:
        return {
            "reconnect": "retry",
            "interval": self.interval_ms,
            "timeout": self.timeout_ms,
        }

    def _patience_s(self) -> float:
        return (self.interval_ms + self.max_interval_ms) / 1000

    def _let_go(self, session: Session) -> None:
        session.held = None
        self.held -= 1

    def _remove(self, session: Session) -> None:
        del self._sessions[session.id]
        self._by_owner[session.owner].remove(session)
        self.subscribed -= bool(session.subscriptions)
        session.is_gone = True
        if session.held:
            session.held.wake()


def _subscription(message: Message, reply: Message) -> list[str]:
    reply["subscription"] = wanted = message.get("subscription")
    if isinstance(wanted, str):
        return [wanted]
    return [str(channel) for channel in wanted] if isinstance(wanted, list) else []


def _refuse(reply: Message, error: str) -> None:
    reply["successful"] = False
    reply["error"] = error


def _refuse_unknown(reply: Message) -> None:
    _refuse(reply, "402::Unknown client")
    if reply["channel"] == CONNECT:
        reply["advice"] = {"reconnect": "handshake", "interval": 0}


def _dismiss(reply: Message, error: str) -> None:
    _refuse(reply, error)
    reply["advice"] = {"reconnect": "none"}
