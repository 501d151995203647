"""The whole of tracker, as its users run it: in this process, or as one to be killed.

Both ways begin with a `tracker.toml` that `write_config` makes.
"""

import asyncio
import csv
import json
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.integration.subscriber import Json
from tracker import app
from tracker.domain.placement import Role
from tracker.settings import load

READY_S = 20.0
_POLL_S = 0.02

Section = Mapping[str, object]


def write_config(
    directory: Path,
    genesys: Section | None,
    accounts: Mapping[str, Section] | None = None,
    **sections: Section,
) -> Path:
    """A `tracker.toml` with one account, any free port, and a store of its own.

    Args:
        directory: Where it is written; relative paths begin there.
        genesys: The account's settings over ``account = "acme"``; None = no account.
        accounts: Other accounts by the name of their section, one of each.
        sections: Of the file, over the defaults of tests.
    """
    defaults: dict[str, Section] = {
        "server": {"port": 0},
        "store": {"data_dir": "store"},
    }
    names = [*defaults, *(name for name in sections if name not in defaults)]
    parts = [
        _table(f"[{name}]", {**defaults.get(name, {}), **sections.get(name, {})})
        for name in names
    ]
    if genesys is not None:
        parts.append(_table("[[genesys]]", {"account": "acme", **genesys}))
    for name, fields in (accounts or {}).items():
        parts.append(_table(f"[[{name}]]", fields))
    file = directory / "tracker.toml"
    file.write_text("\n".join(parts))
    return file


def write_agents(directory: Path, names: Iterable[str]) -> Path:
    """An agents file: everybody's login is their name, their password `<name>'s`."""
    file = directory / "agents.csv"
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("id", "username", "password"))
        rows.writerows((name, name, f"{name}'s") for name in names)
    return file


def _table(head: str, fields: Section) -> str:
    lines = (f"{name} = {_value(value)}" for name, value in fields.items())
    return "\n".join([head, *lines, ""])


def _value(value: object) -> str:
    """As TOML has it; tables in a list are written in place."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        fields = (f"{name} = {_value(inner)}" for name, inner in value.items())
        return f"{{{', '.join(fields)}}}"
    return json.dumps(value)


@asynccontextmanager
async def running_tracker(
    config: Path, roles: Sequence[Role] = ()
) -> AsyncIterator[str]:
    """Tracker in this process, and the URL at which it serves."""
    settings = load(config)
    wanted = frozenset(roles) or settings.roles
    served: asyncio.Queue[str] = asyncio.Queue()

    def on_ready(ready: app.Running) -> None:
        served.put_nowait(ready.url)

    running = asyncio.create_task(app.run(settings, wanted, on_ready=on_ready))
    running.add_done_callback(lambda _: served.put_nowait(""))
    try:
        url = await served.get()
        if running.done():
            await running
        yield url
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


class TrackerProcess:
    """`python -m tracker run`, to be killed, stopped and started again.

    Args:
        config: Its settings file; stderr goes beside it, by role.
        roles: Of this process; none = all.

    Attributes:
        url: Where it serves since its last start; empty when it does not.
        program: What Python runs at the next start.
    """

    def __init__(self, config: Path, roles: Sequence[Role] = ()) -> None:
        self.url = ""
        self.program: Sequence[str] = ("-m", "tracker")
        self._config = config
        self._roles = roles
        self._log = config.with_name("-".join(["tracker", *roles, "log"]))
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        """What all starts wrote to stderr."""
        return self._log.read_text()

    async def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        roles = [word for role in self._roles for word in ("--role", role)]
        command = [*self.program, "run", "--config", str(self._config), *roles]
        begin = len(self.log) if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *command, stdout=log, stderr=log
            )
        async with asyncio.timeout(READY_S):
            while "(Ctrl-C ends it)" not in self.log[begin:]:
                assert self._process.returncode is None, self.log[begin:]
                await asyncio.sleep(_POLL_S)
        said = self.log[begin:].partition("tracker serves at")[2].split()
        self.url = next((word for word in said if word.startswith("http")), "")

    def signal(self, number: signal.Signals) -> None:
        """Send *number*: SIGSTOP and SIGCONT, say."""
        assert self._process
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def tracker_process(
    config: Path, roles: Sequence[Role] = ()
) -> AsyncIterator[TrackerProcess]:
    """A started `TrackerProcess`, killed at the end."""
    process = TrackerProcess(config, roles)
    try:
        await process.start()
        yield process
    finally:
        await process.kill()


async def until_ready(url: str) -> None:
    """Wait until the process at *url* should get traffic."""
    async with asyncio.timeout(READY_S), aiohttp.ClientSession(url) as http:
        while True:
            async with http.get("/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(_POLL_S)


async def get(url: str, path: str) -> Json:
    """The JSON object at *path*."""
    async with aiohttp.ClientSession(url) as http, http.get(path) as answer:
        answer.raise_for_status()
        found: Json = await answer.json()
        return found


async def metric(url: str, name: str, label: str) -> dict[str, float]:
    """The values of the metric *name*, by the value of *label*."""
    samples = await _samples(url, name)
    return {sample.labels[label]: sample.value for sample in samples}


async def until_metric(url: str, name: str, within_s: float = READY_S) -> None:
    """Wait until the metric *name* has a value."""
    for _ in range(int(within_s / _POLL_S)):
        if await _samples(url, name):
            return
        await asyncio.sleep(_POLL_S)
    raise TimeoutError(name)


async def _samples(url: str, name: str) -> list[Sample]:
    async with aiohttp.ClientSession(url) as http, http.get("/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    samples = (sample for family in families for sample in family.samples)
    return [sample for sample in samples if sample.name == name]
