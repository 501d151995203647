"""Outbox entries become CloudEvents without their snapshots being parsed."""

import json

import pytest
from cloudevents.core.formats.json import JSONFormat
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from tests.bench._traffic import Traffic
from tests.unit.fanout.world import EPOCH, NOW, entry, view
from tracker.domain.entry import Entry, Header, Reply, Watermark
from tracker.domain.event import EVENT_TYPES, Event
from tracker.fanout.cursor import Position
from tracker.fanout.events import expand
from tracker.fanout.published import Published, text_frame
from tracker.store.outbox import Tailed

CALL = "genesys/acme/c1"


def published(header: Header, snapshot: bytes = b'{"x":1}') -> list[Published]:
    return expand(Tailed(3, "1763700000000-2", header, snapshot), EPOCH)


def test_events_are_what_the_public_model_says() -> None:
    """Every event of a real call's life parses as the documented model."""
    traffic = Traffic(1)
    events = [
        Event.model_validate_json(event.body)
        for raw in traffic.entries(5)
        for event in expand(raw.tailed(), EPOCH)
    ]
    assert [event.type.removeprefix("tracker.") for event in events] == [
        "call.started",
        "call.changed",
        "recording.started",
        "recording.paused",
        "recording.resumed",
        "recording.stopped",
        "call.ended",
    ]
    for event in events:
        assert event.type in EVENT_TYPES
        assert event.data.call is not None
        assert event.subject == event.partitionkey == event.data.call.key
        assert int(event.sequence) == event.data.call.version
        assert event.source == "/genesys/bench"
        assert event.dataschema == "/schemas/v1/call"


def test_an_independent_library_reads_the_event() -> None:
    """The CloudEvents SDK takes every event as a valid one."""
    (event,) = published(entry(None, view(CALL), 7))
    read = JSONFormat().read(None, event.body)
    assert read.get_id() == f"{EPOCH}.3.1763700000000-2"
    assert read.get_subject() == CALL
    assert read.get_time() == NOW
    assert read.get_extension("sequence") == "0000000007"
    assert read.get_data() == {"call": {"x": 1}, "change": {"to": "x"}}


def test_facts_of_one_entry_are_numbered_and_share_its_version() -> None:
    """Several facts become several events, told apart by their number."""
    types = ("tracker.recording.stopped", "tracker.call.ended")
    first, second = published(entry(view(CALL), view(CALL), 4, types))
    assert json.loads(first.body)["id"] == f"{EPOCH}.3.1763700000000-2.1"
    assert json.loads(second.body)["id"] == f"{EPOCH}.3.1763700000000-2.2"
    assert str(second.position) == f"{EPOCH}.3.1763700000000-2.2"
    assert (first.version, second.version) == (4, 4)
    assert (first.first, second.first) == (True, False)
    assert (first.type, second.type) == types
    assert Position.parse(json.loads(second.body)["id"]) == second.position


def test_health_is_told_under_its_own_name() -> None:
    """A source's event carries its snapshot as ``source``."""
    source = view("genesys/acme/jdoe", kind="source", state=None)
    (event,) = published(entry(None, source, types=("tracker.source.up",)))
    assert json.loads(event.body)["data"]["source"] == {"x": 1}
    assert ("calls", source.key) not in event.terms


def test_the_snapshot_is_not_looked_at() -> None:
    """Whatever bytes the snapshot has are passed on as they are."""
    (event,) = published(entry(None, view(CALL)), b'{"odd" :  [1,2 ]}')
    assert b'"call":{"odd" :  [1,2 ]},' in event.body


def test_an_entity_that_went_without_a_word_is_published_without_an_event() -> None:
    """Those who saw it must hear of it; there is nothing to send to others."""
    (gone,) = published(entry(view(CALL), None, 5, types=()), b"")
    assert (gone.type, gone.frame, gone.after) == ("", b"", None)
    assert ("calls", CALL) in gone.terms


@pytest.mark.parametrize(
    "header",
    [
        Watermark(handled_at=NOW),
        Reply(to="r", key=CALL),
        entry(view(CALL), view(CALL), types=()),
        entry(view(CALL, ended=True), None, types=()),
    ],
    ids=["watermark", "reply", "silent", "forgotten"],
)
def test_what_only_readers_need_is_not_published(header: Header) -> None:
    """Entries without facts are for the projection alone."""
    assert published(header) == []


def test_terms_name_all_who_were_or_are_on_the_call() -> None:
    """Whoever leaves and whoever comes is found."""
    (event,) = published(entry(view(CALL, "ann"), view(CALL, "bob")))
    assert set(event.terms) == {
        ("calls", CALL),
        ("accounts", "genesys/acme"),
        ("agents", "ann"),
        ("agents", "bob"),
        ("teams", "team-ann"),
        ("teams", "team-bob"),
    }


def test_an_event_that_only_forgets_says_so() -> None:
    """A fact about an entity that is gone has no snapshot to show."""
    header = entry(view(CALL), None, types=("tracker.media.deleted",))
    assert isinstance(header, Entry)
    (event,) = published(header, b"")
    assert json.loads(event.body)["data"]["call"] is None


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_frames_are_what_an_independent_parser_reads(size: int) -> None:
    """The ready-made frame is one whole unmasked text frame, at every length."""
    reader = StreamReader()
    payload = b"x" * size
    reader.feed_data(text_frame(payload))
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as parsed:
        next(parsing)
    frame = parsed.value.value
    assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    assert bytes(frame.data) == payload
    with pytest.raises(StopIteration):
        assert next(reader.at_eof())
