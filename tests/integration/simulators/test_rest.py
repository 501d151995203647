"""REST as the facts tell it: resources, statusCodes, login, CSRF."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.integration.simulators.conftest import Running
from tests.integration.simulators.desktop import CALLS, Desktop, desktop
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.genesys import (
    GenesysSimulator,
    RecordingState,
    SimulatorOptions,
)

A, B = "agent-0001", "agent-0002"
ME = "/api/v2/me"


async def test_an_agent_sees_only_own_calls(
    running: Running, simulator: GenesysSimulator, alice: Desktop
) -> None:
    """URIs by default, resources with fields=*, also as a subresource of me."""
    call = simulator.switch.dial(A, B)
    simulator.switch.dial_in("15550100", "agent-0003")
    uri = f"{running.url}{ME}/calls/{call.id}"
    assert await alice.get(f"{ME}/calls") == (200, {"statusCode": 0, "uris": [uri]})
    status, body = await alice.get(f"{ME}/calls?fields=*")
    (resource,) = body["calls"]
    assert (status, body["statusCode"], resource["state"]) == (200, 0, "Dialing")
    _, body = await alice.get(f"{ME}/?subresources=devices,calls,channels,interactions")
    user = body["user"]
    assert [found["id"] for found in user["calls"]] == [call.id]
    assert (user["channels"], user["interactions"]) == ([], [])
    assert user["devices"][0]["phoneNumber"] == simulator.agents[0].phone_number
    _, body = await alice.get(f"{ME}/calls/{call.id}")
    assert body["call"]["callUuid"] == call.uuid


async def test_a_recording_is_controlled_by_its_agent(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """All four operations are accepted in turn, and the change follows."""
    call = simulator.switch.dial(A, B)
    simulator.switch.answer(call)
    await alice.begin()
    for operation, state in (
        ("Start", "Recording"),
        ("Pause", "Paused"),
        ("Resume", "Recording"),
        ("Stop", "Stopped"),
    ):
        assert await alice.record(call.id, operation) == (200, {"statusCode": 0})
        message, _reply = await alice.connect()
        assert message["data"]["notificationType"] == "CallRecordingStateChange"
        assert message["data"]["call"]["recordingState"] == state


@pytest.mark.parametrize(
    ("path", "operation", "status", "code"),
    [
        ("", {}, 400, 1),
        ("", {"operationName": "RewindCallRecording"}, 400, 1),
        ("", {"operationName": "PauseCallRecording"}, 400, 2),
        ("0", {"operationName": "StartCallRecording"}, 404, 6),
    ],
)
async def test_what_cannot_be_done_is_refused(
    simulator: GenesysSimulator,
    alice: Desktop,
    path: str,
    operation: dict[str, Any],
    status: int,
    code: int,
) -> None:
    """A statusCode and a message, and nothing else."""
    call = simulator.switch.dial(A, B)
    simulator.switch.answer(call)
    answer = await alice.post(f"{ME}/calls/{call.id}{path}", **operation)
    assert answer[0] == status
    assert answer[1].keys() == {"statusCode", "statusMessage"}
    assert answer[1]["statusCode"] == code


async def test_a_site_without_recording_says_so() -> None:
    """Code 5: no permission."""
    simulator = GenesysSimulator(SimulatorOptions(agents=2, records=False))
    call = simulator.switch.dial(A, B)
    simulator.switch.answer(call)
    async with simulator.serve() as url, desktop(url, simulator.agents[0]) as alice:
        status, body = await alice.record(call.id, "Start")
    assert (status, body["statusCode"]) == (403, 5)


async def test_nobody_gets_in_without_a_login(running: Running) -> None:
    """HTTP 403 and statusCode 20 on everything, CometD included."""
    denied = 403, {"statusCode": 20, "statusMessage": "Access denied"}
    async with desktop(running.url, None) as stranger:
        assert await stranger.get(ME) == denied
        assert await stranger.post(ME) == denied
        assert await stranger.post("/api/v2/notifications") == denied


async def test_a_cookie_is_enough_until_it_expires(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """A GET with credentials opens the session that later requests only name."""
    assert (await alice.get(ME))[0] == 200
    del alice.http.headers["Authorization"]
    assert (await alice.get(ME))[0] == 200
    simulator.expire_logins(A)
    assert (await alice.get(ME))[0] == 403


async def test_what_is_not_there_is_not_found(alice: Desktop) -> None:
    """With a statusCode of its own."""
    status, body = await alice.get("/api/v2/queues")
    assert (status, body["statusCode"]) == (404, 6)


async def test_contact_centre_sessions_are_noticed(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """Who ends one is logged out, and told so on the devices' channel."""
    await alice.shake_hands()
    await alice.subscribe("/v2/me/devices")
    operation = {"operationName": "EndContactCenterSession"}
    assert await alice.post(ME, **operation) == (200, {"statusCode": 0})
    message, _reply = await alice.connect()
    assert message["data"]["devices"][0]["userState"]["state"] == "LoggedOut"
    operations = simulator.site.rest.session_operations
    assert operations == [(A, "EndContactCenterSession")]
    assert (await alice.post(ME))[1]["statusCode"] == 1


async def test_the_csrf_token_of_any_get_opens_posts() -> None:
    """Until it is rotated; a POST without it is refused, CometD included."""
    simulator = GenesysSimulator(SimulatorOptions(agents=1, csrf=True))
    async with simulator.serve() as url, desktop(url, simulator.agents[0]) as alice:
        async with alice.http.post(ME) as answer:
            refused = answer.status, await answer.text()
        assert refused == (403, "Missing or invalid Csrf token")
        async with alice.http.get(f"{ME}/calls") as answer:
            header = answer.headers["X-CSRF-HEADER"]
            alice.http.headers[header] = answer.headers["X-CSRF-TOKEN"]
        assert (await alice.shake_hands())["successful"]
        simulator.rotate_csrf()
        with pytest.raises(aiohttp.ClientResponseError, match="403"):
            await alice.subscribe()


async def test_the_change_may_overtake_the_answer() -> None:
    """Then the notification is there before the statusCode is."""
    options = SimulatorOptions(
        agents=2, recording_change="overtakes", recording_delay_s=0.1
    )
    simulator = GenesysSimulator(options)
    call = simulator.switch.dial(A, B)
    simulator.switch.answer(call)
    async with simulator.serve() as url, desktop(url, simulator.agents[0]) as alice:
        await alice.begin()
        asking = asyncio.create_task(alice.record(call.id, "Start"))
        message, _reply = await alice.connect()
        assert message["data"]["call"]["recordingState"] == "Recording"
        assert not asking.done()
        assert await asking == (200, {"statusCode": 0})


async def test_an_accepted_operation_may_come_to_nothing(
    simulator: GenesysSimulator, alice: Desktop
) -> None:
    """Accepted, then never: the state stays; the next one works."""
    call = simulator.switch.dial(A, B)
    simulator.switch.answer(call)
    await alice.begin()
    simulator.faults.add(Fault(kind=FaultKind.NEVER, agent=A, count=1))
    assert await alice.record(call.id, "Start") == (200, {"statusCode": 0})
    assert await alice.record(call.id, "Start") == (200, {"statusCode": 0})
    messages = await alice.connect()
    assert [message["channel"] for message in messages] == [CALLS, "/meta/connect"]
    assert call.leg_of(A).recording is RecordingState.RECORDING
