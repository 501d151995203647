"""Calls over HTTP: lists, pages, one call, its timeline, and who may see them."""

import pytest
from aiohttp import ClientSession
from msgspec import to_builtins

from tests.integration.http.conftest import Get
from tests.integration.http.site import (
    BEGUN_AT,
    Site,
    call,
    interval,
    lasting,
    serving,
)
from tracker.domain.key import make_key
from tracker.outlets.http.calls import CallPage
from tracker.outlets.http.timeline import Timeline


async def keys(get: Get, site: Site, query: str, token: str | None = None) -> list[str]:
    status, page = await get(site, f"/v1/calls{query}", token)
    assert status == 200, page
    return [item["call_id"] for item in page["items"]]


async def test_a_list_holds_the_snapshots_as_they_are(site: Site, get: Get) -> None:
    """A page is the committed snapshots, whether it is live, and a cursor to go on."""
    shown = call("c1")
    site.show(shown, "call.started")
    _, page = await get(site, "/v1/calls")
    parsed = CallPage.model_validate(page)
    assert parsed.items == (shown,)
    assert parsed.cursor == str(site.projection.cursor)
    assert parsed.live
    assert parsed.next is None


async def test_filters_are_and_between_or_within(site: Site, get: Get) -> None:
    """Fields narrow, values of one field widen; repeated or between commas."""
    site.show(call("c1", "paused", agents=("a",)))
    site.show(call("c2", "recording", agents=("a", "b")))
    site.show(call("c3", "paused", agents=("b",), account="other"))
    assert await keys(get, site, "") == ["c1", "c2", "c3"]
    assert await keys(get, site, "?agents=b") == ["c2", "c3"]
    assert await keys(get, site, "?agents=b&states=paused") == ["c3"]
    assert await keys(get, site, "?agents=a&agents=b") == ["c1", "c2", "c3"]
    assert await keys(get, site, "?states=recording,unknown") == ["c2"]
    assert await keys(get, site, "?accounts=genesys/other") == ["c3"]
    assert await keys(get, site, "?calls=genesys%2Facme%2Fc1,genesys/acme/c2") == [
        "c1",
        "c2",
    ]
    assert await keys(get, site, "?teams=none") == []


async def test_ended_calls_are_asked_for(site: Site, get: Get) -> None:
    """A list is of live calls unless those that are over are asked for."""
    site.show(call("c1", "stopped", ended=True), "call.ended")
    assert await keys(get, site, "") == []
    assert await keys(get, site, "?ended=false") == []
    assert await keys(get, site, "?ended=true") == ["c1"]
    assert (await get(site, "/v1/calls/genesys/acme/c1"))[0] == 200


async def test_pages_follow_each_other(site: Site, get: Get) -> None:
    """The next page's address keeps the filter, and every call is on one page."""
    for number in range(7):
        site.show(call(f"c{number}", agents=("a", "b")))
    found, path = [], "/v1/calls?limit=3&agents=a&agents=b"
    while path:
        _, page = await get(site, path)
        assert len(page["items"]) <= 3
        found += [item["call_id"] for item in page["items"]]
        path = page["next"]
        site.show(call("c0", version=2 + len(found), agents=("a",)))
    assert found == [f"c{number}" for number in range(7)]


async def test_bad_queries_say_what_is_wrong(site: Site, get: Get) -> None:
    """A parameter that does not exist, or a value that means nothing, is a 400."""
    for query, word in {
        "agent=a": "agent: there is no such parameter; there are providers, ",
        "limit=0": "limit",
        "limit=1001": "limit",
        "limit=1&limit=2": "limit: give it once",
        "states=on": "states",
        "agents=": "agents: give 1 or more",
        "accounts=acme": "accounts: write provider/account; there are genesys",
        "accounts=genesis/acme": "accounts: write provider/account; there are ",
        "accounts=genesys/": "accounts: write provider/account",
        "providers=genesis": "providers: no such provider; there are genesys, ",
        "agents=,": "agents",
        "ended=yes": "ended",
        "types=call.started": "types",
        "after=": "after",
        "after=zzz": "after: no place of a page",
        "after=genesys/acme/c%201": "after: no place of a page",
    }.items():
        status, problem = await get(site, f"/v1/calls?{query}")
        assert (status, problem["status"]) == (400, 400), query
        assert word in problem["detail"]


@pytest.mark.parametrize(
    "path", ["", "/timeline", "/commands", "/commands/x", "/commands?x=1"]
)
async def test_one_thing_has_no_parameters(site: Site, get: Get, path: str) -> None:
    """What means nothing is a 400 here as in a list, whether it is there or not."""
    site.show(call("c1"))
    for call_id in ("c1", "c2"):
        address = f"/v1/calls/genesys/acme/{call_id}{path}"
        query = "&limit=-1" if "?" in path else "?limit=-1"
        status, problem = await get(site, address + query)
        assert status == 400
        assert "there is no such parameter; there are none" in problem["detail"]


@pytest.mark.parametrize("name", ["sources", "accounts", "watches", "exports"])
async def test_what_is_no_place_of_a_page_is_a_400(
    site: Site, get: Get, name: str
) -> None:
    """Not the end of the list."""
    status, problem = await get(site, f"/v1/{name}?after=zzz")
    assert status == 400
    assert problem["errors"][0]["field"] == "after"


async def test_every_wrong_parameter_is_named(site: Site, get: Get) -> None:
    """In one answer, each once."""
    query = "limit=1&limit=2&ended=yes&agent=a&states=on,off"
    _, problem = await get(site, f"/v1/calls?{query}")
    named = sorted(one["field"] for one in problem["errors"])
    assert named == ["agent", "ended", "limit", "states"]


async def test_any_id_makes_the_round_trip(site: Site, get: Get) -> None:
    """A part of a key may hold slashes, percent signs, braces, any letters."""
    for call_id in ("a/b", "a%2Fb", "%", "ü ?#&+", "{x}", "..", "a;b=c,d", "timeline"):
        site.show(call(call_id))
        path = make_key("genesys", "acme", call_id)
        status, found = await get(site, f"/v1/calls/{path}")
        assert (status, found.get("call_id")) == (200, call_id)
        assert (await get(site, f"/v1/calls/{path}/timeline"))[0] == 200


async def test_absent_is_404(site: Site, get: Get) -> None:
    """A call that nobody knows is no such call."""
    for path in ("/v1/calls/genesys/acme/c1", "/v1/calls/genesys/acme/c1/timeline"):
        assert await get(site, path) == (
            404,
            {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "no such call",
            },
        )


async def test_a_timeline_ends_with_what_lasts(site: Site, get: Get) -> None:
    """Closed intervals, then the open one from the snapshot, and the totals."""
    shown = call("c1", "paused", version=3)
    site.show(shown)
    closed = [interval("stopped", 0, 10), interval("recording", 10, 30)]
    site.outbox.timelines[shown.key] = closed
    site.outbox.recordings[shown.key] = lasting(shown, "notification")
    _, answer = await get(site, "/v1/calls/genesys/acme/c1/timeline")
    timeline = Timeline.model_validate(answer)
    assert answer["items"] == to_builtins(closed)
    assert timeline.open is not None
    assert timeline.open.state == "paused"
    assert (timeline.open.from_ - BEGUN_AT).total_seconds() == 30
    assert timeline.open.evidence == "notification"
    assert timeline.totals == shown.totals
    assert answer["items"][0]["from"]


async def test_what_lasts_has_the_evidence_that_it_will_have_had(
    site: Site, get: Get
) -> None:
    """However exactly its beginning is known; also when it closes meanwhile."""
    shown = call("c1", "recording", version=1)
    part = shown.recording.but(since_exact=False)
    site.show(shown.but(recording=part))
    path = "/v1/calls/genesys/acme/c1/timeline"
    site.outbox.recordings[shown.key] = lasting(shown, "notification")
    _, before = await get(site, path)
    site.outbox.timelines[shown.key] = [interval("recording", 10, 30)]
    site.outbox.recordings[shown.key] = lasting(call("c1", "paused", version=3), "read")
    _, after = await get(site, path)
    assert before == after
    assert after["open"]["evidence"] == "notification"


async def test_a_timeline_is_of_one_moment(site: Site, get: Get) -> None:
    """An interval that closed after the snapshot was made is still the open one."""
    shown = call("c1", "recording", version=1)
    site.show(shown)
    site.outbox.timelines[shown.key] = [
        interval("stopped", 0, 10),
        interval("recording", 10, 30),
    ]
    _, answer = await get(site, "/v1/calls/genesys/acme/c1/timeline")
    assert [item["state"] for item in answer["items"]] == ["stopped"]
    assert answer["open"]["state"] == "recording"


async def test_a_timeline_outlives_its_call(guarded: Site, get: Get) -> None:
    """A forgotten call's intervals are shown to those who may see all agents."""
    path = "/v1/calls/genesys/acme/c1/timeline"
    guarded.outbox.timelines["genesys/acme/c1"] = [interval("recording", 0, 60)]
    guarded.outbox.links["genesys/acme/c1"] = ("genesys/acme/r1",)
    status, answer = await get(guarded, path, guarded.token(accounts=["genesys/acme"]))
    assert (status, answer["open"], answer["totals"]) == (200, None, None)
    assert len(answer["items"]) == 1
    assert answer["media"] == ["genesys/acme/r1"]
    for token in (
        guarded.token(agents=["jdoe"]),
        guarded.token(accounts=["genesys/other"]),
    ):
        assert (await get(guarded, path, token))[0] == 404


async def test_an_ended_call_has_nothing_open(site: Site, get: Get) -> None:
    """After the end all intervals are closed."""
    shown = call("c1", "stopped", ended=True)
    site.show(shown)
    site.outbox.timelines[shown.key] = [interval("recording", 0, 60)]
    _, answer = await get(site, "/v1/calls/genesys/acme/c1/timeline")
    assert answer["open"] is None
    assert answer["totals"]["recording_s"] == 1


async def test_hidden_looks_absent(guarded: Site, get: Get) -> None:
    """What a token does not allow to see is answered as if it were not there."""
    guarded.show(call("c1", agents=("jdoe",)))
    guarded.show(call("c2", agents=("other",)))
    token = guarded.token(agents=["jdoe"])
    assert await keys(get, guarded, "", token) == ["c1"]
    assert await keys(get, guarded, "?agents=other", token) == []
    hidden = await get(guarded, "/v1/calls/genesys/acme/c2", token)
    assert hidden == await get(guarded, "/v1/calls/genesys/acme/c3", token)
    assert hidden[0] == 404
    assert (await get(guarded, "/v1/calls/genesys/acme/c2/timeline", token))[0] == 404


async def test_nothing_is_kept_by_caches(site: Site, session: ClientSession) -> None:
    """Answers are of the moment: no-store, and a header says whether it is live."""
    site.show(call("c1"))
    for path in ("/v1/calls", "/v1/calls/genesys/acme/c1"):
        async with session.get(site.url + path) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Tracker-Live"] == "true"
            assert answer.content_type == "application/json"
    async with session.get(site.url + "/v1/calls/genesys/acme/c1") as answer:
        assert await answer.read() == call("c1").model_dump_json().encode()


async def test_before_the_store_was_read_nothing_is_answered(get: Get) -> None:
    """Part of the calls is never shown as if it were all of them."""
    async with serving(loaded=False) as site:
        status, problem = await get(site, "/v1/calls")
        assert (status, problem["title"]) == (503, "Service Unavailable")
        site.show(call("c1"))
        assert (await get(site, "/livez"))[0] == 200
