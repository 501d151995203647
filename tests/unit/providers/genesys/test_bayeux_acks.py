import json

from tests.unit.providers.genesys.replies import (
    CALLS,
    answer,
    connected,
    handshaken,
    live,
    message,
    new,
    sent,
    subscribed,
)
from tracker.providers.genesys.batch import Delivery
from tracker.providers.genesys.bayeux import Failed, Live


def test_the_acknowledgement_follows_what_was_stored() -> None:
    """A poll acknowledges nothing that the caller has not called stored."""
    protocol = live(ack=True)
    request = protocol.next_request()
    assert sent(request)[0]["ext"] == {"ack": 0}
    body = json.dumps([message(), connected(ext={"ack": 7})]).encode()
    assert protocol.receive(body, 1) == [Delivery(CALLS, 1)]
    request = protocol.next_request()
    assert sent(request)[0]["ext"] == {"ack": 0}
    protocol.receive(body, 1)
    protocol.stored()
    assert sent(protocol.next_request())[0]["ext"] == {"ack": 7}


def test_what_was_not_stored_in_time_is_not_acknowledged_later() -> None:
    """A later `stored` speaks of a later answer only."""
    protocol = live(ack=True)
    answer(protocol, message(), connected(ext={"ack": 7}))
    protocol.next_request()
    protocol.receive(b"", 1)
    protocol.stored()
    assert sent(protocol.next_request())[0]["ext"] == {"ack": 0}


def test_the_first_acknowledgement_is_the_handshakes() -> None:
    """In CometD's newer form the server says where to begin."""
    protocol = new()
    answer(protocol, handshaken(ext={"ack": {"enabled": True, "batch": 3}}))
    answer(protocol, subscribed())
    assert sent(protocol.next_request())[0]["ext"] == {"ack": 3}


def test_with_acknowledgements_a_torn_answer_is_not_taken() -> None:
    """The server will repeat all of it; taking a part would double that."""
    whole = json.dumps([message(), connected(ext={"ack": 7})]).encode()
    for torn in (whole[:-10], json.dumps([message()]).encode()):
        protocol = live(ack=True)
        protocol.next_request()
        (event,) = protocol.receive(torn, 1)
        assert isinstance(event, Failed)
        request = protocol.next_request()
        assert sent(request)[0]["ext"] == {"ack": 0}
        assert protocol.receive(whole, 1) == [Delivery(CALLS, 1), Live()]


def test_without_acknowledgements_a_torn_answer_is_taken_as_far_as_it_goes() -> None:
    """Nobody will repeat it; a snapshot follows for the rest."""
    protocol = live()
    protocol.next_request()
    torn = json.dumps([message(1), message(2), connected()]).encode()[:-30]
    events = protocol.receive(torn, 1)
    assert events[:2] == [Delivery(CALLS, 1), Delivery(CALLS, 2)]
    assert events[-1] == Failed("a torn answer")
    assert answer(protocol, connected()) == [Live()]
