"""A simulated contact centre, as a plain HTTP client meets it."""

import json
from typing import Any, Literal

import aiohttp
import pytest

from tests.integration.simulators.vonage_cc.caller import (
    AGENTS,
    CALL,
    CALL_DETAIL,
    FORM,
    GRANT,
    GUID,
    TOKEN,
    V0,
    Caller,
    Clock,
    calling,
    capture,
)
from tracker.simulators.vonage_cc import (
    Call,
    Result,
    VonageCcOptions,
    VonageCcSimulator,
)

OTHER_CALL = f"{V0}/calls/01461e37-deb9-b2bf-240d-032be5fe917e"
ELSEWHERE = f"/v0/f6a7b8c9d0/calls/{GUID}"
GOOD = {"Authorization": aiohttp.encode_basic_auth("tracker", "opensesame")}
WRONG = {"Authorization": aiohttp.encode_basic_auth("tracker", "milk")}
PAUSE = capture("pause-request")
RESUME = capture("resume-request")
REFUSED = {"error": "invalid_client"}
UNSUPPORTED = 400, {"error": "unsupported_grant_type"}
NO_GRANT = 400, {"error": "invalid_request"}


@pytest.mark.parametrize("asked", [{"data": FORM}, {"data": GRANT, "headers": GOOD}])
async def test_a_token_is_given_for_credentials(
    simulator: VonageCcSimulator, caller: Caller, asked: dict[str, Any]
) -> None:
    """In the form or as HTTP Basic; it is good at once."""
    async with caller.http.post(TOKEN, **asked) as answer:
        body = await answer.json()
    token = body["access_token"]
    assert answer.status == 200
    assert body == capture("token") | {"access_token": token}
    caller.http.headers["Authorization"] = f"Bearer {token}"
    assert (await caller.get(AGENTS))[0] == 200
    assert simulator.token_requests == 2


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ({"data": FORM | {"client_secret": "milk"}}, 400, REFUSED),
        ({"data": FORM | {"client_id": "jdoe"}}, 400, REFUSED),
        ({"data": GRANT}, 400, REFUSED),
        ({"data": GRANT, "headers": WRONG}, 401, REFUSED),
        ({"data": FORM, "headers": WRONG}, 401, REFUSED),
        ({"data": FORM | {"grant_type": "password"}}, *UNSUPPORTED),
        ({"json": FORM}, *NO_GRANT),
    ],
)
async def test_wrong_credentials_get_no_token(
    caller: Caller, asked: dict[str, Any], status: int, body: object
) -> None:
    """In the form, as HTTP Basic, for another grant, as JSON."""
    async with caller.http.post(TOKEN, **asked) as answer:
        assert (answer.status, await answer.json()) == (status, body)


@pytest.mark.parametrize("header", [None, "Bearer milk", "Bearer", *GOOD.values()])
async def test_nothing_is_told_without_a_token(
    caller: Caller, call: Call, header: str | None
) -> None:
    """401 and no body, whatever is there, and nothing is done."""
    del caller.http.headers["Authorization"]
    if header is not None:
        caller.http.headers["Authorization"] = header
    for path in (CALL, AGENTS, f"{V0}/agents/10", f"{V0}/calls/none", "/milk"):
        assert await caller.get(path) == (401, None)
    assert await caller.post(PAUSE) == (401, None)
    assert not call.due_s


async def test_tokens_end_by_the_clock() -> None:
    """As many seconds after they were given as was said then; or when told to."""
    clock = Clock()
    simulator = VonageCcSimulator(VonageCcOptions(expires_in=60), clock)
    async with calling(simulator) as caller:
        old = {"Authorization": caller.http.headers["Authorization"]}
        clock.now_s = 59.9
        assert (await caller.get(AGENTS))[0] == 200
        await caller.log_in()
        clock.now_s = 60.0
        assert (await caller.get(AGENTS))[0] == 200
        async with caller.http.get(AGENTS, headers=old) as answer:
            assert answer.status == 401
        simulator.expire_tokens()
        assert await caller.get(AGENTS) == (401, None)


async def test_a_failed_call_is_the_documents(
    simulator: VonageCcSimulator, caller: Caller
) -> None:
    """To the letter; while it lived it had the same keys."""
    call = simulator.begin_call("10", "02072068888", guid=GUID)
    documented = capture("call-failed", caller.url)
    live = {"status": "Connected", "recordingStatus": "Started"}
    nothing_yet = {"result": None, "dispositionCode": None}
    assert await caller.get() == (200, documented | live | nothing_yet)
    failure = Result("Failure", "Originator", "NoAnswer")
    simulator.end(call, failure, disposition="Wrong Number")
    assert await caller.get() == (200, documented)


@pytest.mark.parametrize("options", [VonageCcOptions(agents=453)])
async def test_an_agents_current_call_is_found(
    simulator: VonageCcSimulator, caller: Caller
) -> None:
    """Afterwards it is the previous one; before the first there is none."""
    documented = capture("agent", caller.url)
    path = f"{V0}/agents/{documented['id']}"
    own_link, _ = documented["links"]
    assert await caller.get(path) == (200, {"id": "462", "links": [own_link]})
    guid = documented["currentCallGuid"]
    call = simulator.begin_call("462", "01555000000", guid=guid)
    assert await caller.get(path) == (200, documented)
    simulator.end(call)
    assert await caller.get(path) == (200, documented)
    newer = simulator.begin_call("462", "01555000001")
    assert (await caller.get(path))[1]["currentCallGuid"] == newer.guid


@pytest.mark.usefixtures("call")
async def test_ready_agents_are_found(caller: Caller) -> None:
    """Those without a live call; counted when that is asked for."""
    documented = capture("agents")
    (shape,) = documented["agents"]
    ready = [shape | {"id": number} for number in ("11", "12", "13")]
    assert await caller.get(AGENTS) == (200, documented | {"agents": ready})
    uncounted = AGENTS.removesuffix("&fields=count")
    assert await caller.get(uncounted) == (200, {"agents": ready})
    others = AGENTS.replace("readyForPhoneCall", "asleep")
    assert await caller.get(others) == (400, capture("invalid"))


@pytest.mark.usefixtures("call")
async def test_paths_are_the_same_in_any_case(caller: Caller) -> None:
    """Also account keys and GUIDs; what is answered stays as it is."""
    expected = await caller.get()
    assert expected[1]["id"] == GUID
    assert await caller.get(CALL.upper()) == expected
    assert await caller.get(f"/V0/A1b2c3D4e5/Calls/{GUID}") == expected
    assert (await caller.post(PAUSE, CALL.upper()))[0] == 202
    assert (await caller.get(f"{V0.upper()}/Agents/10"))[0] == 200
    assert await caller.post(FORM, TOKEN.upper()) == NO_GRANT


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize(
    ("method", "paths"),
    [
        ("GET", [OTHER_CALL, ELSEWHERE, f"{V0}/agents/99", TOKEN, "/milk"]),
        ("POST", [OTHER_CALL, ELSEWHERE, f"{V0}/agents/10", "/milk"]),
        ("DELETE", [CALL]),
    ],
)
async def test_what_is_not_there_is_not_found(
    caller: Caller, method: str, paths: list[str]
) -> None:
    """Another call, account, agent, path, or a method that a path doesn't have."""
    asked = {"json": PAUSE, "headers": CALL_DETAIL}
    for path in paths:
        async with caller.http.request(method, path, **asked) as answer:
            assert (answer.status, await answer.json()) == (404, capture("not-found"))


@pytest.mark.parametrize(
    ("status", "choices"),
    [
        (406, ["*/*", "application/json", "application/json;version=2"]),
        (200, ["application/json; version=6", "*/*, application/json;version=3"]),
    ],
)
async def test_media_types_are_insisted_on(
    caller: Caller, call: Call, status: int, choices: list[str]
) -> None:
    """A version of the call that there is; a body that says it is JSON."""
    for choice in choices:
        async with caller.http.get(CALL, headers={"Accept": choice}) as answer:
            assert answer.status == status
            assert bool(await answer.read()) == (status == 200)
    async with caller.http.post(CALL, data=json.dumps(PAUSE)) as answer:
        assert (answer.status, await answer.read()) == (415, b"")
    assert not call.due_s


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_change_comes_after_the_answer(status: Literal[200, 201, 202]) -> None:
    """Which echoes what was asked; until its time has come the old state stands."""
    options = VonageCcOptions(delay_s=60.0, accepted_status=status)
    simulator = VonageCcSimulator(options)
    call = simulator.begin_call("10", "01555000000", guid=GUID)
    simulator.next_delay(call, 0.05)
    async with calling(simulator) as caller:
        assert await caller.post(PAUSE) == (status, capture("accepted"))
        await simulator.until(lambda: len(simulator.changes) == 1)
        assert await caller.recording() == "Paused"
        assert await caller.post(RESUME) == (status, RESUME)
        assert await caller.recording() == "Paused"
    (change,) = simulator.changes
    assert change[1:] == (GUID, "Started", "Paused")
    assert change.at_s >= simulator.requests[1].at_s + 0.05


async def test_delays_follow_from_the_seed() -> None:
    """The same seed, the same delays; another seed, others."""
    seen = []
    for seed in (1, 1, 2):
        simulator = VonageCcSimulator(VonageCcOptions(seed=seed), Clock())
        async with calling(simulator) as caller:
            call = simulator.begin_call("10", "01555000000", guid=GUID)
            await caller.post(PAUSE)
            seen.append(call.due_s)
    assert 0 < seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("value", ['""', '"Stopped"', '["Paused"]', "null", "milk"])
async def test_bad_requests_are_invalid(caller: Caller, call: Call, value: str) -> None:
    """Blank, not one of the two values, no JSON: nothing is done."""
    body = f'{{"recordingStatus": {value}}}'
    json_type = {"Content-Type": "application/json"}
    async with caller.http.post(CALL, data=body, headers=json_type) as answer:
        assert (answer.status, await answer.json()) == (400, capture("invalid"))
    assert not call.due_s


async def test_a_call_without_an_agent_cannot_be_changed(
    simulator: VonageCcSimulator, caller: Caller, call: Call
) -> None:
    """The agent has transferred it, or it has ended."""
    for leave in (simulator.transfer_out, simulator.end):
        leave(call)
        assert await caller.post(PAUSE) == (400, capture("invalid"))
    assert not call.due_s


@pytest.mark.parametrize("to", ["Buffering", None])
async def test_a_change_may_come_to_nothing_or_to_something_else(
    simulator: VonageCcSimulator, caller: Caller, call: Call, to: str | None
) -> None:
    """The answer is the same; changes of a call keep their order."""
    simulator.next_delay(call, "never")
    assert await caller.post(PAUSE) == (202, PAUSE)
    simulator.contradict_next(call, to)
    assert await caller.post(PAUSE) == (202, PAUSE)
    await simulator.until(lambda: bool(simulator.changes))
    assert await caller.recording() == to
    assert [change[1:] for change in simulator.changes] == [(GUID, "Started", to)]


async def test_agents_act_by_themselves(
    simulator: VonageCcSimulator, caller: Caller, call: Call
) -> None:
    """They pause, resume, and leave the call, which goes on as it was."""
    simulator.pause(call)
    assert await caller.recording() == "Paused"
    simulator.resume(call)
    assert await caller.recording() == "Started"
    simulator.transfer_out(call)
    _, body = await caller.get()
    assert body["from"] == {"telephoneNumber": "01555000000"}
    assert (body["status"], body["recordingStatus"]) == ("Connected", "Started")
    assert (await caller.get(f"{V0}/agents/10"))[1]["currentCallGuid"] == GUID


@pytest.mark.parametrize(("wait_s", "header"), [(None, None), (7, "7")])
async def test_more_than_the_limit_is_too_many(
    wait_s: int | None, header: str | None
) -> None:
    """In any second; the one that was refused counts as well."""
    clock = Clock()
    options = VonageCcOptions(limit_per_s=3, retry_after_s=wait_s)
    simulator = VonageCcSimulator(options, clock)
    async with calling(simulator) as caller:
        for now_s, status in ((0.5, 200), (0.5, 200), (0.5, 429), (1, 429), (2, 200)):
            clock.now_s = now_s
            async with caller.http.get(AGENTS) as answer:
                assert answer.status == status
                if status == 429:
                    assert await answer.text() == "Too Many Requests"
                    assert answer.headers.get("Retry-After") == header
    assert simulator.peak_per_s() == 4
