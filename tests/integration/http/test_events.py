"""Events over HTTP: exactly those since a cursor, or the word that they are gone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.http.conftest import Get
from tests.integration.http.site import Site, call, serving, source
from tracker.domain.event import Event
from tracker.fanout.cursor import Cursor, Position
from tracker.outlets.payload import SNAPSHOT_REQUIRED


@pytest.fixture
async def small() -> AsyncIterator[Site]:
    """A site whose memory holds few entries: older ones come from the outbox."""
    async with serving(ring_entries=4) as served:
        yield served


async def begin(get: Get, site: Site, token: str | None = None) -> str:
    status, page = await get(site, "/v1/events", token)
    assert (status, page["items"], page["next"]) == (200, [], None)
    cursor: str = page["cursor"]
    return cursor


async def read_all(
    get: Get, site: Site, query: str, token: str | None = None
) -> list[Any]:
    path, found = f"/v1/events?{query}", []
    while path:
        status, page = await get(site, path, token)
        assert status == 200, page
        found += page["items"]
        path = page["next"]
    return found


def ids(events: list[Any]) -> list[str]:
    return [event["id"] for event in events]


async def test_events_since_a_cursor_are_whole(site: Site, get: Get) -> None:
    """What came after the cursor is answered as CloudEvents, and is one's model."""
    site.show(call("c1"), "call.started")
    cursor = await begin(get, site)
    site.show(call("c1", "paused", version=2), "recording.paused", "issue.opened")
    events = await read_all(get, site, f"since={cursor}")
    assert [event["type"] for event in events] == [
        "tracker.recording.paused",
        "tracker.issue.opened",
    ]
    parsed = Event.model_validate(events[0])
    assert parsed.data.call == call("c1", "paused", version=2)
    assert parsed.sequence == "0000000002"
    assert events[0]["id"] == events[1]["id"][:-1] + "1"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("ring_entries", [4, 1000])
async def test_pages_miss_nothing_and_repeat_nothing(
    get: Get, limit: int, ring_entries: int
) -> None:
    """Whatever a page's size, also inside an entry, all events come once, in order."""
    async with serving(ring_entries=ring_entries) as site:
        cursor = await begin(get, site)
        for version in range(1, 6):
            for call_id in ("c1", "c2", "c3"):
                types = ("recording.paused", "issue.opened", "call.changed")
                site.show(call(call_id, version=version), *types[: 1 + version % 3])
            site.watermark()
        whole = await read_all(get, site, f"since={cursor}&limit=1000")
        assert len(whole) == 3 * (2 + 3 + 1 + 2 + 3)
        paged = await read_all(get, site, f"since={cursor}&limit={limit}")
        assert ids(paged) == ids(whole)
        by_call = [e["sequence"] for e in whole if e["subject"].endswith("c1")]
        assert by_call == sorted(by_call)


async def test_a_cursor_may_be_moved_on_by_each_event(site: Site, get: Get) -> None:
    """A client that keeps only the ids of events resumes from them."""
    cursor = Cursor.parse(await begin(get, site))
    for version in (1, 2, 3):
        site.show(call("c1", version=version), "recording.paused", "issue.opened")
    whole = await read_all(get, site, f"since={cursor}")
    for number, event in enumerate(whole, 1):
        cursor = cursor.advance(Position.parse(event["id"]))
        rest = await read_all(get, site, f"since={cursor}")
        assert ids(rest) == ids(whole[number:])


async def test_filters_choose_events(site: Site, get: Get) -> None:
    """Types and fields of the entity narrow what is answered."""
    cursor = await begin(get, site)
    site.show(call("c1", agents=("a",)), "call.started")
    site.show(call("c2", agents=("b",)), "call.started", "recording.started")
    site.show(source(), "source.up")
    found = await read_all(get, site, f"since={cursor}&agents=b")
    assert len(found) == 2
    types = "types=tracker.recording.started,tracker.source.up"
    found = await read_all(get, site, f"since={cursor}&{types}")
    assert {event["subject"] for event in found} == {
        "genesys/acme/c2",
        "genesys/acme/jdoe",
    }


async def test_who_leaves_the_filter_is_told_so(site: Site, get: Get) -> None:
    """An entity that no longer matches is named with its version, and nothing else."""
    cursor = await begin(get, site)
    site.show(call("c1", agents=("a", "b")), "call.started")
    site.show(call("c1", agents=("b",), version=2), "call.changed")
    _, page = await get(site, f"/v1/events?since={cursor}&agents=a")
    assert [event["sequence"] for event in page["items"]] == ["0000000001"]
    assert page["removed"] == [{"key": "genesys/acme/c1", "version": 2}]


async def test_a_token_sees_only_its_own(guarded: Site, get: Get) -> None:
    """What the token does not allow is not there: agents, and kinds without a scope."""
    token = guarded.token("calls:read", agents=["jdoe"])
    cursor = await begin(get, guarded, token)
    guarded.show(call("c1", agents=("other",)), "call.started")
    guarded.show(source(), "source.up")
    guarded.show(call("c2", agents=("jdoe",)), "call.started")
    found = await read_all(get, guarded, f"since={cursor}", token)
    assert [event["subject"] for event in found] == ["genesys/acme/c2"]


async def test_a_lost_position_asks_for_a_snapshot(small: Site, get: Get) -> None:
    """What was trimmed, and another store's cursor, are a 410 that says what to do."""
    small.show(call("c1"), "call.started")
    cursor = await begin(get, small)
    for version in range(2, 9):
        small.show(call("c1", version=version), "call.changed")
        small.watermark()
    small.trim()
    for lost in (cursor, cursor.replace("e1", "e0"), "e1~0-0"):
        status, problem = await get(small, f"/v1/events?since={lost}")
        assert (status, problem["type"]) == (410, SNAPSHOT_REQUIRED)


async def test_a_cursor_that_is_none_is_a_400(site: Site, get: Get) -> None:
    """Garbage is told from what was once a cursor."""
    for wrong in ("x", "e1", "e1~1", "e1~1-1~", f"e1~{10**20 - 1}-1"):
        status, problem = await get(site, f"/v1/events?since={wrong}")
        assert status == 400
        assert "since: not a cursor" in problem["detail"]


async def test_a_store_that_is_away_is_a_503(small: Site, get: Get) -> None:
    """What only the store remembers cannot be had while it is away; the rest can."""
    small.show(call("c1"), "call.started")
    cursor = await begin(get, small)
    for version in range(2, 9):
        small.show(call("c1", version=version), "call.changed")
        small.watermark()
    small.outbox.away = True
    assert (await get(small, f"/v1/events?since={cursor}"))[0] == 503
    assert (await get(small, "/v1/calls"))[0] == 200
    assert (await get(small, "/v1/calls/genesys/acme/c1/timeline"))[0] == 503
