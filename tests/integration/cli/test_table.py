"""The live table, drawn and on a terminal."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.integration.http.site import BEGUN_AT, call, serving, source
from tracker.cli.table import age, draw
from tracker.client import LiveCalls
from tracker.client.follower import Begun, Lost, Mark, Page
from tracker.domain.snapshot import CallSnapshot, Issue, SourceSnapshot


def drawn(live: LiveCalls, rows: int = 10) -> str:
    out = StringIO()
    Console(file=out, width=120).print(draw(live, "ws://server", rows))
    return out.getvalue()


def known(*calls: CallSnapshot, sources: tuple[SourceSnapshot, ...] = ()) -> LiveCalls:
    live = LiveCalls(clock=lambda: 0.0)
    live.apply(Begun(fresh=True))
    items = [
        [item.model_dump(mode="json") for item in kind] for kind in (calls, sources)
    ]
    live.apply(Page(items[0], items[1], [], last=True))
    live.apply(Mark(True, BEGUN_AT.replace(minute=2)))
    return live


def test_a_row_says_who_what_and_for_how_long() -> None:
    """A call's row has its agents, its state, the state's age and the issues."""
    issue = Issue(type="paused_long", opened_at=BEGUN_AT)
    shown = call("c1", "paused", agents=("ann", "bob"))
    text = drawn(known(shown.model_copy(update={"issues": (issue,)})))
    for word in ("acme c1", "ann, bob", "paused", "1:50", "paused_long"):
        assert word in text
    assert "1 live calls" in text


def test_what_is_not_current_is_unknown() -> None:
    """Without a connection every state is unknown, ageless, and a banner says why."""
    live = known(call("c1", "recording"))
    live.apply(Lost("connection refused"))
    text = drawn(live)
    assert "NOT LIVE" in text
    assert "connection refused" in text
    assert "unknown (was recording)" in text
    assert "1:50" not in text


def test_issues_come_first_and_the_rest_is_counted() -> None:
    """Calls that need attention are not among those that find no room."""
    issue = Issue(type="not_recording", opened_at=BEGUN_AT)
    calls = [call(f"c{number}") for number in range(5)]
    calls[4] = calls[4].model_copy(update={"issues": (issue,)})
    text = drawn(known(*calls), rows=2)
    assert "c4" in text
    assert "c0" in text
    assert "c1" not in text
    assert "… and 3 more calls" in text


def test_sources_that_are_not_well_are_named() -> None:
    """Health counts those that are up, and names the first that are not."""
    sources = [source(f"s{number}", "down") for number in range(5)] + [source("up")]
    text = drawn(known(sources=tuple(sources)))
    assert "sources: 1 up" in text
    assert "genesys/acme/s0 down" in text
    assert "… and 2 more" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59, "0:59"), (3661, "1:01:01"), (-5, "0:00")]
)
def test_ages_are_read_by_people(seconds: int, text: str) -> None:
    """Minutes and seconds, hours when there are any, never negative."""
    assert age(BEGUN_AT.isoformat(), BEGUN_AT + timedelta(seconds=seconds)) == text


@asynccontextmanager
async def on_a_terminal(*arguments: str, cwd: Path) -> AsyncIterator["Terminal"]:
    """`tracker` with *arguments* on a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tracker", *arguments),
        cwd=cwd,
        env={**os.environ, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", 0)
    )
    try:
        yield Terminal(process, reader)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        transport.close()


class Terminal:
    """What a person sees and presses."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader
    ) -> None:
        self.process = process
        self._reader = reader
        self._seen = ""

    async def shows(self, *words: str) -> None:
        """Wait until all of *words* have been shown since the last time."""
        while not all(word in self._seen for word in words):
            self._seen += (await self._reader.read(65536)).decode(errors="replace")
        self._seen = ""


async def test_watch_is_live_on_a_terminal(tmp_path: Path) -> None:
    """The table moves with the calls, greys without its server, ends by Ctrl-C."""
    async with AsyncExitStack() as server:
        site = await server.enter_async_context(serving())
        site.show(call("c1"))
        arguments = ("watch", "--url", site.url)
        async with on_a_terminal(*arguments, cwd=tmp_path) as terminal:
            await terminal.shows("acme c1", "jdoe", "recording")
            site.show(call("c1", "paused", version=2), "recording.paused")
            await terminal.shows("paused")
            site.show(source(state="down"), "source.down")
            await terminal.shows("sources: 0 up", "genesys/acme/jdoe down")
            await server.aclose()
            await terminal.shows("NOT LIVE", "unknown (was paused)")
            terminal.process.send_signal(signal.SIGINT)
            async with asyncio.timeout(2):
                assert await terminal.process.wait() == 0
