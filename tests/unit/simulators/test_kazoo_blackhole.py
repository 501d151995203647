"""What a socket's client says and gets, without the socket."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.simulators.kazoo_scene import ACCOUNT, Scene, capture
from tracker.simulators.faults import Fault, FaultBoard, FaultKind
from tracker.simulators.kazoo import Recorded
from tracker.simulators.kazoo.blackhole import Session
from tracker.simulators.kazoo.events import Event, EventWriter

DESTROY = "call.CHANNEL_DESTROY.*"
CREATED = "object.doc_created.*"


class Client:
    """A session of a scene, whose token is `T`.

    Attributes:
        shows: The token that it sends.
        good: The tokens that are good now.
    """

    def __init__(self, **options: Any) -> None:
        self.scene = Scene(**options)
        self.shows = "T"
        self.good: set[str | None] = {"T"}
        self.faults = FaultBoard()
        self.session = Session(
            self.scene.options, self.scene.clock, self._admits, self.faults
        )

    def send(self, action: str, binding: object = None) -> Any:
        data = {"account_id": ACCOUNT, "binding": binding}
        frame = {"action": action, "auth_token": self.shows, "data": data}
        return self.session.receive(frame)["data"]

    def told(self) -> list[tuple[Event, str]]:
        """What happened and was wanted, and by which binding."""
        wanted = self.session.binding_for
        return [(it, binding) for it in self.scene.events if (binding := wanted(it))]

    def _admits(self, token: str | None) -> bool:
        return token in self.good


@pytest.mark.parametrize(
    ("frame", "reply"),
    [
        ("subscribe-call-frame", "subscribed-reply"),
        ("unsubscribe-frame", "unsubscribed-reply"),
        ("ping-frame", "pong-reply"),
    ],
)
def test_the_documents_frames_are_answered(frame: str, reply: str) -> None:
    """To the letter."""
    client = Client(account="A")
    if frame == "unsubscribe-frame":
        client.session.receive(capture("subscribe-call-frame"))
    assert client.session.receive(capture(frame)) == capture(reply)


def test_recording_events_are_not_supported() -> None:
    """To the letter; unless the operator lets them be."""
    frame = capture("subscribe-call-frame")
    frame["request_id"] = "R5"
    frame["data"]["binding"] = "call.RECORD_START.*"
    stock = Client(account="A").session
    assert stock.receive(frame) == capture("not-supported-reply")
    assert stock.bindings == {}
    enabled = Client(account="A", record_events=True).session
    assert enabled.receive(frame)["data"] == {"subscribed": ["call.RECORD_START.*"]}


def test_a_wrong_token_is_not_admitted() -> None:
    """To the letter; it may try again."""
    client = Client(account="A")
    client.good.clear()
    frame = {**capture("ping-frame"), "request_id": "R6"}
    assert client.session.receive(frame) == capture("not-authenticated-reply")
    client.good.add("T")
    assert client.session.receive(frame)["status"] == "success"


def test_a_token_is_looked_at_once() -> None:
    """Whoever was admitted stays, whatever became of the token."""
    client = Client()
    assert client.send("subscribe", CREATED) == {"subscribed": [CREATED]}
    client.good.clear()
    client.shows = "any"
    assert client.send("subscribe", DESTROY) == {"subscribed": [DESTROY]}
    assert client.send("ping") == {"response": "pong"}


@pytest.mark.parametrize(
    "binding",
    [
        "call.CHANNEL_HOLD.*",
        "call.CHANNEL_CREATE",
        "call.*.*",
        "object.doc_deleted.*",
        "object.doc_created",
        "object.doc_created.user",
        "fax.status.*",
        "",
        None,
    ],
)
def test_other_bindings_are_refused(binding: object) -> None:
    client = Client()
    assert client.send("subscribe", binding).keys() == {"errors"}
    assert client.session.bindings == {}


@pytest.mark.parametrize(
    "frame",
    [
        {"action": "rewind"},
        {},
        {"action": "subscribe"},
        {"action": "subscribe", "data": []},
        {"action": "subscribe", "data": {"account_id": "other", "binding": DESTROY}},
        {"action": "subscribe", "data": {"bindings": [DESTROY]}},
    ],
)
def test_other_frames_are_refused(frame: dict[str, Any]) -> None:
    """With an error and a request id of their own, if they have none."""
    reply = Client().session.receive({**frame, "auth_token": "T"})
    assert (reply["action"], reply["status"]) == ("reply", "error")
    assert reply["request_id"]


def test_the_newer_release_takes_lists() -> None:
    """And tells what there is."""
    client = Client(release=5)
    asked = {"action": "subscribe", "auth_token": "T"}
    data = {"account_id": ACCOUNT, "bindings": [DESTROY, CREATED]}
    reply = client.session.receive({**asked, "data": data})
    both = [DESTROY, CREATED]
    assert reply["data"] == {"subscribed": both, "subscriptions": both}
    gone = client.send("unsubscribe", DESTROY)
    assert gone == {"unsubscribed": [DESTROY], "subscriptions": [CREATED]}


def test_events_reach_their_bindings() -> None:
    """Of all channels or of one; those of others reach nobody."""
    client = Client()
    client.send("subscribe", "call.CHANNEL_ANSWER.first.one@127.0.0.1")
    client.send("subscribe", DESTROY)
    call = client.scene.switch.begin_call(
        client.scene.jdoe, call_id="first.one@127.0.0.1"
    )
    client.scene.switch.answer(call)
    client.scene.switch.end(call)
    assert [(event.name, event.key) for event, _ in client.told()] == [
        ("CHANNEL_ANSWER", "first.one@127.0.0.1"),
        ("CHANNEL_DESTROY", call.channels[1].id),
        ("CHANNEL_DESTROY", "first.one@127.0.0.1"),
    ]


def test_an_event_is_the_documents() -> None:
    """In the same frame; dots in an id don't part its key."""
    client = Client()
    client.send("subscribe", DESTROY)
    client.scene.switch.end(
        client.scene.switch.begin_call(client.scene.jdoe, call_id="a.b")
    )
    frame = client.session.frame(*client.told()[-1])
    shown = capture("channel-destroy-event")
    assert frame.keys() == shown.keys()
    for name in ("action", "subscribed_key", "name"):
        assert frame[name] == shown[name]
    assert frame["subscription_key"] == f"call.{ACCOUNT}.CHANNEL_DESTROY.*"
    assert frame["routing_key"] == f"call.{ACCOUNT}.CHANNEL_DESTROY.a%2Eb"


def test_a_documents_event_names_its_month() -> None:
    client = Client()
    client.send("subscribe", CREATED)
    client.scene.store.add(Recorded())
    frame = client.session.frame(*client.told()[0])
    shown = capture("doc-created-event")
    assert frame.keys() == shown.keys()
    database = frame["data"]["database"]
    assert frame["subscription_key"] == f"doc_created.{database}.*.*"
    assert frame["routing_key"].startswith(f"doc_created.{database}.call_recording.")


@pytest.mark.parametrize(("key", "hears"), [("*", True), ("call_recording", False)])
def test_documents_of_other_kinds_are_told_too(key: str, *, hears: bool) -> None:
    """Unless the binding names recordings."""
    client = Client()
    client.send("subscribe", f"object.doc_created.{key}")
    writer = EventWriter(client.scene.options, client.scene.clock)
    client.scene.events.append(writer.other_doc_created("cdr"))
    told = [event.data["type"] for event, _ in client.told()]
    assert told == (["cdr"] if hears else [])


def test_a_binding_of_documents_is_of_its_month() -> None:
    """Who doesn't bind again hears nothing of the next one."""
    client = Client()
    client.send("subscribe", CREATED)
    client.send("subscribe", DESTROY)
    april_s = datetime(2024, 4, 1, 0, 10, tzinfo=UTC).timestamp()
    client.scene.now_s = april_s
    client.scene.store.add(Recorded(start_at_s=april_s))
    assert client.told() == []
    old = client.scene.store.add(Recorded(start_at_s=april_s - 3_600))
    assert [event.key for event, _ in client.told()] == [old.id]
    client.send("subscribe", CREATED)
    assert [event.month for event, _ in client.told()] == ["202404"]
    client.scene.switch.end(client.scene.switch.begin_call(client.scene.jdoe))
    assert client.told()[-1][1] == DESTROY


def test_a_subscription_may_be_refused_by_a_fault() -> None:
    client = Client()
    client.faults.add(Fault(kind=FaultKind.REFUSE, path="call.*", count=1))
    assert client.send("subscribe", CREATED) == {"subscribed": [CREATED]}
    assert client.send("subscribe", DESTROY).keys() == {"errors"}
    assert client.send("subscribe", DESTROY) == {"subscribed": [DESTROY]}
