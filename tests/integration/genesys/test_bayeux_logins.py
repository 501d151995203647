"""Logins, CSRF tokens and the REST calls beside the session."""

import asyncio
import json

import pytest

from tests.integration.genesys.agents import Agent, connection, live_agent, poll_is_held
from tests.integration.peers import CALLS_PATH, NOTIFICATIONS_PATH, cometd_server
from tracker.errors import (
    CommandRefusedError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.providers.genesys import client
from tracker.providers.genesys.wire import CallResource

ME = "/api/v2/me"
USERS = {"jdoe": "jdoe's", "roe": "another"}
NOT_LOGGED_IN = '{"statusCode":20,"statusMessage":"Access denied"}'


async def test_a_wrong_password_locks_after_one_attempt() -> None:
    """Further ones could lock the agent's account."""
    async with cometd_server(users=USERS) as server, connection(server) as account:
        with pytest.raises(ProviderLockedError) as caught:
            await Agent(account, "roe").session.login()
        assert "acme/roe: login: not authenticated (Bad credentials)" in str(
            caught.value
        )
        assert len(await server.requests()) == 1


async def test_a_poll_with_a_wrong_password_locks_after_one_renewal() -> None:
    """The first refusal may be a stale cookie, the second one is not."""
    async with cometd_server(users=USERS) as server, connection(server) as account:
        agent = Agent(account, "roe")
        with pytest.raises(ProviderLockedError):
            await agent.session.poll(agent.protocol)
        assert [r.path for r in await server.requests()] == [
            "/api/v2/notifications",
            ME,
        ]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_login_that_has_ended_is_renewed_once(status: int) -> None:
    """GWS says it with 401, or with 403 and code 20; the caller does not notice."""
    async with (
        cometd_server(users=USERS, csrf=True, timeout_s=1) as server,
        live_agent(server) as agent,
    ):
        await server.log_out("jdoe")
        await server.answer(status, NOT_LOGGED_IN, path=CALLS_PATH)
        assert await agent.session.calls() == ()
        await server.publish({"n": 1}, user="jdoe")
        assert await agent.until(1) == [{"n": 1}]
        assert agent.errors == []


async def test_a_login_that_is_refused_after_its_renewal_locks() -> None:
    """One renewal, then a person is needed."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.answer(403, NOT_LOGGED_IN, path=CALLS_PATH, count=None)
        with pytest.raises(ProviderLockedError):
            await agent.session.calls()
        refused = [r for r in await server.requests() if r.path == CALLS_PATH]
        assert len(refused) == 2


async def test_a_rotated_csrf_token_is_learnt_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A GET renews it, and the same poll and the same command go through."""
    monkeypatch.setattr(client, "REPEATED_WITHIN_S", 60.0)
    async with (
        cometd_server(csrf=True, timeout_s=1) as server,
        live_agent(server) as agent,
    ):
        await server.set_calls("jdoe", [{"id": "1", "state": "Held"}])
        await server.rotate_csrf()
        await agent.session.post_operation("1", "StopCallRecording")
        await server.rotate_csrf()
        await server.publish({"n": 1}, user="jdoe")
        assert await agent.until(1) == [{"n": 1}]
        assert agent.errors == []


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ({"statusCode": 6, "statusMessage": "Not found"}, 404),
        ({"statusCode": 0, "uris": ["http://gws.example/api/v2/me/calls/1"]}, 200),
    ],
)
async def test_calls_are_read_where_the_server_lists_them(
    first: dict[str, object], status: int
) -> None:
    """Where /me/calls does not hold them, they are part of /me."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.set_calls("jdoe", [{"id": "1", "state": "Held"}])
        await server.answer(status, json.dumps(first), path=CALLS_PATH)
        (call,) = await agent.session.calls()
        assert isinstance(call, CallResource)
        assert call.call_id == "1"


async def test_a_read_is_an_answer_only_while_polls_are_answered() -> None:
    """It shows what is; where polls fail, it does not show what becomes of it."""
    async with cometd_server(timeout_s=1) as server, live_agent(server) as agent:
        polled_at_s = agent.session.answered_at_s
        assert polled_at_s is not None
        await agent.session.calls()
        read_at_s = agent.session.answered_at_s
        assert read_at_s is not None
        assert read_at_s > polled_at_s
        await server.answer(502, "", path=NOTIFICATIONS_PATH)
        await agent.poll()
        assert len(agent.errors) == 1
        await agent.session.calls()
        assert agent.session.answered_at_s == read_at_s


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, "<html>", ProviderUnavailableError),
        (200, '{"statusCode":4}', ProviderUnavailableError),
        (200, '{"statusCode":5}', ProviderLockedError),
        (403, '{"statusCode":3}', ProviderLockedError),
        (500, '{"statusCode":4}', ProviderUnavailableError),
    ],
)
async def test_calls_that_cannot_be_read_are_no_empty_list(
    status: int, body: str, error: type[Exception]
) -> None:
    """An error is told as one, or calls would seem to have ended."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.answer(status, body, path=CALLS_PATH)
        with pytest.raises(error):
            await agent.session.calls()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            200,
            '{"statusCode":2,"statusMessage":"no"}',
            "not valid in the current state (no)",
        ),
        (404, '{"statusCode":6}', "not found"),
        (403, '{"statusCode":5}', "no permission"),
        (400, "<html>", "HTTP 400"),
        (
            500,
            '{"statusCode":4,"statusMessage":"Device \'5001\' is not registered."}',
            "internal error (Device '5001' is not registered.)",
        ),
    ],
)
async def test_a_refused_command_says_why(status: int, body: str, reason: str) -> None:
    """A statusCode that is not 0, or a 4xx: it was not taken."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.answer(status, body, path=f"{CALLS_PATH}/1")
        with pytest.raises(CommandRefusedError) as caught:
            await agent.session.post_operation("1", "StartCallRecording")
        assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("status", "body"), [(200, "<html>"), (200, ""), (502, ""), (429, "")]
)
async def test_a_command_whose_fate_is_unknown_is_not_refused(
    status: int, body: str
) -> None:
    """It may have been taken: the session says so and does not repeat it."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.answer(status, body, path=f"{CALLS_PATH}/1")
        with pytest.raises(ProviderUnavailableError):
            await agent.session.post_operation("1", "StartCallRecording")
        sent = [r for r in await server.requests() if r.path == f"{CALLS_PATH}/1"]
        assert len(sent) == 1


async def test_a_command_before_a_renewal_that_fails_was_not_taken() -> None:
    """It was refused; whether the login is good is not known yet."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.answer(403, NOT_LOGGED_IN, path=f"{CALLS_PATH}/1")
        await server.answer(503, "", path=ME)
        with pytest.raises(ProviderUnavailableError) as caught:
            await agent.session.post_operation("1", "PauseCallRecording")
        assert not caught.value.taken
        sent = [r for r in await server.requests() if r.path == f"{CALLS_PATH}/1"]
        assert len(sent) == 1


async def test_a_command_is_not_repeated_long_after_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A login that takes long leaves it untaken; reads are repeated however late."""
    monkeypatch.setattr(client, "REPEATED_WITHIN_S", 0.0)
    async with cometd_server() as server, live_agent(server) as agent:
        await server.set_calls("jdoe", [{"id": "1", "state": "Held"}])
        await server.answer(403, NOT_LOGGED_IN, path=f"{CALLS_PATH}/1")
        with pytest.raises(ProviderUnavailableError, match="renewed first") as caught:
            await agent.session.post_operation("1", "PauseCallRecording")
        assert not caught.value.taken
        asked = [r.path for r in await server.requests()]
        assert (asked[-1], asked.count(f"{CALLS_PATH}/1")) == (ME, 1)
        await server.answer(403, NOT_LOGGED_IN, path=CALLS_PATH)
        assert len(await agent.session.calls()) == 1
        await agent.session.post_operation("1", "PauseCallRecording")


async def test_a_call_id_cannot_leave_its_place_in_the_path() -> None:
    """It is quoted."""
    async with cometd_server() as server, live_agent(server) as agent:
        with pytest.raises(CommandRefusedError):
            await agent.session.post_operation("../x?y", "StartCallRecording")
        assert (await server.requests())[-1].path == f"{CALLS_PATH}/..%2Fx%3Fy"


async def test_a_contact_centre_session_is_started_on_request_only() -> None:
    """Watching alone sends no operation."""
    async with cometd_server() as server, live_agent(server) as agent:
        assert ME not in [r.path for r in await server.requests()]
        await agent.session.start_session()
        last = (await server.requests())[-1]
        assert json.loads(last.body) == {
            "operationName": "StartContactCenterSession",
            "channels": ["voice"],
        }


async def test_commands_go_out_while_a_poll_is_held() -> None:
    """They have a connection of their own."""
    async with cometd_server() as server, live_agent(server) as agent:
        await server.set_calls("jdoe", [{"id": "1", "state": "Held"}])
        polling = asyncio.create_task(agent.until(1))
        await poll_is_held(server)
        await agent.session.post_operation("1", "ResumeCallRecording")
        await server.publish({"n": 1}, user="jdoe")
        assert await polling == [{"n": 1}]
