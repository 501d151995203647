"""Commands over HTTP: taken, waited for, refused, repeated, hidden, looked at."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientSession
from yarl import URL

from tests.integration.http.kept_site import Json, KeptSite, keeping, seen
from tests.integration.http.site import JWT
from tests.integration.servers import Server
from tracker.domain.changes import Policy
from tracker.outlets.asking import flow
from tracker.providers.base import refuse_options

CALL = "genesys/acme/c1"
MANY = dict.fromkeys(map(str, range(21)), 1)
URN = "urn:tracker:problem:"


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


class Desk:
    """Asks as one who has a token, or none."""

    def __init__(self, session: ClientSession, url: str, token: str | None) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def ask(self, action: str, call: str = CALL, **rest: Any) -> Answer:
        """POST a command; *headers* among *rest* are the request's."""
        headers = rest.pop("headers", {})
        path = f"/v1/calls/{call}/commands"
        return await self.send("POST", path, headers, json={"action": action, **rest})

    async def get(self, path: str) -> Answer:
        return await self.send("GET", path)

    async def send(
        self, method: str, path: str, headers: Any = None, **rest: Any
    ) -> Answer:
        sent = {**self._headers, **(headers or {})}
        url = URL(self._url + path, encoded=True)
        async with self._session.request(method, url, headers=sent, **rest) as answer:
            text = await answer.text()
            body = json.loads(text) if text else None
            return Answer(answer.status, body, dict(answer.headers))


@pytest.fixture
async def site(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """With a call of jdoe's that is recorded."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url) as site:
        await site.show(CALL)
        yield site


@pytest.fixture
async def guarded(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """With access tokens, and a call of jdoe's that is recorded."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        await site.show(CALL)
        yield site


@pytest.fixture
def desk(site: KeptSite, session: ClientSession) -> Desk:
    return Desk(session, site.url, None)


async def confirm(site: KeptSite, id_: str) -> None:
    """The platform says yes, and shows it."""
    await site.answer(CALL, id_)
    await site.show(CALL, "paused")


async def open_command(site: KeptSite) -> str:
    """Its id, once it is served that there is one."""
    shown = await site.until(CALL, lambda call: call["command"] is not None)
    return str(shown["command"]["id"])


def problem(answer: Answer, status: int, code: str) -> Json:
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (answer.status, answer.body["type"]) == (status, URN + code), answer.body
    assert answer.body["detail"]
    return dict(answer.body)


async def test_a_command_is_taken_and_can_be_followed(
    site: KeptSite, desk: Desk
) -> None:
    """202, where it is, and the command; there it is until it is confirmed."""
    taken = await desk.ask("pause", reason="payment", agent="jdoe", deadline_s=20)
    assert taken.status == 202
    command = taken.body
    assert (command["stage"], command["target"]) == ("requested", "paused")
    assert (command["agent"], command["reason"]) == ("jdoe", "payment")
    assert command["requested_by"] == "anonymous"
    place = taken.headers["Location"]
    assert place == f"/v1/calls/{CALL}/commands/{command['id']}"
    assert "Preference-Applied" not in taken.headers
    assert (await desk.get(place)).body == command
    await confirm(site, command["id"])
    await site.until(CALL, lambda call: call["command"]["stage"] == "confirmed")
    settled = await desk.get(place)
    assert (settled.status, settled.body["stage"]) == (200, "confirmed")
    assert (await desk.get(place + "x")).status == 404
    assert (await desk.get(place.replace("c1", "c2"))).status == 404


@pytest.mark.parametrize("id_", ["view", "key:anonymous%2Fk-1"])
async def test_what_is_kept_beside_commands_is_none(desk: Desk, id_: str) -> None:
    """Only a command's id finds something."""
    await desk.ask("pause", headers={"Idempotency-Key": "k-1"})
    assert (await desk.get(f"/v1/calls/{CALL}/commands/{id_}")).status == 404


async def test_who_prefers_to_wait_is_told_the_end(site: KeptSite, desk: Desk) -> None:
    """With `Prefer: wait` the answer is held until it is settled: then it is a 200."""
    asking = asyncio.create_task(desk.ask("pause", headers={"Prefer": "wait=20"}))
    await confirm(site, await open_command(site))
    answer = await asking
    assert (answer.status, answer.body["stage"]) == (200, "confirmed")
    assert answer.headers["Preference-Applied"] == "wait=20"


async def test_a_refusal_of_the_platform_is_an_end(site: KeptSite, desk: Desk) -> None:
    """It is no problem of the request: the command says that it is refused, and why."""
    asking = asyncio.create_task(desk.ask("pause", headers={"Prefer": "wait=20"}))
    id_ = await open_command(site)
    await site.answer(CALL, id_, "refused", "not this one")
    answer = await asking
    assert (answer.status, answer.body["stage"]) == (200, "refused")
    assert answer.body["problem"] == "not this one"


async def test_a_wait_ends_in_time(desk: Desk) -> None:
    """What is not settled by then is a 202 with the command as it stands."""
    answer = await desk.ask("pause", headers={"Prefer": "respond-async, wait=1"})
    assert (answer.status, answer.body["stage"]) == (202, "requested")
    assert answer.headers["Preference-Applied"] == "wait=1"


async def test_a_repeat_is_the_first_command(site: KeptSite, desk: Desk) -> None:
    """The same key asks once, be the first under way, settled, or its call over.

    Another action or agent under it is a mistake.
    """
    key = {"Idempotency-Key": "k-1"}
    both = [desk.ask("pause", headers=key) for _ in range(2)]
    first, second = await asyncio.gather(*both)
    assert (first.status, second.status) == (202, 202)
    assert first.body["id"] == second.body["id"]
    problem(await desk.ask("stop", headers=key), 422, "key-reused")
    problem(await desk.ask("pause", headers=key, agent="jdoe"), 422, "key-reused")
    waiting = asyncio.create_task(
        desk.ask("pause", headers={**key, "Prefer": "wait=20"})
    )
    await confirm(site, first.body["id"])
    assert (await waiting).body["stage"] == "confirmed"
    settled = await desk.ask("pause", headers=key)
    assert (settled.status, settled.body["id"]) == (200, first.body["id"])
    await site.show(CALL, "stopped", "ended")
    assert (await desk.ask("pause", headers=key)).body == settled.body


async def test_a_second_command_gets_the_open_one(desk: Desk) -> None:
    """One at a time: the problem carries the command that is under way."""
    first = await desk.ask("pause")
    body = problem(await desk.ask("stop"), 409, "command-open")
    assert body["command"] == first.body


async def test_what_cannot_be_done_says_why(site: KeptSite, desk: Desk) -> None:
    """A state, a platform, an agent or an end that does not allow it: 409 and a URN."""
    problem(await desk.ask("resume"), 409, "not-allowed-now")
    problem(await desk.ask("pause", agent="asmith"), 409, "no-such-leg")
    other = "vonage_cc/acme/v1"
    await site.show(other)
    problem(await desk.ask("stop", call=other), 409, "unsupported-by-platform")
    await site.show(CALL, "stopped", "ended")
    problem(await desk.ask("pause"), 409, "call-ended")
    absent = await desk.ask("pause", call="genesys/acme/nowhere")
    assert (absent.status, absent.body["type"]) == (404, "about:blank")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "mute"}, "action"),
        ({"action": "pause", "agent": 7}, "agent"),
        ({"action": "pause", "agent": ""}, "agent"),
        ({"action": "pause", "reason": "fun"}, "reason"),
        ({"action": "pause", "deadline_s": 0.5}, "deadline_s"),
        ({"action": "pause", "deadline_s": 121}, "deadline_s"),
        ({"action": "pause", "deadline_s": "15"}, "deadline_s"),
        ({"action": "pause", "deadline_s": True}, "deadline_s"),
        ({"action": "pause", "options": {"a": {"b": 1}}}, "options.a"),
        ({"action": "pause", "options": {"a": 1.5}}, "options.a"),
        ({"action": "pause", "options": MANY}, "options"),
        ({"action": "pause", "options": []}, "options"),
        ({"action": "pause", "urgent": True}, "urgent"),
    ],
)
async def test_a_wrong_field_is_named(desk: Desk, body: Json, field: str) -> None:
    """In words, and for programs; nothing is asked."""
    answer = await desk.send("POST", f"/v1/calls/{CALL}/commands", json=body)
    assert answer.status == 400
    names = [error["field"] for error in answer.body["errors"]]
    assert field in names
    assert answer.body["detail"].startswith(f"{names[0]}: ")
    assert (await desk.get(f"/v1/calls/{CALL}")).body["command"] is None


async def test_options_are_looked_at_before_anything_is_asked(
    guarded: KeptSite, session: ClientSession
) -> None:
    """In the platform's words, but to nobody who does not see the call."""
    checks = guarded.services.options
    assert isinstance(checks, dict)
    checks["genesys/acme"] = refuse_options
    desk = Desk(session, guarded.url, guarded.token())
    answer = await desk.ask("pause", options={"colour": "red"})
    words = "the platform knows no options: colour"
    assert answer.body["errors"] == [{"field": "options", "detail": words}]
    assert answer.status == 400
    outsider = Desk(session, guarded.url, guarded.token(agents=["asmith"]))
    assert (await outsider.ask("pause", options={"colour": "red"})).status == 404
    assert (await desk.get(f"/v1/calls/{CALL}")).body["command"] is None
    assert (await desk.ask("pause")).status == 202


async def test_every_wrong_field_is_told_at_once(desk: Desk) -> None:
    """So that it is put right at once."""
    answer = await desk.ask("mute", deadline_s=0, more=1)
    names = {error["field"] for error in answer.body["errors"]}
    assert names == {"action", "deadline_s", "more"}


@pytest.mark.parametrize(
    ("data", "type_", "status", "says"),
    [
        (b"{", "application/json", 400, "not JSON"),
        (b'{"action":"pause","deadline_s":NaN}', "application/json", 400, "not JSON"),
        (b"", "application/json", 400, "not JSON"),
        (b"\xff", "application/json", 400, "not JSON"),
        (b"[" * 10_000, "application/json", 400, "not JSON"),
        (b"[1]", "application/json", 400, "not a JSON object"),
        (b"action=pause", "application/x-www-form-urlencoded", 415, "application/json"),
        (b'{"action":"pause"}', "text/plain", 415, "application/json"),
        (b" " * 70_000, "application/json", 413, "65536 bytes"),
    ],
)
async def test_a_wrong_body_is_told(
    desk: Desk, data: bytes, type_: str, status: int, says: str
) -> None:
    """What it should be, as a problem."""
    path = f"/v1/calls/{CALL}/commands"
    answer = await desk.send("POST", path, {"Content-Type": type_}, data=data)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.status == status
    assert says in answer.body["detail"]


async def test_what_stands_behind_a_type_costs_nothing(desk: Desk) -> None:
    """However much it is: the parameters of JSON's type mean nothing."""
    type_ = 'Application/JSON ; x="' + '";' * 32_000
    path = f"/v1/calls/{CALL}/commands"
    async with asyncio.timeout(15):  # reading them as parameters takes a minute
        answer = await desk.send(
            "POST", path, {"Content-Type": type_}, data=b'{"action":"pause"}'
        )
    assert answer.status == 202


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 256])
async def test_a_bad_key_is_told(desk: Desk, key: str) -> None:
    """It would not be the same the next time."""
    answer = await desk.ask("pause", headers={"Idempotency-Key": key})
    assert answer.status == 400
    assert answer.body["detail"].startswith("Idempotency-Key: ")


async def test_hidden_is_absent(guarded: KeptSite, session: ClientSession) -> None:
    """A call of others, and an agent of others, are answered as if they were not."""
    outsider = Desk(session, guarded.url, guarded.token(agents=["asmith"]))
    hidden = await outsider.ask("pause", agent="jdoe")
    absent = await outsider.ask("pause", call="genesys/acme/nowhere", agent="jdoe")
    assert hidden.status == absent.status == 404
    assert hidden.body == absent.body
    insider = Desk(session, guarded.url, guarded.token(agents=["jdoe"]))
    taken = await insider.ask("pause")
    assert taken.body["requested_by"] == "jdoe"
    place = taken.headers["Location"]
    hidden, absent = await outsider.get(place), await outsider.get(place + "x")
    assert hidden.status == absent.status == 404
    assert hidden.body == absent.body
    assert (await insider.get(place)).status == 200


async def test_a_key_is_the_subject_s_own(
    guarded: KeptSite, session: ClientSession
) -> None:
    """Another subject's command under the same key is no repeat."""
    key = {"Idempotency-Key": "k"}
    mine = Desk(session, guarded.url, guarded.token())
    theirs = Desk(session, guarded.url, guarded.token(sub="asmith"))
    taken = await mine.ask("pause", headers=key)
    answer = await theirs.ask("pause", headers=key)
    assert problem(answer, 409, "command-open")["command"]["id"] == taken.body["id"]


async def test_to_read_is_not_to_control(
    guarded: KeptSite, session: ClientSession
) -> None:
    """Each needs its scope; who may only control is not told of others' commands."""
    reads = Desk(session, guarded.url, guarded.token("calls:read"))
    refused = await reads.ask("pause")
    assert refused.status == 403
    assert 'scope="calls:control"' in refused.headers["WWW-Authenticate"]
    controls = Desk(session, guarded.url, guarded.token("calls:control"))
    taken = await controls.ask("pause")
    assert taken.status == 202
    assert (await controls.get(taken.headers["Location"])).status == 403
    assert (await reads.get(taken.headers["Location"])).status == 200
    body = problem(await controls.ask("stop"), 409, "command-open")
    assert "command" not in body


async def test_a_command_outlives_its_call(
    valkey_server: Server, session: ClientSession
) -> None:
    """What was seen of the call last says who may look at it when it is forgotten."""
    valkey_server.run("FLUSHALL")
    hasty = Policy(ended_for_s=0.1)
    async with keeping(valkey_server.url, JWT, hasty) as site:
        await site.show(CALL)
        insider = Desk(session, site.url, site.token(agents=["jdoe"]))
        outsider = Desk(session, site.url, site.token(agents=["asmith"]))
        place = (await insider.ask("pause")).headers["Location"]
        await site.end(CALL)
        assert (await insider.get(f"/v1/calls/{CALL}")).status == 404
        assert (await insider.get(place)).body["settled_at"] is not None
        assert (await outsider.get(place)).status == 404


async def test_without_a_keeper_the_client_can_look(
    site: KeptSite, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer in time: 504 with the id that the command has, should it be taken."""
    monkeypatch.setattr(flow, "ANSWER_S", 0.3)
    await site.keepers.aclose()
    body = problem(await desk.ask("pause"), 504, "no-answer")
    path = f"/v1/calls/{CALL}/commands/{body['command_id']}"
    assert (await desk.get(path)).status == 404


async def test_who_is_heard_too_late_has_expired(
    site: KeptSite, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that its keeper reads too late is not carried out."""
    put = site.services.requests.put

    async def late(request: Any) -> None:
        await put(request.but(not_after=request.not_after.replace(year=2000)))

    monkeypatch.setattr(site.services.requests, "put", late)
    body = problem(await desk.ask("pause"), 504, "expired")
    path = f"/v1/calls/{CALL}/commands/{body['command_id']}"
    assert (await desk.get(path)).status == 404
    assert (await desk.get(f"/v1/calls/{CALL}")).body["command"] is None


async def test_what_the_tails_missed_is_looked_up(
    site: KeptSite, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hole in what is told costs nobody an answer, nor the time until it is late."""
    waiting, missed = site.services.waiting, asyncio.Event()
    monkeypatch.setattr(waiting, "take", lambda _: missed.set())
    asking = asyncio.create_task(desk.ask("pause", headers={"Prefer": "wait=20"}))
    while (command := (site.shown(CALL) or {})["command"]) is None:
        missed.clear()
        await missed.wait()
    await site.answer(CALL, command["id"])
    await (await site.feed()).tell(seen(CALL, "paused"))
    async with asyncio.timeout(5):
        while not asking.done():
            waiting.lost()
            await asyncio.wait({asking}, timeout=0.05)
    assert (asking.result().status, asking.result().body["stage"]) == (200, "confirmed")
