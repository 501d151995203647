"""Stored recordings: listings through pages and months, ids, audio."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.simulators.kazoo_scene import NOON_S, Scene, capture
from tracker.simulators.kazoo import GREGORIAN_S, Recorded, to_gregorian
from tracker.simulators.kazoo.archive import month_of, parse_key, write_key
from tracker.simulators.kazoo.audio import chunks
from tracker.simulators.kazoo.wire import Answer

DAY_S = 86_400


def ids(answer: Answer) -> list[str]:
    assert answer.error is None
    return [item["id"] for item in answer.data]


def walk(scene: Scene, **query: Any) -> list[str]:
    """The ids of all pages."""
    answer = scene.rest.recordings(query, None)
    found = ids(answer)
    while "next_start_key" in answer.paging:
        query["start_key"] = answer.paging["next_start_key"]
        answer = scene.rest.recordings(query, None)
        found += ids(answer)
    return found


def at(year: int, month: int, day: int, hour: int = 12) -> float:
    return datetime(year, month, day, hour, tzinfo=UTC).timestamp()


def test_an_instant_is_counted_from_year_0() -> None:
    assert to_gregorian(0) == GREGORIAN_S == 62_167_219_200
    assert to_gregorian(NOON_S + 0.9) == 63_877_507_474


@pytest.mark.parametrize("ascending", ["true", "false"])
def test_pages_hold_fifty_unless_asked(ascending: str) -> None:
    """The newest first, unless asked; the last page has no next one."""
    scene = Scene()
    added = []
    for _ in range(120):
        scene.now_s += 1
        added.append(scene.store.add(Recorded()).id)
    answer = scene.rest.recordings({"ascending": ascending}, None)
    assert (len(answer.data), answer.paging["page_size"]) == (50, 50)
    order = added if ascending == "true" else added[::-1]
    assert walk(scene, ascending=ascending) == order
    assert walk(scene, ascending=ascending, page_size="40") == order
    last = scene.rest.recordings({"page_size": "120"}, None)
    assert last.paging.keys() == {"page_size", "start_key"}
    whole = scene.rest.recordings({"paginate": "false"}, None)
    assert (len(whole.data), whole.paging) == (120, {})


def test_the_first_start_key_leads_to_the_first_page_again() -> None:
    scene = Scene()
    for _ in range(3):
        scene.store.add(Recorded())
    first = scene.rest.recordings({"page_size": "2"}, None)
    again = {"page_size": "2", "start_key": first.paging["start_key"]}
    assert scene.rest.recordings(again, None).data == first.data


@given(
    saves=st.lists(st.integers(0, 100), min_size=1, max_size=40),
    page_size=st.integers(1, 7),
    ascending=st.booleans(),
    data=st.data(),
)
def test_no_recording_is_missed_or_listed_twice(
    saves: list[int], page_size: int, ascending: bool, data: st.DataObject
) -> None:
    """Whatever is saved and deleted between the pages, also in one second."""
    scene = Scene()
    for save_s in sorted(saves):
        scene.now_s = NOON_S + save_s
        scene.store.add(Recorded())
    present = set(scene.store.archive.by_id)
    query = {"page_size": str(page_size), "ascending": str(ascending).lower()}
    query["created_to"] = str(to_gregorian(NOON_S + 200))
    seen, gone = [], set()
    while True:
        answer = scene.rest.recordings(query, None)
        seen += ids(answer)
        if "next_start_key" not in answer.paging:
            break
        query["start_key"] = answer.paging["next_start_key"]
        scene.now_s = NOON_S + 150
        scene.store.add(Recorded())
        victim = data.draw(st.sampled_from(sorted(scene.store.archive.by_id)))
        scene.store.delete(scene.store.archive.by_id[victim])
        gone.add(victim)
    assert len(seen) == len(set(seen))
    assert present - gone <= set(seen)


def test_a_range_is_of_the_save_and_has_both_its_ends() -> None:
    """However long ago the recording was."""
    scene = Scene()
    document = scene.store.add(Recorded(start_at_s=NOON_S - 600))
    saved_at = to_gregorian(scene.now_s)
    scene.now_s += 100

    def listed(from_: int, to: int) -> list[str]:
        query = {"created_from": str(from_), "created_to": str(to)}
        return ids(scene.rest.recordings(query, None))

    assert listed(saved_at, saved_at) == [document.id]
    assert listed(saved_at + 1, saved_at + 50) == []
    assert listed(saved_at - 50, saved_at - 1) == []


def test_without_a_range_it_is_31_days_and_an_hour() -> None:
    scene = Scene()
    old = scene.store.add(Recorded())
    scene.now_s += 31 * DAY_S + 3_599
    young = scene.store.add(Recorded())
    assert walk(scene) == [young.id, old.id]
    scene.now_s += 2
    assert walk(scene) == [young.id]
    end = {"created_to": str(to_gregorian(NOON_S))}
    assert walk(scene, **end) == [old.id]


def test_a_wider_range_is_refused() -> None:
    """To the letter; also when it only becomes too wide by itself."""
    scene = Scene()
    query = {"created_from": "63870000000", "created_to": "63877000000"}
    shown = capture("date-range")
    answer = Answer(400, shown["data"], shown["message"])
    assert scene.rest.recordings(query, None) == answer
    open_end = {"created_from": str(to_gregorian(NOON_S) - 2_682_001)}
    refused = scene.rest.recordings(open_end, None)
    assert "date_range" in refused.data["created_from"]
    as_wide = {"created_from": str(to_gregorian(NOON_S) - 2_682_000)}
    assert scene.rest.recordings(as_wide, None).status == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"created_from": "63877000001", "created_to": "63877000000"}, "created_from"),
        ({"created_to": "yesterday"}, "created_to"),
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "many"}, "page_size"),
        ({"start_key": "g2wAAAACbgUAb0ZX1A5oAWpq"}, "start_key"),
        ({"start_key": "e30"}, "start_key"),
        ({"start_key": "é"}, "start_key"),
    ],
)
def test_other_queries_are_refused(query: dict[str, str], field: str) -> None:
    """With the field that is wrong."""
    answer = Scene().rest.recordings(query, None)
    assert (answer.status, answer.error) == (400, "validation error")
    assert answer.data.keys() == {field}


def test_instants_before_all_months_find_nothing() -> None:
    """Nor do they break anything."""
    query = {"created_from": "0", "created_to": "9"}
    assert ids(Scene().rest.recordings(query, None)) == []


def test_filters_and_owners() -> None:
    """An account has everybody's, a user only his own."""
    scene = Scene()
    one = scene.store.add(Recorded(call_id="one@127.0.0.1", owner_id=scene.jdoe))
    two = scene.store.add(Recorded(call_id="two@127.0.0.1", owner_id=scene.asmith))
    assert set(walk(scene)) == {one.id, two.id}
    assert walk(scene, filter_call_id="two@127.0.0.1") == [two.id]
    assert walk(scene, filter_direction="outbound") == []
    assert ids(scene.rest.recordings({}, scene.jdoe)) == [one.id]
    assert scene.rest.recordings({}, "nobody").status == 404


def test_an_id_has_the_month_of_the_start() -> None:
    """A listing only opens the months of its range, the newest first."""
    scene = Scene()
    scene.now_s = at(2024, 4, 1, 0)
    late = scene.store.add(Recorded(start_at_s=at(2024, 3, 31, 23)))
    next_one = scene.store.add(Recorded(start_at_s=at(2024, 4, 1, 0)))
    assert (late.id[:7], next_one.id[:7]) == ("202403-", "202404-")
    scene.now_s += 60
    since = {"created_from": str(to_gregorian(at(2024, 4, 1, 0)))}
    assert walk(scene, **since) == [next_one.id]
    since = {"created_from": str(to_gregorian(at(2024, 4, 1, 0)) - 1)}
    assert walk(scene, **since) == [next_one.id, late.id]
    assert walk(scene, ascending="true", page_size="1") == [late.id, next_one.id]


def test_or_of_the_save() -> None:
    """By an option: then every range finds what was saved in it."""
    scene = Scene(month_of="save")
    scene.now_s = at(2024, 4, 1, 0)
    late = scene.store.add(Recorded(start_at_s=at(2024, 3, 31, 23)))
    assert late.id.startswith("202404-")
    since = {"created_from": str(to_gregorian(scene.now_s))}
    assert walk(scene, **since) == [late.id]


def test_months_pass_years() -> None:
    scene = Scene()
    added = []
    for day_s in range(0, 31 * DAY_S, DAY_S):
        scene.now_s = at(2023, 12, 5) + day_s
        added.append(scene.store.add(Recorded()).id)
    assert {found[:6] for found in added} == {"202312", "202401"}
    assert walk(scene, page_size="7") == added[::-1]
    assert month_of(at(2024, 2, 29, 23)) == "202402"


def test_a_deleted_recording_is_gone() -> None:
    """Its audio stays where it is when that is elsewhere."""
    scene = Scene()
    here = scene.store.add(Recorded())
    there = scene.store.add(Recorded(url="https://storage.example/in"))
    for document in (here, there):
        assert scene.rest.find(document.id) is document
        answer = scene.rest.delete(document)
        assert (answer.status, answer.data["id"]) == (200, document.id)
        gone = scene.rest.find(document.id)
        assert isinstance(gone, Answer)
        assert gone.status == 404
    assert walk(scene) == []
    assert scene.store.kept_audio == [there.id]


def test_ids_are_unique() -> None:
    scene = Scene()
    document = scene.store.add(Recorded())
    with pytest.raises(ValueError, match=document.id):
        scene.store.add(Recorded(id=document.id))


@pytest.mark.parametrize(
    ("recorded", "delay_s"),
    [
        (Recorded(), 0.0),
        (Recorded(audio_after_s=300.0), 300.0),
        (Recorded(audio_after_s="never"), None),
        (Recorded(url="https://storage.example/in"), None),
    ],
)
def test_audio_comes_when_it_comes(recorded: Recorded, delay_s: float | None) -> None:
    """At once, late, never, or elsewhere; listings say which."""
    scene = Scene()
    document = scene.store.add(recorded)

    def types() -> Any:
        (item,) = scene.rest.recordings({}, None).data
        return item["_read_only"]["content_types"]

    for later_s in (0.0, 299.9, 0.2):
        scene.now_s += later_s
        here = delay_s is not None and scene.now_s - NOON_S >= delay_s
        assert scene.store.has_audio(document) is here
        assert types() == (["audio/mpeg"] if here else [])
    scene.store.attach_audio(document)
    assert types() == ["audio/mpeg"]


@pytest.mark.parametrize("format_", ["mp3", "wav"])
def test_audio_is_the_same_however_it_is_cut(format_: Any) -> None:
    """And another for another recording."""
    scene = Scene()
    document = scene.store.add(Recorded(format=format_, size_bytes=200_000))
    other = scene.store.add(Recorded(format=format_, size_bytes=200_000))
    whole = b"".join(chunks(document, 0, 200_000))
    assert len(whole) == 200_000
    assert b"".join(chunks(other, 0, 200_000)) != whole
    for start, stop in ((0, 1), (43, 46), (144, 66_000), (199_999, 200_000)):
        assert b"".join(chunks(document, start, stop)) == whole[start:stop]
    assert max(map(len, chunks(document, 0, 200_000))) <= 65_536


def test_audio_is_as_long_as_was_recorded() -> None:
    """Frames of 72 ms, or samples at 8 kHz behind a header that counts them."""
    scene = Scene()
    mp3 = scene.store.add(Recorded(duration_ms=7_200))
    wav = scene.store.add(Recorded(duration_ms=7_200, format="wav"))
    assert mp3.size_bytes == 100 * 144
    frames = b"".join(chunks(mp3, 0, mp3.size_bytes))
    assert {frames[n : n + 2] for n in range(0, len(frames), 144)} == {b"\xff\xe3"}
    assert wav.size_bytes == 44 + 7_200 * 16
    header = b"".join(chunks(wav, 0, 44))
    assert (header[:4], header[8:12]) == (b"RIFF", b"WAVE")
    assert int.from_bytes(header[40:44], "little") == 7_200 * 16


def test_keys_are_opaque_and_exact() -> None:
    key = ("202403", 1_710_244_800.123456, "202403-abc")
    assert parse_key(write_key(key)) == key
    assert write_key(key).replace("-", "").replace("_", "").isalnum()
