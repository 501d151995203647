"""The commands, as processes: what they print, how they end."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.http.site import JWT, OPEN, SECRET, call, serving
from tests.integration.servers import Server, free_port
from tests.unit.outlets.shelf import Shelf
from tracker.cli import main
from tracker.outlets.auth import Authenticator, AuthSettings

CTRL_C_S = 2.0
TRACKER = (sys.executable, "-m", "tracker")


@asynccontextmanager
async def started(
    *arguments: str, cwd: Path, program: Sequence[str] = TRACKER, **variables: str
) -> AsyncIterator[Process]:
    """`tracker` with *arguments*, ended at the end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRACKER_")}
    process = await asyncio.create_subprocess_exec(
        *(*program, *arguments),
        cwd=cwd,
        env={**inherited, **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def done(
    *arguments: str, cwd: Path, program: Sequence[str] = TRACKER, **variables: str
) -> tuple[int, str, str]:
    """Run to the end: its status, stdout and stderr."""
    async with started(*arguments, cwd=cwd, program=program, **variables) as process:
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


async def interrupted(process: Process) -> int:
    """The status after Ctrl-C, which must come in time."""
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(CTRL_C_S):
        return await process.wait()


async def line_with(text: str, stream: asyncio.StreamReader | None) -> str:
    """The next line that holds *text*."""
    assert stream is not None
    async for line in stream:
        if text in line.decode():
            return line.decode()
    message = f"no line with {text}"
    raise AssertionError(message)


@pytest.mark.parametrize(
    ("arguments", "toml", "says"),
    [
        (("run",), None, "there is no tracker.toml here"),
        (("run", "--config", "nowhere.toml"), None, "nowhere.toml does not exist"),
        (("run",), "server.prot = 1", "did you mean port?"),
        (("run",), "[server", "is not TOML"),
        (("run", "--role", "serve"), "", "give store.url a server"),
        (("run", "--role", "sing"), "", "--role sing: there are ingest, keep, serve"),
        (("run",), 'store.url = "mysql://x"', "store.url must be"),
        (("check",), "keep.lost_after_s = 1", "keep.lost_after_s"),
        (("token",), "", 'auth.mode is "none"'),
        (("token",), 'auth.mode = "jwt"\nauth.secret_file = "s"', "let `tracker run`"),
        (("token", "--sub", ""), "", "--sub: say who it is for"),
        (("token", "--account", "acme"), "", "--account: write provider/account"),
        (("watch", "--url", "x"), None, "write http://host:port"),
        (("watch", "--since", "x"), None, "add --json"),
        (("watch", "--json", "--since", "x"), None, "--since x is no cursor"),
        (("watch", "--json", "--since", ""), None, "is no cursor"),
        (("watch",), None, "the table needs a terminal: add --json"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...],
    toml: str | None,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A fault that a person can put right is one line on stderr and exit 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["tracker", *arguments])
    if toml is not None:
        (tmp_path / "tracker.toml").write_text(toml)
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    last = err.strip().splitlines()[-1]
    assert (ended.value.code, out) == (2, "")
    assert last.startswith("tracker: ")
    assert says in last


async def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    """Also what is found out late, deep inside, is one line and exit 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "tracker.toml").write_text(f"server.port = {port}")
        status, _, err = await done("run", cwd=tmp_path)
    assert status == 2
    assert f"server.port {port} on 127.0.0.1 is in use" in err
    assert "Traceback" not in err


async def test_run_serves_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    """It says where it serves, makes the secret it lacks, and ends cleanly in time."""
    (tmp_path / "tracker.toml").write_text(
        'server.port = 0\nauth.mode = "jwt"\nauth.secret_file = "secret"'
    )
    async with started("run", cwd=tmp_path) as process:
        assert "secret" in await line_with("made a new secret", process.stderr)
        assert "http://127.0.0.1:" in await line_with("serves at", process.stderr)
        assert await interrupted(process) == 0
    status, out, _ = await done("token", "--expires", "1h", cwd=tmp_path)
    assert status == 0
    secret_file = tmp_path / "secret"
    settings = AuthSettings(mode="jwt", secret_file=secret_file)
    assert Authenticator(settings).principal(out.strip()).subject == "operator"


async def test_run_without_serving_says_what_it_does(
    valkey_server: Server, tmp_path: Path
) -> None:
    """There is no address to be told."""
    valkey_server.run("FLUSHALL")
    (tmp_path / "tracker.toml").write_text(f'store.url = "{valkey_server.url}"')
    roles = ("--role", "dispatch", "--role", "keep")
    async with started("run", *roles, cwd=tmp_path) as process:
        said = await line_with("Ctrl-C ends it", process.stderr)
        assert said == "tracker runs keep, dispatch (Ctrl-C ends it)\n"
        assert await interrupted(process) == 0


async def test_token_holds_what_was_asked_for(tmp_path: Path) -> None:
    """Subject, scopes and limits are options; the secret may be in a variable."""
    (tmp_path / "tracker.toml").write_text('auth.mode = "jwt"\nauth.secret_env = "S"')
    status, out, _ = await done(
        *("token", "--sub", "jdoe", "--scope", "calls:read sources:read"),
        *("--agent", "a", "--agent", "b", "--account", "genesys/acme"),
        cwd=tmp_path,
        S=SECRET,
    )
    assert status == 0
    principal = Authenticator(JWT).principal(out.strip())
    assert principal.subject == "jdoe"
    assert principal.scopes == {"calls:read", "sources:read"}
    assert principal.visibility.agents == frozenset({"a", "b"})
    assert principal.visibility.accounts == frozenset({"genesys/acme"})


async def test_watch_prints_events_as_lines(tmp_path: Path) -> None:
    """With --json every event is a line, from a cursor on, until Ctrl-C."""
    async with serving(OPEN) as site:
        cursor = str(site.projection.cursor)
        site.show(call("c1", agents=("a",)), "call.started")
        site.show(call("c2", agents=("b",)), "call.started")
        arguments = ("watch", "--url", site.url, "--json", "--agent", "b")
        async with started(*arguments, "--since", cursor, cwd=tmp_path) as process:
            event = json.loads(await line_with("specversion", process.stdout))
            assert event["subject"] == "genesys/acme/c2"
            assert await interrupted(process) == 0


async def test_watch_without_a_token_is_one_sentence(tmp_path: Path) -> None:
    """A server that wants a token says so, and how to give it."""
    async with serving(JWT) as site:
        variables = {"TRACKER_URL": site.url}
        status, _, err = await done("watch", "--json", cwd=tmp_path, **variables)
        assert status == 2
        assert "asks for a token: give a good --token" in err
        variables["TRACKER_TOKEN"] = site.token()
        arguments = ("watch", "--json", "--since", str(site.projection.cursor))
        site.show(call("c1"), "call.started")
        async with started(*arguments, cwd=tmp_path, **variables) as process:
            assert "call.started" in await line_with("specversion", process.stdout)
            assert await interrupted(process) == 0


async def test_watch_says_that_the_server_is_away(tmp_path: Path) -> None:
    """At once, on stderr, once; and goes on trying."""
    url = f"http://127.0.0.1:{free_port()}"
    async with started("watch", "--json", "--url", url, cwd=tmp_path) as process:
        assert url in await line_with("is tried again", process.stderr)
        await asyncio.sleep(1)
        assert await interrupted(process) == 0
        out, err = await process.communicate()
        assert (out, err) == (b"", b"")


async def test_who_reads_no_further_ends_it_quietly(tmp_path: Path) -> None:
    """As `| head -1` does."""
    shelf = Shelf("a")
    for number in range(3000):
        shelf.put(number)
    async with serving(archives=[shelf]) as site:
        script = f'"{sys.executable}" -m tracker recordings list | head -1'
        process = await asyncio.create_subprocess_shell(
            script,
            cwd=tmp_path,
            env={**os.environ, "TRACKER_URL": site.url},
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await process.communicate()
        assert out.decode().split()[-1] == "kazoo/a/r2999"
        assert err == b""


async def test_run_without_accounts_names_all_that_there_are(tmp_path: Path) -> None:
    """And serves all the same."""
    (tmp_path / "tracker.toml").write_text("server.port = 0")
    async with started("run", cwd=tmp_path) as process:
        line = await line_with("no account is configured", process.stderr)
        for name in ("genesys", "vonage_cc", "vonage_business", "kazoo"):
            assert f"[[{name}]]" in line
        await line_with("serves at", process.stderr)


@pytest.mark.parametrize(
    ("file", "begins", "says"),
    [
        ("secret", "ok ", "`tracker run` makes it"),
        ("none/secret", "bad", "cannot be written"),
    ],
)
async def test_check_takes_the_secret_that_run_makes(
    file: str, begins: str, says: str, tmp_path: Path
) -> None:
    """It is no fault that there is none yet; nothing is made here."""
    (tmp_path / "tracker.toml").write_text(
        f'auth.mode = "jwt"\nauth.secret_file = "{file}"'
    )
    _, out, _ = await done("check", cwd=tmp_path)
    (line,) = [line for line in out.splitlines() if " auth: " in line]
    assert line.startswith(begins)
    assert says in line
    assert not (tmp_path / file).exists()


async def test_check_has_a_line_for_everything(tmp_path: Path) -> None:
    """The store answers, an account that cannot be reached does not: exit 1."""
    (tmp_path / "tracker.toml").write_text(
        '[[genesys]]\naccount = "acme"\nbase_url = "http://127.0.0.1:9"\n'
        '[[genesys.agents]]\nid = "a"\nusername = "a"\npassword = "hush"\n'
    )
    status, out, err = await done("check", cwd=tmp_path)
    assert status == 1
    assert "ok  store: valkey" in out
    assert "bad genesys/acme: acme/a: GET /me: 127.0.0.1:9 cannot be reached" in out
    assert "hush" not in out + err
    assert not (tmp_path / "tracker-data").exists()


async def test_check_names_every_secret_that_is_missing(tmp_path: Path) -> None:
    """One account that cannot be opened does not hide what is wrong with the next."""
    (tmp_path / "tracker.toml").write_text(
        '[[vonage_cc]]\naccount = "k1"\nregion = "emea"\nclient_id = "x"\n'
        'client_secret_env = "NOT_SET_1"\n[[kazoo]]\naccount = "zoo"\n'
        'base_url = "http://127.0.0.1:9"\napi_key_env = "NOT_SET_2"\n'
    )
    status, out, _ = await done("check", cwd=tmp_path)
    assert status == 1
    assert "bad vonage_cc/k1: the environment variable NOT_SET_1 holds no" in out
    assert "bad kazoo/zoo: the environment variable NOT_SET_2 holds no" in out


async def test_replay_without_a_store_makes_none(tmp_path: Path) -> None:
    """There is nothing to replay."""
    status, _, err = await done("replay", cwd=tmp_path)
    assert status == 2
    assert "nothing was stored that could be replayed" in err
    assert not (tmp_path / "tracker-data").exists()


async def test_version(tmp_path: Path) -> None:
    """The version is that of the package."""
    status, out, _ = await done("version", cwd=tmp_path)
    assert (status, out.count(".")) == (0, 2)
