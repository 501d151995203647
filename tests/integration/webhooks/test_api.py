"""Endpoints and deliveries over HTTP: who may do what, and what it does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientSession, web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.integration.http.kept_site import KeptSite, keeping
from tests.integration.http.site import JWT
from tests.integration.servers import Server
from tests.integration.webhooks.rig import (
    Got,
    Receiver,
    receiving,
    rig_of,
    until,
)

A, B = "genesys/acme/a", "genesys/acme/b"
PATH = "/v1/webhooks"
MANAGE = "webhooks:manage calls:read"
Said = tuple[int, Any]


class Caller:
    """Somebody with a token.

    Attributes:
        http: Theirs.
    """

    def __init__(self, http: ClientSession, token: str) -> None:
        self.http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: object = None) -> Said:
        async with self.http.request(
            method, path, json=body, headers=self._headers
        ) as answer:
            said = await answer.json(content_type=None)
            return answer.status, said

    async def add(self, url: str, **rest: object) -> Any:
        status, said = await self.ask("POST", PATH, {"url": url, **rest})
        assert status == 201, said
        return said

    async def deliveries(self, id_: str, query: str = "") -> list[Any]:
        """All of them, over as many pages as there are."""
        path, found = f"{PATH}/{id_}/deliveries{query}", []
        while path:
            status, said = await self.ask("GET", path)
            assert status == 200, said
            found += said["items"]
            path = said["next"]
        return found


@pytest.fixture
async def site(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """Served, kept, and delivered from."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        rig = rig_of(site.kept)
        rig.clock.run(speed=20)
        async with rig.dispatching():
            yield site


@asynccontextmanager
async def calling(
    site: KeptSite, scope: str = MANAGE, sub: str = "jdoe", **limits: Any
) -> AsyncIterator[Caller]:
    async with ClientSession(site.url) as http:
        yield Caller(http, site.token(scope, sub, **limits))


@pytest.fixture
async def caller(site: KeptSite) -> AsyncIterator[Caller]:
    async with calling(site) as caller:
        yield caller


async def test_an_endpoint_from_its_making_to_its_end(
    site: KeptSite, caller: Caller, receiver: Receiver
) -> None:
    """Its secret is shown once; events come; then they do not."""
    wanted = {"types": ["tracker.recording.paused"], "agents": ["jdoe"]}
    made = await caller.add(receiver.url, description="archive", filter=wanted)
    secret, id_ = made.pop("secret"), made["id"]
    assert (made["state"], made["owed"], made["created_by"]) == ("enabled", 0, "jdoe")
    assert await caller.ask("GET", f"{PATH}/{id_}") == (200, made)
    _, listed = await caller.ask("GET", PATH)
    assert listed == {"items": [made], "next": None}
    await site.show(A, "recording")
    await site.show(A, "paused")
    await receiver.until(lambda: receiver.taken)
    [got] = receiver.taken
    event = Webhook(secret).verify(got.body, dict(got.headers))
    assert event["type"] == "tracker.recording.paused"
    assert event["data"]["call"]["recording"]["state"] == "paused"
    assert (await caller.ask("DELETE", f"{PATH}/{id_}"))[0] == 204
    assert (await caller.ask("GET", f"{PATH}/{id_}"))[0] == 404

    async def is_forgotten() -> bool:
        names = await site.kept.redis.call("", "KEYS", f"*{id_}*")
        return not names

    await until(is_forgotten)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://public.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://unknown.example/"}, "url"),
        ({"url": "https://public.example/", "filter": {"types": ["x"]}}, "filter"),
        ({"url": "https://public.example/", "filter": {"colour": ["x"]}}, "filter"),
        ({"url": "https://public.example/", "rate_per_s": 0}, "rate_per_s"),
        ({"url": "https://public.example/", "since": "x"}, "since"),
        ({"url": "https://public.example/", "secret": "mine"}, "secret"),
        ({"url": "https://public.example/", "description": "x" * 201}, "description"),
    ],
)
async def test_what_is_wrong_is_named(
    caller: Caller, body: dict[str, Any], field: str
) -> None:
    """And nothing is made."""
    status, problem = await caller.ask("POST", PATH, body)
    assert status == 400
    assert problem["errors"][0]["field"].startswith(field)
    assert (await caller.ask("GET", PATH))[1]["items"] == []


async def test_all_that_is_wrong_is_named_at_once(
    caller: Caller, receiver: Receiver
) -> None:
    """Each where it is, whatever finds it; of a new one and of one that is there."""
    filter_ = {"colour": ["x"], "types": ["x"]}
    wrong = {"url": "https://10.0.0.1/", "filter": filter_, "since": "x"}
    status, problem = await caller.ask("POST", PATH, wrong)
    found = {one["field"]: one["detail"] for one in problem["errors"]}
    assert (status, sorted(found)) == (
        400,
        ["filter.colour", "filter.types", "since", "url"],
    )
    assert "there are providers, accounts, teams, agents" in found["filter.colour"]
    made = await caller.add(receiver.url)
    change = {"url": "http://public.example/", "filter": None, "rate_per_s": 0}
    status, problem = await caller.ask("PATCH", f"{PATH}/{made['id']}", change)
    named = sorted(one["field"] for one in problem["errors"])
    assert (status, named) == (400, ["filter", "rate_per_s", "url"])


async def test_who_may_not_see_it_finds_nothing(site: KeptSite, caller: Caller) -> None:
    """It is its creator's, and theirs who may see all that it is told."""
    made = await caller.add("https://public.example/hook")
    path = f"{PATH}/{made['id']}"
    async with calling(site, "calls:read") as reader:
        assert (await reader.ask("GET", path))[0] == 403
    for sub, scope, limits, status in (
        ("jdoe", "webhooks:manage", {"agents": ["jdoe"]}, 200),
        ("else", MANAGE, {}, 200),
        ("else", "webhooks:manage", {}, 404),
        ("else", MANAGE, {"accounts": ["genesys/acme"]}, 404),
        ("else", MANAGE, {"agents": ["jdoe"]}, 404),
    ):
        async with calling(site, scope, sub, **limits) as other:
            assert (await other.ask("GET", path))[0] == status
            _, listed = await other.ask("GET", PATH)
            assert len(listed["items"]) == (status == 200)
            if status == 404:
                for method, more, body in (
                    ("PATCH", "", {"url": "https://public.example/mine"}),
                    ("DELETE", "", None),
                    ("POST", "/rotate", {}),
                    ("POST", "/test", None),
                    ("POST", "/replay", {"from": "2026-01-01T00:00:00Z"}),
                    ("GET", "/deliveries", None),
                    ("POST", "/deliveries/x/resend", None),
                ):
                    assert (await other.ask(method, path + more, body))[0] == 404


async def test_an_endpoint_is_told_what_its_creator_may_see(
    site: KeptSite, receiver: Receiver
) -> None:
    """Whatever its filter asks for; a new filter changes nothing about that."""
    async with calling(site, MANAGE, "limited", agents=["asmith"]) as limited:
        made = await limited.add(receiver.url)
        await limited.ask("PATCH", f"{PATH}/{made['id']}", {"filter": {}})
        await site.show(A, agent="jdoe")
        await site.show(B, agent="asmith")
        await receiver.until(lambda: receiver.taken)
    assert {got.entity for got in receiver.got} == {B}


async def test_disabled_it_waits_and_enabled_it_gets_it_all(
    site: KeptSite, caller: Caller, receiver: Receiver
) -> None:
    """Nothing is lost in between."""
    made = await caller.add(receiver.url)
    path = f"{PATH}/{made['id']}"
    status, changed = await caller.ask("PATCH", path, {"state": "disabled"})
    assert (status, changed["state"]) == (200, "disabled")
    assert (changed["disabled"]["why"], changed["disabled"]["by"]) == ("asked", "jdoe")
    await site.show(A)

    async def is_owed() -> bool:
        return bool((await caller.ask("GET", path))[1]["owed"])

    await until(is_owed)
    assert receiver.got == []
    _, changed = await caller.ask("PATCH", path, {"state": "enabled"})
    assert changed["disabled"] is None
    await receiver.until(lambda: receiver.taken)
    assert (await caller.ask("PATCH", path, {"url": None}))[0] == 400


async def test_a_rotated_secret_counts_beside_the_old_one_for_a_while(
    site: KeptSite, caller: Caller, receiver: Receiver
) -> None:
    """And the old one no longer after that."""
    made = await caller.add(receiver.url)
    path = f"{PATH}/{made['id']}/rotate"
    _, rotated = await caller.ask("POST", path, {"overlap_s": 3600})
    assert rotated["old_secrets_until"] is not None
    await caller.ask("POST", f"{PATH}/{made['id']}/test")
    await receiver.until(lambda: len(receiver.taken) == 1)
    for secret in (made["secret"], rotated["secret"]):
        got = receiver.taken[0]
        Webhook(secret).verify(got.body, dict(got.headers))
    _, last = await caller.ask("POST", path, {"overlap_s": 0})
    assert last["old_secrets_until"] is None
    await caller.ask("POST", f"{PATH}/{made['id']}/test")
    await receiver.until(lambda: len(receiver.taken) == 2)
    got = receiver.taken[1]
    Webhook(last["secret"]).verify(got.body, dict(got.headers))
    for secret in (made["secret"], rotated["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(got.body, dict(got.headers))


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


async def test_deliveries_can_be_found(site: KeptSite, caller: Caller) -> None:
    """By status, event, type, entity and time, over pages, the newest first."""
    async with receiving(Picky()) as receiver:
        id_, of_a = await delivered(site, caller, receiver)
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
        assert (await caller.ask("GET", f"{PATH}/{id_}/deliveries?after=x"))[0] == 400


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


async def test_an_endpoint_that_is_gone_is_told_of(
    site: KeptSite, caller: Caller, receiver: Receiver
) -> None:
    """An event says so to those who manage webhooks, and to nobody else."""
    wanted = {"types": ["tracker.webhook.disabled"]}
    await caller.add(receiver.url, filter=wanted)
    async with calling(site, "calls:read", "reader") as reader:
        async with receiving(lambda _: web.Response(status=410)) as gone:
            made = await caller.add(gone.url)
            since = str(site.services.projection.cursor)
            await caller.ask("POST", f"{PATH}/{made['id']}/test")
            await receiver.until(lambda: receiver.taken)
        event = receiver.taken[0].event
        assert event["subject"] == f"webhooks/{made['id']}"
        assert event["data"]["endpoint"]["why"] == "gone"
        assert (await caller.ask("GET", event["dataschema"]))[0] == 200
        _, said = await reader.ask("GET", f"/v1/events?since={since}")
        assert said["items"] == []


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
