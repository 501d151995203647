import json
import math

import pytest

from tracker.providers.genesys.batch import Delivery, Reply, parse_batch
from tracker.providers.wire import Garbled

CONNECTED = {"channel": "/meta/connect", "successful": True}


def message(n: int) -> dict[str, object]:
    return {"channel": "/c", "data": n}


def encode(*elements: object) -> bytes:
    return json.dumps(elements).encode()


def reply_of(**fields: object) -> Reply:
    return parse_batch(encode({"channel": "/meta/connect", **fields})).replies[0]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_messages_keep_their_order_around_the_reply(place: int) -> None:
    """CometD puts the reply last, faye first: the messages are the same."""
    elements: list[object] = [message(1), message(2)]
    elements.insert(place, CONNECTED)
    batch = parse_batch(encode(*elements))
    assert batch.messages == [Delivery("/c", 1), Delivery("/c", 2)]
    assert [reply.successful for reply in batch.replies] == [True]
    assert batch.is_whole


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], {}, {"channel": 1}, {"channel": "/c"}, {"data": 1}]
)
def test_an_unreadable_element_is_a_value_in_its_place(odd: object) -> None:
    """The rest of the batch is read."""
    batch = parse_batch(encode(message(1), odd, message(2), CONNECTED))
    assert [type(m) for m in batch.messages] == [Delivery, Garbled, Delivery]
    assert batch.is_whole


def test_a_single_object_is_a_batch_of_one() -> None:
    """Some servers leave the brackets away."""
    batch = parse_batch(json.dumps(message(1)).encode())
    assert batch.messages == [Delivery("/c", 1)]


def test_the_answer_to_a_publication_is_no_message() -> None:
    """It has a channel, but nothing to say."""
    batch = parse_batch(encode({"channel": "/c", "successful": True}))
    assert batch.messages == []


def test_a_torn_batch_gives_what_came_before_the_tear() -> None:
    """The torn element is not delivered, not even in part."""
    torn = encode(message(1), message(2), CONNECTED)[:-20]
    batch = parse_batch(torn)
    assert not batch.is_whole
    assert batch.messages == [
        Delivery("/c", 1),
        Delivery("/c", 2),
        Garbled("batch", f"2 elements in {len(torn)} bytes"),
    ]


@pytest.mark.parametrize(
    "body", [b"", b"<html>secret</html>", b'[{"channel":"/c"},,]', b"\xff\xfe", b"7"]
)
def test_what_is_no_batch_at_all_holds_nothing(body: bytes) -> None:
    """HTML, binary, a number: one garbled batch, told by its size alone."""
    batch = parse_batch(body)
    assert batch.replies == []
    assert batch.messages == [Garbled("batch", f"0 elements in {len(body)} bytes")]


def test_advice_is_read_as_far_as_it_makes_sense() -> None:
    """Milliseconds are numbers from 0 on; anything else is no advice."""
    reply = reply_of(advice={"reconnect": "retry", "interval": 250, "timeout": 3e4})
    assert (reply.reconnect, reply.interval_ms, reply.timeout_ms) == (
        "retry",
        250,
        30_000,
    )
    oddities: tuple[object, ...] = (-1, None, "soon", [], math.inf, math.nan)
    for odd in oddities:
        assert reply_of(advice={"interval": odd}).interval_ms is None
    assert reply_of(advice="none").reconnect is None


@pytest.mark.parametrize(
    ("ack", "offers_acks", "batch"),
    [
        (True, True, None),
        ({"enabled": True, "batch": 5}, True, 5),
        ({"enabled": False}, False, None),
        (False, False, None),
        (12, False, 12),
        ("x", False, None),
    ],
)
def test_both_forms_of_the_acknowledgement_extension_are_read(
    ack: object, offers_acks: bool, batch: int | None
) -> None:
    """CometD's old form is true or a number, the new one an object."""
    reply = reply_of(ext={"ack": ack})
    assert (reply.offers_acks, reply.ack_batch) == (offers_acks, batch)


@pytest.mark.parametrize(
    ("error", "advice", "forgotten"),
    [
        ("402::Unknown client", {"reconnect": "handshake"}, True),
        ("401:abc:Unknown client", {}, True),
        ("402::session_unknown", {}, True),
        ("403::Unknown client", {}, True),
        ("500::oops", {"reconnect": "handshake"}, True),
        ("402::Unknown client", {"reconnect": "retry"}, False),
        ("500::oops", {}, False),
        (None, {}, False),
    ],
)
def test_servers_forget_sessions_in_several_ways(
    error: str | None, advice: dict[str, str], forgotten: bool
) -> None:
    """By code or by advice; advice to retry goes before the code."""
    assert reply_of(error=error, advice=advice).forgets_session is forgotten


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("401:0gk3client1d:Unknown client", "401 Unknown client"),
        ("402::session_unknown", "402 session_unknown"),
        ("broken", "broken"),
        (None, "refused"),
        ("x" * 500, "x" * 120),
    ],
)
def test_the_reason_leaves_out_the_client_id(error: str | None, reason: str) -> None:
    """Who knows the clientId can read the session's messages."""
    assert reply_of(error=error).reason == reason
