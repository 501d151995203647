"""Whatever a server and a network do, in any order."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.providers.genesys.replies import (
    CALLS,
    answer,
    connected,
    handshaken,
    live,
    refused,
    sent,
    subscribed,
)
from tracker.providers.genesys.batch import Delivery
from tracker.providers.genesys.bayeux import Bayeux, Event, Live

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Server:
    """CometD's rules: a queue per session, kept until acknowledged if that is on."""

    def __init__(self, *, ack: bool) -> None:
        self.ack = ack
        self.interval_ms = 0
        self.session = 0
        self.is_open = self.is_subscribed = False
        self.queue: list[tuple[int, int]] = []
        self.batch = 1

    def publish(self, number: int) -> bool:
        """Queue a message; False if nobody is subscribed."""
        if self.is_subscribed:
            self.queue.append((self.batch, number))
        return self.is_subscribed

    def forget(self) -> None:
        """End the session and drop what it has not been sent."""
        self.is_open = self.is_subscribed = False
        self.queue.clear()

    def answer(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Process a request."""
        return [part for message in messages for part in self._answer(message)]

    def _answer(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        reply = {
            "channel": message["channel"],
            "id": message["id"],
            "successful": True,
            "advice": {"reconnect": "retry", "interval": self.interval_ms},
        }
        if message["channel"] == "/meta/handshake":
            self.forget()
            self.session += 1
            self.is_open, self.batch = True, 1
            return [{**reply, "clientId": f"{self.session}", "ext": {"ack": self.ack}}]
        if not self.is_open or message["clientId"] != f"{self.session}":
            gone = {"reconnect": "handshake", "interval": self.interval_ms}
            return [{**reply, "successful": False, "error": "402::x", "advice": gone}]
        if message["channel"] == "/meta/subscribe":
            self.is_subscribed = True
            return [{**reply, "subscription": message["subscription"]}]
        return [*self._drain(message), {**reply, "ext": {"ack": self.batch - 1}}]

    def _drain(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        if self.ack:
            acked = message["ext"]["ack"]
            self.queue = [entry for entry in self.queue if entry[0] > acked]
        found = [{"channel": CALLS, "data": number} for _, number in self.queue]
        if not self.ack:
            self.queue.clear()
        self.batch += 1
        return found


class Conversation(RuleBasedStateMachine):
    """A protocol, its server, and a network between them that loses things."""

    @initialize(ack=st.booleans())
    def begin(self, ack: bool) -> None:
        """Meet."""
        self.server = Server(ack=ack)
        self.protocol = Bayeux((CALLS,), random=lambda: 0.0)
        self.published = 0
        self.taken: list[tuple[int, int]] = []
        self.is_owed_a_snapshot = True
        self.told_interval_s = 0.0
        self.answer(times=3, count=0)
        assert self.protocol.is_live

    @rule(count=st.integers(1, 4))
    def publish(self, count: int) -> None:
        """Something happens on the agent's calls."""
        for _ in range(count):
            self.published += 1
            if not self.server.publish(self.published):
                self.is_owed_a_snapshot = True

    @rule(milliseconds=st.sampled_from([0, 100, 5000]))
    def advise(self, milliseconds: int) -> None:
        """The server wants another interval."""
        self.server.interval_ms = milliseconds

    @rule()
    def forget(self) -> None:
        """The session expires, or the server restarts."""
        self.server.forget()
        self.is_owed_a_snapshot = True

    @rule(times=st.integers(1, 4), count=st.integers(0, 2))
    def answer(self, times: int, count: int) -> None:
        """Requests and their answers arrive, and things happen in between."""
        for _ in range(times):
            self.publish(count)
            self._receive(self._reply(), is_stored=True)

    @rule()
    def fail_to_store(self) -> None:
        """The caller could not keep what came, and begins to observe again."""
        self._receive(self._reply(), is_stored=False)
        self.protocol.probe()

    @rule(reaches_server=st.booleans())
    def lose(self, reaches_server: bool) -> None:
        """The request is lost, or its answer."""
        if reaches_server:
            self._lose(self._reply())
        else:
            self._ask()

    @rule(kept=st.floats(0, 1, exclude_max=True))
    def tear(self, kept: float) -> None:
        """Only a part of the answer arrives, as if it were all."""
        body = self._reply()
        self._lose(body)
        torn = body[: int(len(body) * kept)]
        self._receive(torn, is_stored=True)

    @rule(body=st.sampled_from([b"", b"<html>", b"[]", b"{}"]))
    def replace(self, body: bytes) -> None:
        """A proxy answers in the server's place."""
        self._lose(self._reply())
        self._receive(body, is_stored=True)

    @invariant()
    def nothing_is_doubled_or_out_of_order(self) -> None:
        """What was kept rises, over all sessions."""
        assert all(a < b for (_, a), (_, b) in pairwise(self.taken))

    @invariant()
    def nothing_is_lost_within_an_acknowledged_session(self) -> None:
        """With acknowledgements, only a new session may leave a gap."""
        if self.server.ack:
            for (session, a), (next_session, b) in pairwise(self.taken):
                assert b == a + 1 or next_session != session

    def _ask(self) -> list[dict[str, Any]]:
        request = self.protocol.next_request()
        if request.step != "subscribe":
            assert request.delay_s >= self.told_interval_s
        assert request.delay_s <= max(30, self.told_interval_s)
        if request.step == "handshake":
            self.is_owed_a_snapshot = True
        messages = sent(request)
        assert len(messages) == 1
        return messages

    def _reply(self) -> bytes:
        return json.dumps(self.server.answer(self._ask())).encode()

    def _lose(self, body: bytes) -> None:
        if not self.server.ack and b'"data"' in body:
            self.is_owed_a_snapshot = True

    def _receive(self, body: bytes, *, is_stored: bool) -> None:
        events = self.protocol.receive(body, took_s=30)
        if b"advice" in body and body.endswith(b"]"):
            self.told_interval_s = self.server.interval_ms / 1000
        if is_stored:
            self._store(events)
        else:
            self._lose(body)

    def _store(self, events: Sequence[Event]) -> None:
        numbers = [int(str(e.data)) for e in events if isinstance(e, Delivery)]
        self.taken += [(self.server.session, number) for number in numbers]
        self.protocol.stored()
        if Live() in events:
            self.is_owed_a_snapshot = False
        assert not (self.protocol.is_live and self.is_owed_a_snapshot)


Conversation.TestCase.settings = settings(PATIENT, max_examples=200)
TestConversation = Conversation.TestCase

times_ms = st.sampled_from([None, -1, 0, 50, 60_000, "x"])
replies = st.fixed_dictionaries(
    {
        "successful": st.sampled_from([True, True, True, False, None]),
        "clientId": st.sampled_from(["c", "c", None]),
        "subscription": st.sampled_from([CALLS, [CALLS], None]),
    },
    optional={
        "channel": st.sampled_from(["/meta/handshake", "/meta/connect", "/x"]),
        "error": st.sampled_from(["402::x", "403::x", "500:a:b:c", "x", 7]),
        "ext": st.sampled_from([None, {}, {"ack": True}, {"ack": 3}, {"ack": "x"}]),
        "advice": st.fixed_dictionaries(
            {},
            optional={
                "reconnect": st.sampled_from(["retry", "handshake", "odd", None]),
                "interval": times_ms,
                "timeout": times_ms,
            },
        ),
    },
)


@PATIENT
@given(st.lists(st.none() | replies, min_size=5, max_size=30))
def test_no_answers_make_it_raise_or_spin(
    answers: list[dict[str, object] | None],
) -> None:
    """While it is told nothing, five requests take half a second or more."""
    protocol = live()
    delays_s = []
    for reply in answers:
        request = protocol.next_request()
        delays_s.append(request.delay_s)
        assert request.limit_s >= 10
        if reply is not None:
            told = {"channel": sent(request)[0]["channel"], **reply}
            protocol.receive(json.dumps([told, None]).encode(), took_s=0.0)
    for start in range(1, len(delays_s) - 4):
        assert sum(delays_s[start : start + 5]) >= 0.5


def test_a_server_that_forgets_every_session_is_not_hammered() -> None:
    """Sessions that end as soon as they live make it back off."""
    protocol = live()
    waited_s = 0.0
    for _ in range(10):
        answer(protocol, refused(error="402::x"), took_s=0)
        waited_s += protocol.next_request().delay_s
        answer(protocol, handshaken(), took_s=0)
        answer(protocol, subscribed(), took_s=0)
        answer(protocol, connected(), took_s=0)
    assert waited_s >= 5
