"""Deliveries over HTTP: found, sent again, replayed, tested."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from tests.integration.cli.test_commands import done
from tests.integration.http.kept_site import KeptSite
from tests.integration.webhooks.calling import MANAGE, PATH, Caller, calling
from tests.integration.webhooks.receiver import Got, Receiver, receiving
from tests.integration.webhooks.rig import until
from tracker.store.deliveries import Found, Matches, Wanted

A, B = "genesys/acme/a", "genesys/acme/b"


class Picky:
    """A receiver's answers: it does not take what is of the call B.

    Attributes:
        failing: Until this is False.
    """

    def __init__(self) -> None:
        self.failing = True

    def __call__(self, got: Got) -> web.Response:
        bad = self.failing and got.entity == B
        return web.Response(status=500 if bad else 200, text="because")


async def delivered(
    site: KeptSite, caller: Caller, receiver: Receiver
) -> tuple[str, list[Any]]:
    """An endpoint's id, and what is delivered of A, while B is owed."""
    id_ = (await caller.add(receiver.url))["id"]
    await site.show(A, "recording")
    await site.show(A, "paused")
    await site.show(B, "recording")
    await receiver.until(lambda: any(got.entity == B for got in receiver.got))

    async def are_over() -> bool:
        tried = await caller.deliveries(id_, f"?entity={B}")
        open_ = await caller.deliveries(id_, f"?entity={A}&status=owed")
        return not open_ and any(one["attempts"] for one in tried)

    await until(are_over)
    return id_, await caller.deliveries(id_, f"?entity={A}&limit=1")


async def test_a_list_says_why_an_endpoint_is_disabled(
    site: KeptSite, caller: Caller, tmp_path: Path
) -> None:
    """Not how another delivery went; when it is enabled, whose error it shows."""
    answers = {A: 500, B: 410}
    async with receiving(lambda got: web.Response(status=answers[got.entity])) as to:
        path = f"{PATH}/{(await caller.add(to.url))['id']}"

        async def is_so(name: str, value: object) -> bool:
            return bool((await caller.ask("GET", path))[1][name] == value)

        async def listed() -> str:
            token = site.token(MANAGE)
            where = ("--url", site.url, "--token", token)
            return (await done("webhook", "list", *where, cwd=tmp_path))[1]

        await site.show(A)
        await until(partial(is_so, "oldest_owed_error", "HTTP 500"))
        assert "  (the oldest: HTTP 500)\n" in await listed()
        await site.show(B)
        await until(partial(is_so, "state", "disabled"))
        assert "  (it answered 410: it is gone)\n" in await listed()


async def test_deliveries_can_be_found(site: KeptSite, caller: Caller) -> None:
    """By status, event, type, entity and time, over pages, the newest first."""
    async with receiving(Picky()) as receiver:
        id_, of_a = await delivered(site, caller, receiver)
        _, endpoint = await caller.ask("GET", f"{PATH}/{id_}")
        assert endpoint["oldest_owed_error"] == "HTTP 500"
        times = [one["settled_at"] for one in of_a]
        assert times == sorted(times, reverse=True)
        assert {one["status"] for one in of_a} == {"delivered"}
        owed = await caller.deliveries(id_, "?status=owed")
        [tried] = [one for one in owed if one["attempts"]]
        assert (tried["entity"], tried["attempts"][0]["status"]) == (B, 500)
        assert tried["attempts"][0]["answer"] == "because"
        of_b = await caller.deliveries(id_, f"?entity={B}&limit=2")
        every = {one["event"] for one in await caller.deliveries(id_, "?limit=2")}
        assert {one["event"] for one in (*of_a, *of_b)} <= every
        [paused] = await caller.deliveries(id_, "?type=tracker.recording.paused")
        assert await caller.deliveries(id_, f"?event={paused['event']}") == [paused]
        ahead = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert await caller.deliveries(id_, f"?from={ahead}") == []
        assert await caller.deliveries(id_, f"?entity={A}&to={ahead}") == of_a
        for past in ("to=1969-12-31T23:59:59Z", "to=0001-01-01T00:00:00Z"):
            assert await caller.deliveries(id_, f"?{past}") == []


@pytest.mark.parametrize(
    "after",
    ["x", "owed:1-0-9999999999999999999", "over:1--1-0", "over:0-0-0", "over:0-1-9"],
)
async def test_a_place_that_is_none_is_no_fault_of_ours(
    caller: Caller, receiver: Receiver, after: str
) -> None:
    """It is told, or nothing is there."""
    id_ = (await caller.add(receiver.url))["id"]
    path = f"{PATH}/{id_}/deliveries?after={after}"
    status, said = await caller.ask("GET", path)
    if after.startswith("over:0"):
        assert (status, said["items"]) == (200, [])
    else:
        assert (status, said["errors"][0]["field"]) == (400, "after")


async def test_what_is_taken_meanwhile_is_listed_once(
    site: KeptSite, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As over: it was still owed when the list began."""
    answer = Picky()
    async with receiving(answer) as receiver:
        id_, _ = await delivered(site, caller, receiver)
        assert site.services.webhooks
        deliveries = site.services.webhooks.deliveries
        looked = deliveries.list

        async def look(wanted: Wanted, matches: Matches, *, owed: bool) -> Found:
            found = await looked(wanted, matches, owed=owed)
            if owed:
                answer.failing = False
                await until_none_is_owed()
            return found

        async def until_none_is_owed() -> None:
            async def is_so() -> bool:
                return not (await deliveries.summary(id_)).owed

            await until(is_so)

        monkeypatch.setattr(deliveries, "list", look)
        listed = await caller.deliveries(id_, f"?entity={B}")
        assert {one["status"] for one in listed} == {"delivered"}
        assert len({one["event"] for one in listed}) == len(listed)


async def test_what_was_and_what_was_not_taken_is_sent_again(
    site: KeptSite, caller: Caller
) -> None:
    """With the same id; what is owed does not wait any longer."""
    answer = Picky()
    async with receiving(answer) as receiver:
        id_, [newest, *_] = await delivered(site, caller, receiver)
        [owed] = [
            one
            for one in await caller.deliveries(id_, "?status=owed")
            if one["attempts"]
        ]
        answer.failing = False
        for delivery, times in ((newest, 2), (owed, 1)):
            event = delivery["event"]
            path = f"{PATH}/{id_}/deliveries/{event}/resend"
            assert (await caller.ask("POST", path))[0] == 202
            await receiver.until(partial(taken_times, receiver, event, times))
        for unknown in ("e1.0.1-0", "e1.999.1-0", "nothing"):
            path = f"{PATH}/{id_}/deliveries/{unknown}/resend"
            assert (await caller.ask("POST", path))[0] == 404


def taken_times(receiver: Receiver, event: str, times: int) -> bool:
    return sum(got.id == event for got in receiver.taken) == times


async def test_a_range_is_replayed_in_order(
    site: KeptSite, caller: Caller, receiver: Receiver
) -> None:
    """With the same ids, from a cursor or from a time, up to where it ends."""
    begin_at = datetime.now(UTC)
    since = str(site.services.projection.cursor)
    for state in ("recording", "paused", "recording"):
        await site.show(A, state)
    until_ = str(site.services.projection.cursor)
    await site.show(A, "stopped")
    made = await caller.add(receiver.url)
    path = f"{PATH}/{made['id']}/replay"
    status, _ = await caller.ask("POST", path, {"since": since, "until": until_})
    assert status == 202
    shown = [event for event in await events(site, since) if event["subject"] == A]
    upto = [
        e["id"] for e in shown if e["data"]["call"]["recording"]["state"] != "stopped"
    ]
    await receiver.until(lambda: len(mine(receiver)) >= len(upto))
    assert mine(receiver) == upto
    at = begin_at.isoformat()
    assert (await caller.ask("POST", path, {"from": at}))[0] == 202
    await receiver.until(lambda: len(mine(receiver)) >= len(upto) + len(shown))
    assert mine(receiver) == [*upto, *(event["id"] for event in shown)]
    for body, wrong in (
        ({}, 400),
        ({"since": since, "from": at}, 400),
        ({"since": "x"}, 400),
        ({"since": since.replace(since[:4], "zzzz", 1)}, 410),
    ):
        assert (await caller.ask("POST", path, body))[0] == wrong


def mine(receiver: Receiver) -> list[str]:
    return [got.id for got in receiver.taken if got.entity == A]


async def events(site: KeptSite, since: str) -> list[Any]:
    async with calling(site, "calls:read sources:read") as reader:
        _, said = await reader.ask("GET", f"/v1/events?since={since}&limit=1000")
        found: list[Any] = said["items"]
        return found


async def test_a_test_is_sent_and_is_no_event_of_anything(
    caller: Caller, receiver: Receiver
) -> None:
    """It says that it is one."""
    made = await caller.add(receiver.url)
    status, said = await caller.ask("POST", f"{PATH}/{made['id']}/test")
    assert (status, said["status"]) == (202, "owed")
    await receiver.until(lambda: receiver.taken)
    [got] = receiver.taken
    assert (got.id, got.event["type"]) == (said["event"], "tracker.webhook.test")
    Webhook(made["secret"]).verify(got.body, dict(got.headers))
