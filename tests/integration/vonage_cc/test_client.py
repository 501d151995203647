"""The account's token and its requests."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count

import pytest
from aiohttp import web

from tests.integration.http.test_client import answering
from tests.integration.vonage_cc.site import Site, site
from tracker.errors import (
    CommandRefusedError,
    ConfigError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.providers.vonage_cc.budget import Kind
from tracker.providers.vonage_cc.client import VonageCcClient
from tracker.providers.vonage_cc.connection import Connection
from tracker.providers.vonage_cc.settings import VonageCcSettings
from tracker.providers.vonage_cc.source import open_account
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_cc import VonageCcOptions

ACCESS = "Auth/connect"
ACCOUNT = {"account": "acme", "client_id": "tracker", "client_secret": "x"}


async def read(at: Site, guid: str, *, alone: bool = False) -> object:
    await at.client.ready()
    await at.client.budget.take(Kind.POLL)
    return await at.client.call(guid, Kind.POLL, known=False, alone=alone)


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        ({"kind": FaultKind.STATUS, "status": 500}, False),
        ({"kind": FaultKind.STATUS, "status": 503, "retry_after_s": 9}, True),
        ({"kind": FaultKind.STATUS, "status": 418}, False),
        ({"kind": FaultKind.STATUS, "status": 429}, True),
        ({"kind": FaultKind.GARBAGE, "body": "html"}, False),
        ({"kind": FaultKind.CUT}, False),
    ],
)
async def test_what_fails_alone_stops_nobody_else(
    fault: dict[str, object], *, pauses: bool
) -> None:
    """Unless the platform asks for it."""
    async with site() as at:
        await at.client.ready()
        at.simulator.faults.add(Fault.model_validate({**fault, "path": "/v0/*"}))
        with suppress(ProviderUnavailableError):
            await read(at, "odd", alone=True)
        assert (at.client.budget.paused_for_s() > 0) == pauses
        if not pauses:
            with suppress(ProviderUnavailableError):
                await read(at, "odd")
            assert at.client.budget.paused_for_s() > 0


@pytest.mark.parametrize("how", ["form", "basic"])
async def test_a_token_is_granted(how: str) -> None:
    """Either way of naming the client; one token for everything."""
    async with site(client_auth=how, scope="agents-availability:read") as at:
        words = await at.account.check()
        assert words == "token granted, 2 agents ready; 1 agents followed"
        await at.account.check()
        assert at.simulator.token_requests == 1


@pytest.mark.parametrize("how", ["form", "basic"])
async def test_a_wrong_secret_needs_a_person(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said which, and not what it is."""
    caplog.set_level(logging.DEBUG)
    async with site(client_auth=how, client_secret="wrongword") as at:  # noqa: S106
        with pytest.raises(ProviderLockedError, match="secret refused") as caught:
            await at.account.check()
    assert "wrongword" not in str(caught.value) + caplog.text


async def test_a_missing_secret_is_said_when_the_account_opens() -> None:
    """The place and the cure."""
    settings = VonageCcSettings.model_validate(
        {
            "account": "a1b2c3d4e5",
            "region": "nam",
            "client_id": "abcde",
            "client_secret_env": "VCC_ABSENT",
        }
    )
    with pytest.raises(ConfigError, match=r"VCC_ABSENT holds no client secret: set"):
        async with open_account(settings):
            pytest.fail("it opened")


async def test_many_who_find_the_token_expired_renew_it_once() -> None:
    """Fifty at once; and all are answered."""
    async with site() as at:
        call, _ = at.begin_call()
        await read(at, call.guid)
        at.simulator.expire_tokens()
        answers = await asyncio.gather(*(read(at, call.guid) for _ in range(50)))
        assert None not in answers
        assert at.simulator.token_requests == 2


async def test_many_who_wait_for_a_token_learn_together_that_there_is_none() -> None:
    """It is not asked for again by each of them."""
    async with site() as at:
        at.fail(400, "*connect*")
        found = await asyncio.gather(
            *(at.client.ready() for _ in range(50)), return_exceptions=True
        )
        assert {type(error) for error in found} == {ProviderLockedError}
        assert at.simulator.token_requests <= 1
        assert at.asked("POST", ACCESS) == 1


async def test_a_token_is_renewed_before_it_ends() -> None:
    """At nine tenths of its life, without a refusal."""
    async with site(VonageCcOptions(expires_in=1)) as at:
        call, _ = at.begin_call()
        await read(at, call.guid)
        await asyncio.sleep(0.92)
        await read(at, call.guid)
        assert at.simulator.token_requests == 2
        assert 401 not in [request.status for request in at.simulator.requests]


async def test_a_new_token_that_is_refused_needs_a_person() -> None:
    """The second 401 in a row."""
    async with site() as at:
        call, _ = at.begin_call()
        at.fail(401, "/v0/*")
        with pytest.raises(ProviderLockedError, match="a new token is refused"):
            await read(at, call.guid)
        assert at.simulator.token_requests == 2


async def test_a_token_that_others_used_is_no_reason_to_call_a_person() -> None:
    """It was good, and is no longer: the next request gets another one."""
    tokens, asked, revoked = count(1), asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if ACCESS in request.path:
            return web.json_response({"access_token": f"{next(tokens)}"})
        if request.path.endswith("late"):
            if request.headers["Authorization"] == "Bearer 2":
                asked.set()
                await revoked.wait()
            return web.Response(status=401)
        return web.json_response({"id": "c1", "status": "talk"})

    async with answering(handler) as url:
        settings = VonageCcSettings.model_validate({**ACCOUNT, "base_url": url})
        async with Connection(settings) as connection:
            client = VonageCcClient(connection)
            await client.ready()
            late = asyncio.create_task(client.call("late", Kind.POLL, known=True))
            await asked.wait()
            assert await client.call("c1", Kind.POLL, known=True)
            revoked.set()
            with pytest.raises(ProviderUnavailableError, match="no longer") as caught:
                await late
            assert not caught.value.taken


@pytest.mark.parametrize("status", [404, 500])
async def test_an_account_that_cannot_be_asked_is_unavailable(status: int) -> None:
    """Whichever answer fails."""
    async with site() as at:
        at.fail(status, "*agents*", count=1)
        with pytest.raises(ProviderUnavailableError, match=f"HTTP {status}"):
            await at.account.check()
        at.simulator.faults.add(Fault(kind=FaultKind.GARBAGE, path="*agents*"))
        with pytest.raises(ProviderUnavailableError, match="cannot be read"):
            await at.account.check()


@pytest.mark.parametrize("guid", ["nobody", "", "..", "a/b", "?x=1"])
async def test_a_call_that_is_not_there(guid: str) -> None:
    """Whatever it is called."""
    async with site() as at:
        assert await read(at, guid) is None


async def test_a_command_is_accepted() -> None:
    """And takes effect some time later."""
    async with site() as at:
        call, _ = at.begin_call()
        await at.command(call, "pause")
        await at.simulator.until(lambda: call.recording == "Paused")
        await at.command(call, "resume")
        await at.simulator.until(lambda: call.recording == "Started")
        assert at.asked("POST", call.guid) == 2


async def test_a_refused_command_says_why() -> None:
    """In the platform's words."""
    async with site() as at:
        call, _ = at.begin_call()
        at.simulator.transfer_out(call)
        with pytest.raises(CommandRefusedError, match=r"The request is invalid\."):
            await at.command(call, "pause")
        at.simulator.forget(call)
        with pytest.raises(CommandRefusedError, match="resource was not found"):
            await at.command(call, "pause")
        at.fail(409, count=1)
        with pytest.raises(CommandRefusedError, match="HTTP 409"):
            await at.command(call, "pause")


async def test_what_the_platform_cannot_do_is_not_asked() -> None:
    """Nor what it would not understand."""
    async with site() as at:
        call, _ = at.begin_call()
        with pytest.raises(CommandRefusedError, match="cannot stop a recording"):
            await at.command(call, "stop")
        with pytest.raises(CommandRefusedError, match="no options: a, b"):
            await at.command(call, "pause", b="1", a="2")
        assert at.asked("POST", "/calls/") == 0


@pytest.mark.parametrize(
    ("fault", "taken", "retry_after_s"),
    [
        (Fault(kind=FaultKind.STATUS, status=429, retry_after_s=7), False, 7),
        (Fault(kind=FaultKind.STATUS, status=503), True, None),
        (Fault(kind=FaultKind.CUT), True, None),
        (Fault(kind=FaultKind.HANG), True, None),
    ],
)
async def test_a_command_without_an_answer(
    fault: Fault, retry_after_s: float | None, *, taken: bool
) -> None:
    """It is asked once, and said whether it may have been taken."""
    async with site() as at:
        call, _ = at.begin_call()
        at.simulator.faults.add(fault.model_copy(update={"path": "POST /v0/*"}))
        with pytest.raises(ProviderUnavailableError) as caught:
            await at.command(call, "pause")
        assert (caught.value.taken, caught.value.retry_after_s) == (
            taken,
            retry_after_s,
        )
        assert at.asked("POST", call.guid) == 1


async def test_a_command_whose_token_expired_is_taken_once() -> None:
    """The first 401 renews it."""
    async with site() as at:
        call, _ = at.begin_call()
        await at.client.ready()
        at.simulator.expire_tokens()
        await at.command(call, "pause")
        await at.simulator.until(lambda: call.recording == "Paused")
        assert [r.status for r in at.simulator.requests][-3:-1] == [401, 200]


async def test_a_command_in_a_pause_is_not_asked() -> None:
    """The platform wants to be left alone; it says for how long."""
    async with site() as at:
        call, _ = at.begin_call()
        await at.client.ready()
        async with at.source.commanding(datetime.now(UTC)) as ask:
            at.client.budget.slowed(asyncio.get_running_loop().time(), 30)
            with pytest.raises(ProviderUnavailableError) as caught:
                await ask(call.guid, "pause", {})
        assert caught.value.taken is False
        assert caught.value.retry_after_s == pytest.approx(30, abs=1)


async def test_a_command_without_a_token_was_not_taken() -> None:
    """Getting one failed, or the client is refused."""
    async with site() as at:
        call, _ = at.begin_call()
        at.fail(503, "*connect*", count=1)
        with pytest.raises(ProviderUnavailableError) as caught:
            await at.command(call, "pause")
        assert caught.value.taken is False
        at.fail(401, "*connect*")
        with pytest.raises(ProviderLockedError):
            await at.command(call, "pause")


async def test_nobody_listens_there() -> None:
    """A refused connection certainly took nothing."""
    async with site(base_url="http://127.0.0.1:9") as at:
        call, _ = at.begin_call()
        with pytest.raises(ProviderUnavailableError) as caught:
            await at.command(call, "pause")
        assert caught.value.taken is False
