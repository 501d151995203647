"""The simulated CometD server, message by message."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.simulators.genesys.bayeux import BayeuxServer
from tracker.simulators.genesys.session import (
    Exchange,
    channels_that_match,
    parse_messages,
)

CALLS = "/v2/me/calls"
OWNER = "agent-0001"


class Client:
    """One client, whose answers arrive unless they are lost."""

    def __init__(self, server: BayeuxServer, *, acks: bool = False) -> None:
        self.server = server
        self.batch = 0
        self.seen: list[object] = []
        ext = {"ext": {"ack": True}} if acks else {}
        message = {"channel": "/meta/handshake", "version": "1.0", **ext}
        (self.welcome,) = self.ask(message)
        self.id = self.welcome["clientId"]

    def ask(self, *messages: dict[str, Any], now_s: float = 0) -> list[Any]:
        """Post messages and take the answer, without waiting for anything."""
        exchange = self.server.receive(messages, OWNER, now_s)
        return self.take(exchange, now_s)

    def take(self, exchange: Exchange, now_s: float = 0) -> list[Any]:
        body = self.server.finish(exchange, now_s)
        answers: list[Any] = json.loads(body or b"[]")
        for answer in answers:
            if "data" in answer:
                self.seen.append(answer["data"])
            elif answer["channel"] == "/meta/connect" and "ext" in answer:
                self.batch = answer["ext"]["ack"]
        return answers

    def message(self, channel: str, **more: object) -> dict[str, Any]:
        return {"channel": channel, "clientId": self.id, "id": "7", **more}

    def subscribe(self, *channels: str) -> Any:
        asked = [self.message("/meta/subscribe", subscription=c) for c in channels]
        return self.ask(*asked)[-1]

    def hold(self, now_s: float = 0, **more: object) -> Exchange:
        message = self.message("/meta/connect", ext={"ack": self.batch}, **more)
        return self.server.receive([message], OWNER, now_s)

    def connect(self, now_s: float = 0, **more: object) -> Any:
        """Connect, and take the answer at once."""
        return self.take(self.hold(now_s, **more), now_s)[-1]


def publish(server: BayeuxServer, *numbers: int) -> None:
    for number in numbers:
        body = json.dumps({"data": number, "channel": CALLS}).encode()
        server.publish(OWNER, CALLS, body)


@pytest.fixture
def server() -> BayeuxServer:
    return BayeuxServer(timeout_ms=20_000, interval_ms=500, max_interval_ms=5_000)


def test_a_handshake_answers_an_id_and_advice(server: BayeuxServer) -> None:
    """A client learns its id, the only connection type, and times in ms."""
    welcome = Client(server).welcome
    assert welcome["successful"] is True
    assert welcome["supportedConnectionTypes"] == ["long-polling"]
    assert welcome["advice"] == {
        "reconnect": "retry",
        "interval": 500,
        "timeout": 20_000,
    }
    assert "ext" not in welcome


def test_acknowledgement_is_only_offered_to_whoever_asks() -> None:
    """ext.ack is true in the answer when both sides want it."""
    assert Client(BayeuxServer(), acks=True).welcome["ext"] == {"ack": True}
    assert "ext" not in Client(BayeuxServer(acks=False), acks=True).welcome


def test_the_first_connect_is_answered_at_once_and_the_next_is_held(
    server: BayeuxServer,
) -> None:
    """Only a connected client waits, as long as the server advised."""
    client = Client(server)
    first = client.hold()
    assert first.hold_s == 0
    assert client.take(first)[-1]["advice"]["timeout"] == 20_000
    second = client.hold()
    assert second.hold_s == 20
    assert server.held == 1
    assert "advice" not in client.take(second)[-1]
    assert server.held == 0


def test_a_client_may_ask_not_to_wait(server: BayeuxServer) -> None:
    """advice.timeout of a connect goes before the server's."""
    client = Client(server)
    client.connect()
    assert client.hold(advice={"timeout": 0}).hold_s == 0
    assert client.hold(advice={"timeout": 3_000}).hold_s == 3


def test_a_message_ends_the_waiting(server: BayeuxServer) -> None:
    """A held connect is woken and answers messages first, its reply last."""
    client = Client(server)
    client.subscribe(CALLS)
    client.connect()
    held, woken = client.hold(), []
    held.wake = lambda: woken.append(True)
    publish(server, 1, 2)
    assert woken
    answers = client.take(held)
    assert [answer["channel"] for answer in answers] == [CALLS, CALLS, "/meta/connect"]
    assert client.seen == [1, 2]


def test_a_second_connect_takes_the_place_of_the_first(server: BayeuxServer) -> None:
    """The first gets no messages; the second does."""
    client = Client(server)
    client.subscribe(CALLS)
    client.connect()
    first, second = client.hold(), client.hold()
    assert first.superseded
    publish(server, 1)
    assert server.finish(first, 0) is None
    client.take(second)
    assert client.seen == [1]
    assert server.held == 0


def test_without_acknowledgement_messages_ride_on_any_answer(
    server: BayeuxServer,
) -> None:
    """What waits comes with the answer to a subscription too."""
    client = Client(server)
    client.subscribe(CALLS)
    publish(server, 1)
    client.subscribe("/v2/me/devices")
    assert client.seen == [1]


@given(st.lists(st.sampled_from(["publish", "connect", "lost", "subscribe"])))
def test_acknowledged_messages_arrive_once_and_in_order(steps: Sequence[str]) -> None:
    """Whatever answers are lost, the client sees every message exactly once."""
    server = BayeuxServer()
    client = Client(server, acks=True)
    client.subscribe(CALLS)
    published = 0
    for step in [*steps, "connect"]:
        if step == "publish":
            publish(server, published)
            published += 1
        elif step == "connect":
            client.connect()
        elif step == "lost":
            server.finish(client.hold(), 0)
        else:
            client.subscribe("/v2/me/devices")
    assert client.seen == list(range(published))


@pytest.mark.parametrize("subscription", [CALLS, "/v2/me/*", "/v2/**", "/**"])
def test_wildcards_include_a_channel(server: BayeuxServer, subscription: str) -> None:
    """A message comes once, however many subscriptions include it."""
    client = Client(server)
    client.subscribe(subscription, CALLS)
    publish(server, 1)
    client.connect()
    assert client.seen == [1]


@pytest.mark.parametrize("subscription", ["/v2/*", "/v2/me/devices", "/v2/me/calls/*"])
def test_other_channels_do_not(server: BayeuxServer, subscription: str) -> None:
    """A single star stands for exactly one segment."""
    client = Client(server)
    client.subscribe(subscription)
    assert not server.has_subscriber(OWNER, CALLS)
    assert subscription not in channels_that_match(CALLS)


def test_unsubscribing_ends_the_messages(server: BayeuxServer) -> None:
    """And is counted."""
    client = Client(server)
    client.subscribe(CALLS)
    assert server.subscribed == 1
    client.ask(client.message("/meta/unsubscribe", subscription=[CALLS]))
    assert server.subscribed == 0
    assert not server.has_subscriber(OWNER, CALLS)


def test_an_unknown_client_is_sent_to_shake_hands(server: BayeuxServer) -> None:
    """402 on everything, with the advice on connects; another's id is unknown too."""
    client = Client(server)
    client.id = "nobody"
    reply = client.connect()
    assert (reply["successful"], reply["error"]) == (False, "402::Unknown client")
    assert reply["advice"] == {"reconnect": "handshake", "interval": 0}
    assert "advice" not in client.subscribe(CALLS)
    other = server.receive([Client(server).message("/meta/connect")], "agent-2", 0)
    assert other.replies[0]["error"] == "402::Unknown client"


def test_a_silent_session_is_forgotten_after_its_time(server: BayeuxServer) -> None:
    """Interval and maxInterval after the last answer, never while a connect is held."""
    client = Client(server)
    client.connect(now_s=10)
    server.sweep(15.4)
    held = client.hold(now_s=15.4)
    server.sweep(1_000)
    assert client.take(held, 1_000)[-1]["successful"]
    server.sweep(1_005.5)
    assert client.connect()["error"] == "402::Unknown client"


def test_an_expired_session_learns_it_on_its_held_connect(server: BayeuxServer) -> None:
    """Its connect is woken and answered with 402."""
    client = Client(server)
    client.connect()
    held, woken = client.hold(), []
    held.wake = lambda: woken.append(True)
    server.expire()
    assert woken
    assert client.take(held)[-1]["advice"]["reconnect"] == "handshake"
    assert (server.held, server.subscribed) == (0, 0)


def test_a_client_that_leaves_is_not_called_back(server: BayeuxServer) -> None:
    """After a disconnect its held connect answers advice none."""
    client = Client(server)
    client.connect()
    held = client.hold()
    (reply,) = client.ask(client.message("/meta/disconnect"))
    assert reply["successful"]
    assert client.take(held)[-1]["advice"] == {"reconnect": "none"}


def test_whom_the_policy_refuses(server: BayeuxServer) -> None:
    """Subscriptions get 403, handshakes and connects advice none."""
    client = Client(server)
    server.may_subscribe = lambda _owner, channel: channel != CALLS
    assert client.subscribe(CALLS)["error"] == "403::subscribe_denied"
    assert client.subscribe("/v2/me/devices")["successful"]
    server.may_stay = lambda _owner, _channel: False
    assert client.connect()["advice"] == {"reconnect": "none"}
    (reply,) = server.receive([{"channel": "/meta/handshake"}], OWNER, 0).replies
    assert reply["advice"] == {"reconnect": "none"}


def test_clients_may_not_publish(server: BayeuxServer) -> None:
    """Nor subscribe to nothing."""
    client = Client(server)
    assert client.ask(client.message(CALLS))[0]["error"] == "403::publish_denied"
    missing = client.ask(client.message("/meta/subscribe"))[0]
    assert missing["error"] == "403::subscription_missing"


def test_a_batch_answers_every_message_and_waits_for_none(server: BayeuxServer) -> None:
    """Connect and subscribe in one request, as clients resubscribe."""
    client = Client(server)
    client.connect()
    connect = client.message("/meta/connect")
    subscribe = client.message("/meta/subscribe", subscription=CALLS)
    exchange = server.receive([connect, subscribe], OWNER, 0)
    assert exchange.hold_s == 0
    assert [reply["successful"] for reply in exchange.replies] == [True, True]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[1]", b"3"])
def test_what_is_not_bayeux(body: bytes) -> None:
    """Neither JSON without messages nor anything else passes."""
    with pytest.raises(ValueError, match=r"Expecting|messages"):
        parse_messages(body)


def test_one_message_needs_no_list() -> None:
    """As the specification allows."""
    assert parse_messages(b'{"channel":"/x"}') == [{"channel": "/x"}]
