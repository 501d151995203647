"""What is sent, held against the documented models."""

import pytest
from pydantic import TypeAdapter
from pydantic_core import to_json

from tests.bench._traffic import Traffic
from tests.unit.websocket.loopback import NOW
from tracker.domain.terms import Kind
from tracker.fanout.published import payload_of
from tracker.outlets.websocket import frames
from tracker.outlets.websocket.frames import Outgoing, Snapshot

OUTGOING: TypeAdapter[Outgoing] = TypeAdapter(Outgoing)


def pages(found: list[tuple[Kind, bytes]], page_bytes: int) -> list[Snapshot]:
    return [
        Snapshot.model_validate_json(payload_of(frame))
        for frame in frames.snapshot('a"b', found, page_bytes)
    ]


def test_pages_of_a_snapshot_are_what_the_model_says() -> None:
    """Real snapshots, joined as bytes, parse as the documented page."""
    entries = [raw.tailed() for raw in Traffic(3).entries(6)]
    calls: list[tuple[Kind, bytes]] = [("call", one.snapshot) for one in entries]
    found = pages(calls, 3000)
    assert [len(page.calls) for page in found] == [3, 3]
    assert [page.more for page in found] == [True, False]
    assert {page.id for page in found} == {'a"b'}
    keys = [call.key for page in found for call in page.calls]
    assert keys == [one.header.key for one in entries if hasattr(one.header, "key")]


def test_an_empty_snapshot_is_one_page() -> None:
    """So the client knows that there is nothing."""
    (page,) = pages([], 100)
    assert (page.calls, page.sources, page.accounts, page.more) == ((), (), (), False)


@pytest.mark.parametrize("kind", ["source", "account"])
def test_health_has_lists_of_its_own(kind: Kind) -> None:
    """Next to the calls."""
    health = {
        "key": "genesys/acme",
        "provider": "genesys",
        "account": "acme",
        "state": "up",
        "since": NOW,
        "version": 1,
    }
    (page,) = pages([(kind, to_json(health))], 100)
    assert len(getattr(page, f"{kind}s")) == 1
    assert page.calls == ()


def test_frames_made_by_hand_are_what_the_models_say() -> None:
    """``removed`` and ``cursor``."""
    removed = OUTGOING.validate_json(payload_of(frames.removed("a", "k", 3)))
    assert removed == frames.Removed(id="a", key="k", version=3)
    shown = payload_of(frames.cursor("e~1-0", live=False, now=NOW))
    expected = frames.CursorFrame(cursor="e~1-0", live=False, server_time=NOW)
    assert OUTGOING.validate_json(shown) == expected
