import json

import pytest

from tests.unit.providers.genesys.replies import (
    CALLS,
    answer,
    connected,
    handshaken,
    live,
    message,
    new,
    refused,
    sent,
    settled,
    subscribed,
)
from tracker.providers.genesys.batch import Delivery
from tracker.providers.genesys.bayeux import (
    Ended,
    Failed,
    Live,
    Refused,
)
from tracker.providers.wire import Garbled


def test_it_shakes_hands_subscribes_probes_and_then_polls() -> None:
    """The steps, what each one sends, and how long each may take."""
    protocol = new()
    (handshake,) = sent(protocol.next_request())
    assert handshake == {
        "id": "1",
        "channel": "/meta/handshake",
        "version": "1.0",
        "minimumVersion": "1.0",
        "supportedConnectionTypes": ["long-polling"],
        "ext": {"ack": True},
    }
    protocol.receive(json.dumps([handshaken()]).encode(), 0.1)
    (subscribe,) = sent(protocol.next_request())
    assert (subscribe["subscription"], subscribe["clientId"]) == (CALLS, "c1")
    protocol.receive(json.dumps([subscribed()]).encode(), 0.1)
    probe = protocol.next_request()
    assert sent(probe)[0]["advice"] == {"timeout": 0}
    assert (probe.step, probe.limit_s) == ("probe", 10)
    assert protocol.receive(json.dumps([connected()]).encode(), 0.1) == [Live()]
    poll = protocol.next_request()
    assert (poll.step, poll.delay_s, poll.limit_s) == ("connect", 0, 35)
    assert sent(poll)[0] == {
        "id": "4",
        "channel": "/meta/connect",
        "connectionType": "long-polling",
        "clientId": "c1",
    }


def test_it_is_overdue_five_seconds_after_the_promise_but_not_before_ten() -> None:
    """The limit follows the server's advice, in milliseconds, and the interval."""
    protocol = new()
    assert protocol.overdue_after_s == 65
    answer(protocol, handshaken(advice={"timeout": 20_000, "interval": 2_000}))
    assert protocol.overdue_after_s == 27
    answer(protocol, subscribed(advice={"timeout": 0, "interval": 0}))
    assert protocol.overdue_after_s == 10


def test_the_interval_is_milliseconds_and_waited_between_polls() -> None:
    """An interval of 2000 is two seconds, not half an hour."""
    protocol = live()
    answer(protocol, connected(advice={"interval": 2000}))
    assert protocol.next_request().delay_s == 2


def test_messages_come_in_order_whatever_stands_between() -> None:
    """Any channel is delivered, unreadable elements in their place."""
    odd = {"channel": "/v2/me/new", "data": {"unknown": True}, "ext": {"x": 1}}
    assert answer(live(), message(1), None, odd, connected(), message(2)) == [
        Delivery(CALLS, 1),
        Garbled("element", "NoneType"),
        Delivery("/v2/me/new", {"unknown": True}),
        Delivery(CALLS, 2),
    ]


def test_messages_are_taken_from_every_kind_of_answer() -> None:
    """Without acknowledgements they may come with any answer."""
    protocol = new()
    answer(protocol, handshaken())
    assert answer(protocol, subscribed(), message()) == [Delivery(CALLS, 1)]
    assert answer(protocol, message(), connected()) == [Delivery(CALLS, 1), Live()]


def test_an_answer_at_once_with_nothing_in_it_does_not_make_it_spin() -> None:
    """It polls at most twice a second when the server does not hold the poll."""
    protocol = live()
    answer(protocol, connected(), took_s=0.1)
    assert protocol.next_request().delay_s == pytest.approx(0.4)
    protocol = live()
    answer(protocol, message(), connected(), took_s=0.1)
    assert protocol.next_request().delay_s == 0


def test_every_handshake_is_followed_by_the_subscriptions() -> None:
    """A forgotten session is not one that is connected and silent."""
    protocol = settled()
    gone = refused(error="402::Unknown client", advice={"reconnect": "handshake"})
    assert answer(protocol, gone) == [Failed("402 Unknown client")]
    assert not protocol.is_live
    assert answer(protocol, handshaken(clientId="c2")) == []
    request = protocol.next_request()
    assert [m["subscription"] for m in sent(request)] == [CALLS]
    assert sent(request)[0]["clientId"] == "c2"


def test_an_expired_session_begins_anew_at_once_but_not_over_and_over() -> None:
    """Only one that had settled comes back without a back-off."""
    gone = refused(error="402::Unknown client")
    protocol = settled()
    answer(protocol, gone)
    assert not protocol.is_failing
    request = protocol.next_request()
    assert (request.step, request.delay_s) == ("handshake", 0)
    protocol = live()
    answer(protocol, gone)
    assert protocol.is_failing
    request = protocol.next_request()
    assert (request.step, request.delay_s) == ("handshake", 0.5)


@pytest.mark.parametrize("code", ["401", "402", "403"])
def test_all_codes_for_an_unknown_client_begin_anew(code: str) -> None:
    """Also without advice."""
    protocol = settled()
    answer(protocol, refused(error=f"{code}::Unknown client"))
    assert protocol.next_request().step == "handshake"


def test_a_refused_poll_is_retried_when_that_is_the_advice() -> None:
    """The session goes on with a probe, after a back-off and the interval."""
    protocol = live()
    advice = {"reconnect": "retry", "interval": 100}
    assert answer(protocol, refused(error="500::x", advice=advice)) == [Failed("500 x")]
    request = protocol.next_request()
    assert (request.step, request.delay_s) == ("probe", 0.5)
    assert sent(request)[0]["clientId"] == "c1"


def test_failures_back_off_further_and_further() -> None:
    """They double up to half a minute, and success ends them."""
    protocol = live()
    protocol.next_request()
    delays_s = [protocol.next_request().delay_s for _ in range(9)]
    assert delays_s == [0.5, 1, 2, 4, 8, 15, 15, 15, 15]
    answer(protocol, handshaken())
    answer(protocol, subscribed())
    answer(protocol, connected())
    assert protocol.next_request().delay_s == 0


def test_a_handshake_that_fails_after_it_succeeded_goes_on_backing_off() -> None:
    """Half a success does not make it start from the shortest delay."""
    protocol = new()
    delays_s = []
    for _ in range(4):
        answer(protocol, handshaken())
        answer(protocol, subscribed())
        answer(protocol, refused(error="402::x"))
        request = protocol.next_request()
        delays_s.append(request.delay_s)
        protocol.receive(json.dumps([handshaken()]).encode(), 0)
        answer(protocol, refused("/meta/subscribe", error="402::x"))
    assert delays_s == sorted(delays_s)
    assert delays_s[-1] > 10


def test_the_third_failure_in_a_row_begins_anew() -> None:
    """A session that cannot be polled is given up."""
    protocol = live()
    protocol.next_request()
    steps = [protocol.next_request().step for _ in range(4)]
    assert steps == ["probe", "probe", "handshake", "handshake"]


def test_a_lost_answer_is_followed_by_a_probe_and_a_snapshot() -> None:
    """What was in the answer is lost: `Live` says to look."""
    protocol = live()
    protocol.next_request()
    assert sent(protocol.next_request())[0]["advice"] == {"timeout": 0}
    reply = json.dumps([message(), connected()]).encode()
    assert protocol.receive(reply, 0.1) == [Delivery(CALLS, 1), Live()]


def test_observing_again_probes_again() -> None:
    """A new observer gets its `Live` without a new session."""
    protocol = live()
    protocol.probe()
    assert answer(protocol, connected()) == [Live()]
    fresh = new()
    fresh.probe()
    assert fresh.next_request().step == "handshake"


@pytest.mark.parametrize(
    "channel", ["/meta/handshake", "/meta/subscribe", "/meta/connect"]
)
def test_advice_none_ends_it(channel: str) -> None:
    """After it there is no further request."""
    protocol = new()
    for reply in (handshaken(), subscribed(), connected()):
        if reply["channel"] == channel:
            break
        answer(protocol, reply)
    denied = refused(
        channel,
        subscription=CALLS,
        error="403::denied",
        advice={"reconnect": "none"},
    )
    assert answer(protocol, denied) == [Ended("403 denied")]
    assert not protocol.is_live
    with pytest.raises(RuntimeError):
        protocol.next_request()


def test_each_of_several_subscriptions_is_verified() -> None:
    """One that is refused is an event, not silence."""
    protocol = new("/a", "/b")
    answer(protocol, handshaken())
    request = protocol.next_request()
    assert [m["subscription"] for m in sent(request)] == ["/a", "/b"]
    replies = [subscribed("/a"), subscribed("/b", successful=False, error="403:/b:no")]
    events = protocol.receive(json.dumps(replies).encode(), 0.1)
    assert events == [Refused("/b", "403 no")]
    request = protocol.next_request()
    assert (request.step, request.delay_s) == ("handshake", 0.5)


def test_a_subscription_without_an_answer_is_not_taken_for_granted() -> None:
    """The reply about another one does not count."""
    protocol = new("/a", "/b")
    answer(protocol, handshaken())
    events = answer(protocol, subscribed("/a"), subscribed(["/a"]))
    assert events == [Failed("no reply to a subscription")]
    assert protocol.next_request().step == "handshake"


def test_a_subscription_may_be_answered_as_a_list() -> None:
    """Bayeux allows both."""
    protocol = new()
    answer(protocol, handshaken())
    assert answer(protocol, subscribed([CALLS])) == []
    assert protocol.next_request().step == "probe"


@pytest.mark.parametrize(
    "reply",
    [
        refused("/meta/handshake", error="500::x"),
        handshaken(clientId=None),
        handshaken(successful="no"),
        connected(),
    ],
)
def test_a_handshake_without_a_session_is_tried_again(reply: dict[str, object]) -> None:
    """Refused, without a clientId, or no answer to it at all."""
    protocol = new()
    (event,) = answer(protocol, reply)
    assert isinstance(event, Failed)
    request = protocol.next_request()
    assert (request.step, request.delay_s) == ("handshake", 0.5)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"null", b'["x"]'])
def test_an_answer_without_a_reply_is_a_failure(body: bytes) -> None:
    """Empty, HTML, or somebody else's JSON."""
    protocol = live()
    protocol.next_request()
    events = protocol.receive(body, 0.1)
    assert isinstance(events[-1], Failed)
    assert not protocol.is_live


def test_an_answer_needs_a_request() -> None:
    """Nothing is taken that was not asked for."""
    protocol = live()
    with pytest.raises(RuntimeError):
        protocol.receive(b"[]", 0)
