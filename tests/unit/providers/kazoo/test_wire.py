"""What Kazoo sends, over every capture there is."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.providers.kazoo.captures import CAPTURES, capture, envelope, parsed
from tracker.providers.kazoo.frames import CallEvent, Reply, Stored, parse_frame
from tracker.providers.kazoo.wire import (
    ChannelDetail,
    Listed,
    Recording,
    gregorian,
    is_audio_missing,
    parse_channel,
    parse_channels,
    parse_invalid_fields,
    parse_problem,
    parse_recording,
    parse_recordings,
    parse_token,
)
from tracker.providers.wire import Garbled

RECORDING_ID = "202403-bf8a6522730f93248d41f2521cfe2b95"
START = datetime(2024, 3, 12, 17, 24, 34, tzinfo=UTC)

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_a_captured_token_is_read_and_not_shown() -> None:
    """It is all that a login's answer is for."""
    assert parse_token(capture("user-auth")) == "{AUTH_TOKEN}"
    refused = parse_token(capture("invalid-credentials"))
    assert isinstance(refused, Garbled)


def test_a_captured_recording_is_read() -> None:
    """As a listing has it, and by itself."""
    item = parsed("recording")
    read = parse_recording(envelope(item))
    assert isinstance(read, Recording)
    assert (read.id, read.start, read.length_ms) == (RECORDING_ID, START, 12_034)
    assert (read.call_id, read.interaction_id) == ("OWU4NzEw...", "63877483400-abcd")
    assert (read.content_types, read.url) == (("audio/mpeg",), "..")
    listed = parse_recordings(envelope([item, item | {"start": None}, 3]))
    assert isinstance(listed, Listed)
    assert (listed.items, len(listed.garbled), listed.next) == ([read], 2, None)


@pytest.mark.parametrize("name", ["page", "page-chunked"])
def test_a_captured_page_says_where_the_next_one_begins(name: str) -> None:
    """Numbers may be quoted; its items are empty, which is no recording."""
    listed = parse_recordings(capture(name))
    assert isinstance(listed, Listed)
    assert (len(listed.items), len(listed.garbled)) == (0, 2)
    assert listed.next == "g2wAAAACbgUAvn1W1A5tAAAACDk4MDE2ODAwag"


@pytest.mark.parametrize("quoted", [False, True])
def test_numbers_may_be_strings(*, quoted: bool) -> None:
    """In a document too."""
    item = parsed("recording")
    if quoted:
        item |= {name: str(item[name]) for name in ("start", "duration_ms")}
    read = parse_recording(envelope(item))
    assert isinstance(read, Recording)
    assert (read.start, read.duration_ms) == (START, 12_034)


@pytest.mark.parametrize(
    ("name", "problem", "fields", "lacks_audio"),
    [
        ("bad-identifier", "bad identifier", set(), False),
        ("no-identifier", "bad identifier", set(), False),
        ("no-audio", "bad identifier", set(), True),
        ("too-many-requests", "too many requests", set(), False),
        ("invalid-credentials", "invalid credentials", set(), False),
        (
            "date-range",
            "validation error: created_from: date_range",
            {"created_from"},
            False,
        ),
        ("metaflow-sent", None, set(), False),
    ],
)
def test_captured_refusals_are_read(
    name: str, problem: str | None, fields: set[str], *, lacks_audio: bool
) -> None:
    """What is wrong, by field; never a value."""
    body = capture(name)
    assert parse_problem(body) == problem
    if fields:
        assert parse_invalid_fields(body) == fields
    assert is_audio_missing(body) == lacks_audio


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("subscribed-reply", Reply("R1", ("call.CHANNEL_DESTROY.*",))),
        ("unsubscribed-reply", Reply("R3", (), ())),
        ("pong-reply", Reply("R4")),
        (
            "not-supported-reply",
            Reply("R5", errors=("event RECORD_START not supported",)),
        ),
        (
            "not-authenticated-reply",
            Reply("R6", errors=("failed to authenticate token T",)),
        ),
        ("doc-created-event", Stored("202403-...")),
    ],
)
def test_captured_frames_are_read(name: str, frame: object) -> None:
    """Replies by what they answer; documents by their id."""
    assert parse_frame(capture(name)) == frame


def test_a_captured_event_is_read() -> None:
    """The end of a channel."""
    event = parse_frame(capture("channel-destroy-event"))
    assert isinstance(event, CallEvent)
    assert (event.name, event.call_id, event.owner_id) == (
        "CHANNEL_DESTROY",
        "CALLID",
        "...",
    )
    assert event.direction == "inbound"


@pytest.mark.parametrize("fields", [{}, {"id": ""}, {"id": []}])
def test_only_a_recording_without_an_id_is_a_garbled_document(
    fields: dict[str, object],
) -> None:
    """Those of other kinds are nothing, whatever they hold."""
    for kind, what in (("call_recording", Garbled), ("cdr", type(None))):
        data = {"type": kind, **fields}
        told = {"action": "event", "name": "doc_created", "data": data}
        assert isinstance(parse_frame(json.dumps(told)), what)


def test_a_newer_reply_lists_all_bindings() -> None:
    """Release 5 says which there are."""
    data = {"subscribed": ["b"], "subscriptions": ["a", "b"]}
    told = {"action": "reply", "request_id": "1", "status": "success", "data": data}
    assert parse_frame(json.dumps(told)) == Reply("1", ("b",), ("a", "b"))


def test_a_channel_is_read_from_a_list_and_by_itself() -> None:
    """Its call may stand in either of two places, or nowhere."""
    listed = {"uuid": "u", "answered": True, "destination": 2000, "timestamp": "1"}
    detail = {**listed, "custom_channel_vars": {"call_interaction_id": "i"}}
    read = parse_channels(envelope([listed, {}]))
    assert not isinstance(read, Garbled)
    assert isinstance(read[0], ChannelDetail)
    assert (read[0].uuid, read[0].answered, read[0].interaction_id) == (
        "u",
        True,
        None,
    )
    assert read[1:] == [Garbled("channel", "{}")]
    one = parse_channel(envelope(detail))
    assert isinstance(one, ChannelDetail)
    assert (one.interaction_id, one.called_number) == ("i", "2000")


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"data":{}}', b"null"])
def test_what_is_nothing_of_it_is_garbled(body: bytes) -> None:
    """By its shape."""
    for parse in (parse_recordings, parse_channels, parse_recording, parse_channel):
        assert isinstance(parse(body), Garbled)
    assert isinstance(parse_token(body), Garbled)
    assert isinstance(parse_frame(body), Garbled)


@given(_json)
def test_nothing_received_breaks_it(received: object) -> None:
    """Whatever it is."""
    body = json.dumps(received).encode()
    wrapped = envelope(received)
    for parse in (
        parse_recordings,
        parse_recording,
        parse_channels,
        parse_channel,
        parse_token,
        parse_problem,
        parse_invalid_fields,
        is_audio_missing,
        parse_frame,
    ):
        parse(body)
        parse(wrapped)
    for action in ("event", "reply"):
        parse_frame(json.dumps({"action": action, "name": "X", "data": received}))


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_instants_go_there_and_back(at: datetime) -> None:
    """To the second."""
    at = at.replace(tzinfo=UTC)
    item = parsed("recording") | {"start": gregorian(at)}
    read = parse_recording(envelope(item))
    assert isinstance(read, Recording)
    assert read.start == at.replace(microsecond=0)


def test_a_start_that_cannot_be_is_none() -> None:
    """Nothing could be counted from it."""
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    item = parsed("recording") | {"start": gregorian(last)}
    assert isinstance(parse_recording(envelope(item)), Garbled)


def test_every_capture_is_known() -> None:
    """Those that are sent are compared where they are sent; the rest passes here."""
    sent = {"request", "frame", "body"}
    received = {
        path.stem
        for path in CAPTURES.glob("*.json")
        if path.stem.rpartition("-")[2] not in sent
    }
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in sorted(received) if f'"{name}"' not in text] == []
