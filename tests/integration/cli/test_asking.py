"""`tracker pause` and its like, as processes: what they print, how they end."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.integration.cli.test_commands import done, line_with, started
from tests.integration.http.kept_site import KeptSite, keeping
from tests.integration.http.site import JWT
from tests.integration.http.test_client import answering
from tests.integration.servers import Server, free_port
from tracker.cli.command import stages

CALL = "genesys/acme/c1"


@pytest.fixture
async def site(valkey_server: Server) -> AsyncIterator[KeptSite]:
    """With access tokens, and a call of jdoe's that is recorded."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        await site.show(CALL)
        yield site


@pytest.fixture
def variables(site: KeptSite) -> dict[str, str]:
    return {"TRACKER_URL": site.url, "TRACKER_TOKEN": site.token()}


async def asked(site: KeptSite) -> str:
    """The id of the command, once it is served that there is one."""
    shown = await site.until(CALL, lambda call: call["command"] is not None)
    return str(shown["command"]["id"])


async def ended(process: Process) -> tuple[int | None, str, str]:
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_each_stage_is_a_line_until_it_is_confirmed(
    site: KeptSite, variables: dict[str, str], tmp_path: Path
) -> None:
    """Printed as it comes; exit 0 means that it is proved."""
    arguments = ("pause", CALL, "--reason", "payment", "--wait", "30")
    async with started(*arguments, cwd=tmp_path, **variables) as process:
        assert f"pause {CALL}" in await line_with("requested", process.stdout)
        await site.answer(CALL, await asked(site))
        await line_with("accepted", process.stdout)
        await site.show(CALL, "paused")
        await line_with("confirmed", process.stdout)
        assert await ended(process) == (0, "", "")
    shown = site.shown(CALL) or {}
    assert shown["command"]["reason"] == "payment"


async def test_without_waiting_taken_is_enough(
    site: KeptSite, variables: dict[str, str], tmp_path: Path
) -> None:
    """Exit 0; a second one is refused in one sentence, with whose is in the way."""
    status, out, err = await done("pause", CALL, cwd=tmp_path, **variables)
    assert (status, err) == (0, "")
    assert out.count("\n") == 1
    assert "requested" in out
    status, out, err = await done("stop", CALL, cwd=tmp_path, **variables)
    assert (status, out) == (1, "")
    assert err.startswith("tracker: another command of this call is under way")
    assert "(pause by jdoe)" in err
    assert err.count("\n") == 1


async def test_what_is_refused_is_no_success(
    site: KeptSite, variables: dict[str, str], tmp_path: Path
) -> None:
    """Exit 1 and the platform's reason."""
    arguments = ("pause", CALL, "--wait", "30", "--agent", "jdoe")
    async with started(*arguments, cwd=tmp_path, **variables) as process:
        await site.answer(CALL, await asked(site), "refused", "not this one")
        status, out, err = await ended(process)
    assert (status, err) == (1, "tracker: refused: not this one\n")
    assert "refused" in out


async def test_what_is_not_proved_in_time_is_no_success(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """Exit 1, and how far it came."""
    arguments = ("pause", CALL, "--wait", "1")
    status, _, err = await done(*arguments, cwd=tmp_path, **variables)
    assert status == 1
    assert err == "tracker: not confirmed within 1 s: it is only requested\n"


async def test_who_waits_outlasts_a_server_that_is_busy(tmp_path: Path) -> None:
    """A 429, 503 or 504 is no end; when time is up, what is known is said."""
    answers = [busy(504), told("sent"), busy(503), busy(429), told("confirmed", "t3")]

    async def handler(_request: web.Request) -> web.Response:
        return answers.pop(0)

    async with answering(handler) as url:
        waiting = ("pause", CALL, "--url", url, "--wait")
        status, out, err = await done(*waiting, "60", cwd=tmp_path)
        assert (status, err, answers) == (0, "", [])
        assert [line.split()[1] for line in out.splitlines()] == [
            *("requested", "sent", "confirmed"),
        ]
        answers = [told("sent"), busy(503, after="60")]
        status, _, err = await done(*waiting, "30", cwd=tmp_path)
        assert (status, answers) == (1, [])
        assert err == "tracker: busy: it was taken, and sent when last heard of\n"
        answers = [busy(503, after="60")]
        assert await done(*waiting, "30", cwd=tmp_path) == (1, "", "tracker: busy\n")
        answers = [busy(504, type="urn:tracker:problem:not-shown")]
        assert await done(*waiting, "30", cwd=tmp_path) == (1, "", "tracker: busy\n")


def told(stage: str, settled_at: str | None = None) -> web.Response:
    times = {"requested_at": "t1", "sent_at": "t2", "settled_at": settled_at}
    return web.json_response({"stage": stage, "problem": None, **times})


def busy(status: int, after: str = "1", **more: str) -> web.Response:
    problem = {"status": status, "detail": "busy", **more}
    return web.json_response(problem, status=status, headers={"Retry-After": after})


async def test_an_interrupted_wait_is_no_success(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """Ctrl-C ends the waiting, not the command."""
    arguments = ("pause", CALL, "--wait", "100")
    async with started(*arguments, cwd=tmp_path, **variables) as process:
        await line_with("requested", process.stdout)
        process.terminate()
        status, _, err = await ended(process)
    assert (status, err) == (1, "tracker: interrupted: what was taken goes on\n")


async def test_bad_input_is_one_sentence(
    site: KeptSite, variables: dict[str, str], tmp_path: Path
) -> None:
    """Exit 2: it can be put right."""
    tokenless = variables | {"TRACKER_TOKEN": ""}
    for arguments, given, says in (
        (("pause", "c1"), variables, "provider/account/id"),
        (("pause", CALL, "--reason", "fun"), variables, "there are payment,"),
        (("pause", CALL, "--url", "x"), variables, "write http://host:port"),
        (("pause", CALL, "--deadline", "0.5"), variables, "--deadline"),
        (("pause", "genesys/acme/none"), variables, "no such call"),
        (("pause", CALL), tokenless, "give a good --token"),
    ):
        status, out, err = await done(*arguments, cwd=tmp_path, **given)
        assert (status, out) == (2, ""), err
        assert says in err
    assert (site.shown(CALL) or {})["command"] is None


async def test_what_is_unanswered_is_no_success(tmp_path: Path) -> None:
    """Exit 1; what may have been done is told from what only was not told."""
    absent = f"http://127.0.0.1:{free_port()}"
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    silent = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    pause, listing = ("pause", CALL), ("recordings", "list")
    async with server:
        for arguments, url, says in (
            (pause, silent, "nobody knows what became of it"),
            (pause, absent, f"no answer of {absent}"),
            (listing, silent, f"no answer of {silent}"),
            (listing, absent, f"no answer of {absent}"),
        ):
            status, _, err = await done(*arguments, "--url", url, cwd=tmp_path)
            assert status == 1
            assert err.startswith(f"tracker: {says}: ")


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hear a request, and answer nothing."""
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


def test_stages_that_were_not_seen_are_known_by_their_times() -> None:
    """What happened between two looks is told all the same."""
    command = {
        "stage": "contradicted",
        "requested_at": "t1",
        "sent_at": "t2",
        "accepted_at": None,
        "settled_at": "t3",
    }
    assert list(stages(command)) == [
        ("requested", "t1"),
        ("sent", "t2"),
        ("contradicted", "t3"),
    ]
