"""Endpoints over HTTP: who may do what, and what it does."""

from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.integration.http.kept_site import KeptSite
from tests.integration.webhooks.calling import MANAGE, PATH, Caller, calling
from tests.integration.webhooks.receiver import Receiver, receiving
from tests.integration.webhooks.rig import until
from tracker.client import ProblemError, Tracker
from tracker.domain.terms import ALL_SCOPES

EVERYTHING = " ".join(sorted(ALL_SCOPES))
A, B = "genesys/acme/a", "genesys/acme/b"


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
    assert listed == {"items": [made], "next": None, "problems": []}
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
        ({"url": "https://public.example/", "rate_per_s": 5e-324}, "rate_per_s"),
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


async def test_much_that_is_wrong_hides_nothing_that_is_worse(caller: Caller) -> None:
    """What is not even a text is not looked up, however many faults come before it."""
    unknown = {f"x{number}": 1 for number in range(25)}
    body = {"url": "https://public.example/", "filter": unknown, "since": 5}
    status, problem = await caller.ask("POST", PATH, body)
    assert status == 400
    assert all(one["field"].startswith("filter.x") for one in problem["errors"])


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


@pytest.mark.parametrize(
    ("form", "scope"),
    [
        ('{"created_by":"jdoe","filter":{"colours":["red"]}}', MANAGE),
        ('{"form":2}', EVERYTHING),
        ("[]", EVERYTHING),
    ],
)
async def test_what_a_newer_release_wrote_is_named_and_can_be_removed(
    site: KeptSite, form: str, scope: str
) -> None:
    """It hides no other; nothing else is done with it, and others do not see it."""
    async with calling(site, scope) as caller:
        await assert_named(site, caller, form.encode())


async def assert_named(site: KeptSite, caller: Caller, raw: bytes) -> None:
    made = [await caller.add("https://public.example/hook") for _ in range(3)]
    kept, newer, last = sorted(one["id"] for one in made)
    webhooks = site.services.webhooks
    assert webhooks is not None
    await webhooks.endpoints.change(newer, lambda _: raw)
    path, read, named = f"{PATH}?limit=2", [], []
    while path:
        status, listed = await caller.ask("GET", path)
        assert status == 200
        read += [one["id"] for one in listed["items"]]
        named += [one["endpoint"] for one in listed["problems"]]
        path = listed["next"]
    assert (read, named) == ([kept, last], [newer])
    status, problem = await caller.ask("GET", f"{PATH}?after=zzz")
    assert (status, problem["errors"][0]["field"]) == (400, "after")
    asked = [("GET", "", None), ("PATCH", "", {"state": "disabled"})]
    asked += [("POST", "/rotate", {}), ("POST", "/test", None)]
    asked += [("GET", "/deliveries", None)]
    for method, more, body in asked:
        status, problem = await caller.ask(method, f"{PATH}/{newer}{more}", body)
        assert status == 409
        assert "newer release" in problem["detail"]
    async with calling(site, MANAGE, "else", agents=["jdoe"]) as other:
        assert (await other.ask("GET", PATH))[1]["problems"] == []
        for method in ("GET", "DELETE"):
            assert (await other.ask(method, f"{PATH}/{newer}"))[0] == 404
    assert (await caller.ask("DELETE", f"{PATH}/{newer}"))[0] == 204
    assert (await caller.ask("GET", f"{PATH}/{newer}"))[0] == 404


async def test_a_program_is_told_of_what_is_not_listed(
    site: KeptSite, caller: Caller
) -> None:
    """Behind everything that is."""
    made = [(await caller.add("https://public.example/hook"))["id"] for _ in range(2)]
    webhooks, raw = site.services.webhooks, b'{"created_by":"jdoe"}'
    assert webhooks is not None
    await webhooks.endpoints.change(made[0], lambda _: raw)
    listed = Tracker(site.url, site.token(MANAGE)).webhooks()
    assert (await anext(listed))["id"] == made[1]
    with pytest.raises(ProblemError, match=rf"^{made[0]}: a newer release"):
        await anext(listed)


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

    async def is_owed(least: int) -> bool:
        owed: int = (await caller.ask("GET", path))[1]["owed"]
        return owed >= least

    await caller.ask("POST", f"{path}/test")
    await until(lambda: is_owed(1))  # by who has seen that it is disabled
    await site.show(A)
    await until(lambda: is_owed(2))
    assert receiver.got == []
    _, changed = await caller.ask("PATCH", path, {"state": "enabled"})
    assert changed["disabled"] is None
    await receiver.until(lambda: A in {got.entity for got in receiver.taken})
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
