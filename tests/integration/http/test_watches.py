"""Watches over HTTP: made, listed, ended, and what is commanded of calls unseen."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.integration.http.kept_site import LATE, Json, KeptSite, keeping, seen
from tests.integration.http.site import JWT
from tests.integration.http.test_commands import Answer, Desk, problem
from tests.integration.servers import Server
from tracker.domain.entry import Follow
from tracker.outlets.asking import flow
from tracker.store.asks import Asks

CALL = "vonage_cc/acme/v1"
WANTED = {"provider": "vonage_cc", "account": "acme", "call_id": "v1"}
WITHIN_S = 10.0


@pytest.fixture
async def site(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """With an account of a platform that lists no calls."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url) as site:
        await site.feed("vonage_cc", "poller")
        yield site


@pytest.fixture
async def guarded(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """Likewise, with access tokens."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        await site.feed("vonage_cc", "poller")
        yield site


@pytest.fixture
def desk(site: KeptSite, session: ClientSession) -> Desk:
    return Desk(session, site.url, None)


async def watch(desk: Desk, **more: object) -> Answer:
    return await desk.send("POST", "/v1/watches", json={**WANTED, **more})


async def asked_for(site: KeptSite, call: str = CALL) -> None:
    """Wait until the account's poller is told to follow *call*."""
    asks = Asks(site.kept.redis, site.kept.keys)

    async def follow(partition: int) -> None:
        async for batch in asks.follow(partition, "0-0"):
            if Follow(call=call) in [asked.ask for asked in batch]:
                return

    tasks = [asyncio.create_task(follow(n)) for n in range(site.kept.partitions)]
    done, others = await asyncio.wait(
        tasks, timeout=WITHIN_S, return_when=asyncio.FIRST_COMPLETED
    )
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    assert done


async def never_was(site: KeptSite) -> None:
    """The platform does not know the call."""
    poller = await site.feed("vonage_cc", "poller")
    await poller.tell(seen(CALL, None, "ended", "poller"))


async def state_of(desk: Desk, place: str, *states: str) -> Json:
    """The watch, once it is in one of *states*; nothing else tells."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            got = (await desk.get(place)).body
            if got["state"] in states:
                return dict(got)


async def test_a_watch_is_made_read_and_ended(site: KeptSite, desk: Desk) -> None:
    """201 and where it is; the poller is told; 204 and it is gone."""
    made = await watch(desk)
    assert made.status == 201
    assert (made.body["key"], made.body["state"]) == (CALL, "waiting")
    assert (made.body["deadline_s"], made.body["command"]) == (15.0, None)
    place = made.headers["Location"]
    assert place == f"/v1/watches/{made.body['id']}"
    await asked_for(site)
    assert (await desk.get(place)).body == made.body
    assert (await desk.get("/v1/watches")).body["items"] == [made.body]
    gone = await desk.send("DELETE", place)
    assert (gone.status, gone.body) == (204, None)
    assert (await desk.get(place)).status == 404
    assert (await desk.send("DELETE", place)).status == 404
    assert (await desk.get("/v1/watches")).body == {"items": [], "next": None}


async def test_pages_of_watches(desk: Desk) -> None:
    """A list is read page by page, by id."""
    ids = sorted([(await watch(desk, call_id=f"v{n}")).body["id"] for n in range(5)])
    found: list[str] = []
    following: str | None = "/v1/watches?limit=2"
    while following:
        page = (await desk.get(following)).body
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        following = page["next"]
    assert found == ids
    assert (await desk.get("/v1/watches?limit=0")).status == 400


async def test_what_is_expected_becomes_a_command(site: KeptSite, desk: Desk) -> None:
    """Somebody else's 202 is proved like any other: the watch shows how far it is."""
    place = (await watch(desk, expected="paused", deadline_s=30)).headers["Location"]
    await site.show(CALL, "recording")
    watched = await state_of(desk, place, "watching")
    command = watched["command"]
    assert (command["action"], command["stage"]) == ("pause", "accepted")
    followed = await desk.get(f"/v1/calls/{CALL}/commands/{command['id']}")
    assert followed.body == command
    await site.show(CALL, "paused")
    await site.until(CALL, lambda call: call["command"]["stage"] == "confirmed")
    assert (await desk.get(place)).body["command"]["stage"] == "confirmed"


async def test_a_call_that_is_not_there_is_not_found(
    site: KeptSite, desk: Desk
) -> None:
    """The platform does not know it, also not until the deadline: the watch says so."""
    place = (await watch(desk, deadline_s=1)).headers["Location"]
    await never_was(site)
    assert (await desk.get(place)).body["state"] == "waiting"
    async with asyncio.timeout(10):
        while (await desk.get(place)).body["state"] == "waiting":
            await never_was(site)
    watched = await state_of(desk, place, "not_found")
    assert watched["over_at"] is not None


async def test_an_account_that_has_not_spoken_yet_is_not_absent(desk: Desk) -> None:
    """Who asks while everything starts is told to come again."""
    for answer in (
        await watch(desk, account="late"),
        await desk.ask("pause", call=f"{LATE}/v1"),
    ):
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0


async def test_only_where_there_is_something_to_watch(
    site: KeptSite, desk: Desk
) -> None:
    """A platform that tells of its calls is 409, an account nobody has is 404."""
    await site.feed("genesys", "jdoe")
    problem(await watch(desk, provider="genesys"), 409, "nothing-to-watch")
    await site.feed("vonage_business", "jdoe")
    refused = await watch(desk, provider="vonage_business")
    problem(refused, 409, "nothing-to-watch")
    assert "shows no live calls" in refused.body["detail"]
    assert (await watch(desk, account="other")).status == 404
    assert (await watch(desk, provider="nobody")).status == 404


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"call_id": ""}, "call_id"),
        ({"call_id": 1}, "call_id"),
        ({"expected": "stopped"}, "expected"),
        ({"deadline_s": 0}, "deadline_s"),
        ({"agent": "jdoe"}, "agent"),
    ],
)
async def test_a_wrong_field_is_named(desk: Desk, more: Json, field: str) -> None:
    """As in every body."""
    answer = await watch(desk, **more)
    assert answer.status == 400
    assert [error["field"] for error in answer.body["errors"]] == [field]


async def test_who_sees_a_watch(guarded: KeptSite, session: ClientSession) -> None:
    """Its account is theirs; and the call, or the watch itself, is."""

    def desk(
        scope: str = "calls:read calls:control", sub: str = "jdoe", **limits: object
    ) -> Desk:
        return Desk(session, guarded.url, guarded.token(scope, sub, **limits))

    mine = desk(agents=["jdoe"])
    assert (await watch(mine)).status == 404
    await guarded.show(CALL, agent="jdoe")
    made = await watch(mine)
    place = made.headers["Location"]
    others = desk(sub="asmith", agents=["asmith"])
    assert (await mine.get(place)).status == 200
    assert (await desk(sub="1001").get(place)).status == 200
    for outsider in (others, desk(providers=["genesys"]), desk(accounts=["x/acme"])):
        assert (await outsider.get(place)).status == 404
        assert (await outsider.get("/v1/watches")).body["items"] == []
        assert (await outsider.send("DELETE", place)).status == 404
        assert (await watch(desk(providers=["genesys"]))).status == 404
    reads = desk("calls:read")
    assert (await watch(reads)).status == 403
    assert (await reads.send("DELETE", place)).status == 403
    assert (await reads.get(place)).status == 200
    assert (await desk("calls:control").get(place)).status == 403
    assert (await mine.send("DELETE", place)).status == 204


async def test_a_command_on_an_unknown_call_has_it_looked_for(
    site: KeptSite, desk: Desk
) -> None:
    """Once the platform has shown it, the command is taken; no watch remains."""
    asking = asyncio.create_task(desk.ask("pause", call=CALL))
    await asked_for(site)
    await site.show(CALL)
    answer = await asking
    assert answer.status == 202
    shown = await site.until(CALL, lambda call: call["command"] is not None)
    assert shown["command"]["id"] == answer.body["id"]
    assert (await desk.get("/v1/watches")).body["items"] == []


async def test_a_command_on_a_call_that_nobody_knows(
    site: KeptSite, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on the platform: 404. Not shown in time: 504. Nothing was asked."""
    asking = asyncio.create_task(desk.ask("pause", call=CALL))
    await asked_for(site)
    await never_was(site)
    assert (await asking).status == 404
    monkeypatch.setattr(flow, "APPEARS_S", 0.3)
    late = problem(await desk.ask("pause", call="vonage_cc/acme/v2"), 504, "not-shown")
    assert "command_id" not in late
    unsupported = await desk.ask("stop", call="vonage_cc/acme/v3")
    problem(unsupported, 409, "unsupported-by-platform")
    assert (await desk.ask("pause", call="vonage_cc/other/v1")).status == 404
    await site.feed("genesys", "jdoe")
    assert (await desk.ask("pause", call="genesys/acme/v1")).status == 404


async def test_a_call_that_turns_out_to_be_hidden_is_absent(
    guarded: KeptSite, session: ClientSession
) -> None:
    """Who may see only some agents has no unknown call looked for at all."""
    token = guarded.token(agents=["asmith"])
    outsider = Desk(session, guarded.url, token)
    before = await outsider.ask("pause", call=CALL)
    await guarded.show(CALL)
    after = await outsider.ask("pause", call=CALL)
    for answer in (before, after):
        assert (answer.status, answer.body["detail"]) == (404, "no such call")
    assert (guarded.shown(CALL) or {})["command"] is None


async def test_without_a_keeper_nobody_watches(
    site: KeptSite, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told to look."""
    monkeypatch.setattr(flow, "ANSWER_S", 0.3)
    await site.keepers.aclose()
    problem(await watch(desk), 504, "no-answer")
