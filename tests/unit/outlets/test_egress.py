"""The guard: hostile addresses and why each is refused; good ones pass."""

import asyncio
import gc
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.servers import until
from tracker.outlets.egress import (
    MOST_LOOK_UPS,
    EgressRefusedError,
    Guard,
    look_up,
)

PUBLIC = "93.184.215.14"

NAMES = {
    "good.example": [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
    "private.example": ["10.0.0.5"],
    "mixed.example": [PUBLIC, "192.168.1.1"],
    "metadata.example": ["169.254.169.254"],
    "loop.example": ["127.0.0.1"],
    "loop6.example": ["::1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "ula.example": ["fd00:ec2::254"],
    "zone.example": ["fe80::1%eth0"],
    "empty.example": [],
}


async def lookup(host: str, _port: int) -> Sequence[str]:
    """As a resolver would that answers for number-like names too."""
    if host in NAMES:
        return NAMES[host]
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


def guard(*, allow_loopback: bool = False) -> Guard:
    return Guard(allow_loopback=allow_loopback, lookup=lookup)


HOSTILE = [
    # other schemes
    ("http://good.example/", "only https"),
    ("ftp://good.example/", "only https"),
    ("file:///etc/passwd", "only https"),
    ("gopher://good.example:70/_", "only https"),
    ("javascript:alert(1)", "only https"),
    ("data:text/plain,x", "only https"),
    ("//good.example/", "only https"),
    ("good.example", "only https"),
    # addresses in usual and unusual forms
    ("https://127.0.0.1/", "loopback"),
    ("https://127.255.255.254/", "loopback"),
    ("https://0.0.0.0/", "unspecified"),
    ("https://10.1.2.3/", "private"),
    ("https://172.16.0.1/", "private"),
    ("https://192.168.0.1/", "private"),
    ("https://169.254.169.254/latest/meta-data/", "link-local"),
    ("https://100.100.100.200/", "special"),
    ("https://168.63.129.16/", "special"),
    ("https://192.0.0.192/", "not sent to"),
    ("https://198.18.0.1/", "not sent to"),
    ("https://192.88.99.1/", "not sent to"),
    ("https://203.0.113.9/", "not sent to"),
    ("https://224.0.0.1/", "multicast"),
    ("https://240.0.0.1/", "reserved"),
    ("https://255.255.255.255/", "reserved"),
    ("https://2130706433/", "unusual form"),
    ("https://017700000001/", "unusual form"),
    ("https://0x7f000001/", "unusual form"),
    ("https://0x7f.0.0.1/", "unusual form"),
    ("https://0177.0.0.1/", "unusual form"),
    ("https://127.1/", "unusual form"),
    ("https://127.0.1/", "unusual form"),
    ("https://10.0.0.01/", "unusual form"),
    ("https://1.2.3.4.5/", "unusual form"),
    ("https://999.1.1.1/", "no address"),
    ("https://127.0.0.1./", "loopback"),
    ("https://0x/", "unusual form"),
    # version 6
    ("https://[::1]/", "loopback"),
    ("https://[::]/", "unspecified"),
    ("https://[::ffff:127.0.0.1]/", "not sent to"),
    ("https://[::ffff:a9fe:a9fe]/", "not sent to"),
    ("https://[::127.0.0.1]/", "not sent to"),
    ("https://[::ffff:0:127.0.0.1]/", "not sent to"),
    ("https://[fe80::1]/", "link-local"),
    ("https://[fe80::1%25eth0]/", "zone"),
    ("https://[fe80::1%eth0]/", "zone"),
    ("https://[fd00::1]/", "private"),
    ("https://[fec0::1]/", "not sent to"),
    ("https://[ff02::1]/", "multicast"),
    ("https://[2002:7f00:1::]/", "not sent to"),
    ("https://[2002:a00:1::1]/", "not sent to"),
    ("https://[64:ff9b::7f00:1]/", "not sent to"),
    ("https://[64:ff9b:1::a00:1]/", "not sent to"),
    ("https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "not sent to"),
    ("https://[2606:4700::5efe:10.0.0.1]/", "private"),
    ("https://[2001:db8::1]/", "not sent to"),
    # names
    ("https://localhost/", "own network"),
    ("https://LOCALHOST/", "own network"),
    ("https://localhost./", "own network"),
    ("https://a.localhost/", "own network"),
    ("https://metadata.google.internal/", "own network"),
    ("https://printer.local/", "own network"),
    ("https://private.example/", "private"),
    ("https://mixed.example/", "private"),
    ("https://metadata.example/", "link-local"),
    ("https://loop.example/", "loopback"),
    ("https://loop6.example/", "loopback"),
    ("https://mapped.example/", "not sent to"),
    ("https://ula.example/", "private"),
    ("https://zone.example/", "zone"),
    ("https://empty.example/", "not known"),
    ("https://unknown.example/", "not known"),
    # tricks
    ("https://good.example@127.0.0.1/", "user"),
    ("https://user:secret@good.example/", "user"),
    ("https://@good.example/", "user"),
    ("https://127.0.0.1#@good.example/", "fragment"),
    ("https://good.example/#x", "fragment"),
    ("https://good.example\\@127.0.0.1/", "visible"),
    ("https://127.0.0.1\\.good.example/", "visible"),
    ("https://good.example /", "visible"),
    ("https://good.example\r\nHost: x/", "visible"),
    ("https://g\u043e\u043ed.example/", "visible"),
    ("https://\uff11\uff12\uff17.0.0.1/", "visible"),
    ("https://%31%32%37.0.0.1/", "no name"),
    ("https:///", "no name"),
    ("https://", "no name"),
    ("https://-.example/", "no name"),
    ("https://a..b/", "no name"),
    (f"https://{'a' * 64}.example/", "no name"),
    ("https://good.example:22/", "port"),
    ("https://good.example:0/", "port"),
    ("https://good.example:80/", "port"),
    ("https://good.example:65536/", "no address of the Web"),
    ("https://good.example:x/", "no address of the Web"),
    ("https://[::1/", "no address of the Web"),
    ("https://good.example/" + "a" * 2048, "2048"),
]


def test_the_table_is_as_long_as_promised() -> None:
    """Forty at least, each of its own."""
    assert len({url for url, _ in HOSTILE}) == len(HOSTILE) >= 40


@pytest.mark.parametrize(("url", "why"), HOSTILE)
async def test_what_is_hostile_is_refused_with_a_reason(url: str, why: str) -> None:
    """Before anything is sent, in words that tell nothing of our network."""
    with pytest.raises(EgressRefusedError, match=why):
        await guard().vet(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example",
        "https://good.example/hook?x=1",
        "https://GOOD.example:443/",
        "https://good.example:8443/",
        f"https://{PUBLIC}/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
        "https://[64:ff9b::5db8:d70e]/",
    ],
)
async def test_what_is_public_passes(url: str) -> None:
    """Names, addresses, and the usual ports."""
    await guard().vet(url)


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]:8080/", True),
        ("https://127.0.0.1:8443/", True),
        ("http://10.0.0.1/", False),
        ("http://good.example/", False),
        ("http://[::ffff:127.0.0.1]/", False),
        ("https://private.example/", False),
        ("http://169.254.169.254/", False),
    ],
)
async def test_loopback_may_be_allowed_and_nothing_else(url: str, passes: bool) -> None:
    """For a demo, and for tests."""
    if passes:
        await guard(allow_loopback=True).vet(url)
        return
    with pytest.raises(EgressRefusedError):
        await guard(allow_loopback=True).vet(url)


async def test_a_connection_gets_what_was_vetted_and_nothing_else() -> None:
    """The very addresses that were looked at, in the form that needs no look-up."""
    found = await guard().resolve("good.example", 443)
    assert [one["host"] for one in found] == NAMES["good.example"]
    assert {one["flags"] for one in found} == {
        socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    }
    for family in (socket.AF_INET, socket.AF_INET6):
        of = await guard().resolve("good.example", 443, family)
        assert [one["family"] for one in of] == [family]


async def test_a_name_that_turns_private_after_the_check_is_refused() -> None:
    """Every connection is vetted anew: there is no time between check and use."""
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    turning = Guard(allow_loopback=False, lookup=rebinding)
    await turning.vet("https://rebound.example/")
    with pytest.raises(EgressRefusedError):
        await turning.resolve("rebound.example", 443)


@dataclass
class NameServer:
    """What this machine's resolver asks.

    Attributes:
        asked: For these.
        answers: Also for names that begin with ``dead``, that there are none.
    """

    asked: list[str] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)

    def getaddrinfo(
        self, host: str, port: int, *_: object, **__: object
    ) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        if host.startswith("dead"):
            self.answers.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, port))]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.answers.set()


async def test_a_dead_name_keeps_only_itself_waiting(server: NameServer) -> None:
    """Whoever asks for it, in one thread, which is none of the event loop's."""
    asking = [asyncio.create_task(look_up("dead.example", 443)) for _ in range(100)]
    async with asyncio.timeout(10):
        assert await look_up("good.example", 443) == [PUBLIC]
        await asyncio.to_thread(server.answers.set)
        answers = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(answer, socket.gaierror) for answer in answers)
    assert server.asked.count("dead.example") == 1


async def test_what_was_given_up_leaves_nothing(
    server: NameServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor do too many at a time, or a name that nobody can look up."""
    names = [f"dead{number}.example" for number in range(MOST_LOOK_UPS)]
    asking = [asyncio.create_task(look_up(name, 443)) for name in names]
    await asyncio.sleep(0)  # until all have asked
    with pytest.raises(OSError, match="too many"):
        await look_up("good.example", 443)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    server.answers.set()
    await until(lambda: not look_up.under_way)
    assert await look_up("good.example", 443) == [PUBLIC]
    gc.collect()
    assert not caplog.records


async def test_a_name_that_breaks_the_resolver_is_told_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for it in vain."""

    def broken(*_: object, **__: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    for _ in range(2):
        async with asyncio.timeout(10):
            with pytest.raises(OSError, match="label too long"):
                await look_up("odd.example", 443)


SILENT = """
import asyncio, contextlib, socket, threading
from tracker.outlets.egress import look_up

socket.getaddrinfo = lambda *_, **__: threading.Event().wait()

async def main():
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(look_up("dead.example", 443), 0.01)

asyncio.run(main())
"""


def test_a_dead_name_does_not_keep_the_process_from_its_end() -> None:
    """Nobody waits for what was given up."""
    command = [sys.executable, "-c", SILENT]
    assert subprocess.run(command, timeout=30, check=False).returncode == 0  # noqa: S603 our own
