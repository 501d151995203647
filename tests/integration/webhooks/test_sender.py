"""The way that a request takes: straight to what was looked at, or by a proxy."""

import asyncio
import os
from asyncio import StreamReader, StreamWriter
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tracker.outlets.webhooks import opened_sender
from tracker.outlets.webhooks.sender import Answer
from tracker.outlets.webhooks.settings import WebhookSettings

HOST = "hook.example"
SETTINGS = WebhookSettings(allow_loopback=True, trust_env=True)


@dataclass
class Listener:
    """A server that hangs up after the first words.

    Attributes:
        heard: Those.
    """

    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.heard.append(await reader.read(1000))
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.accept, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


@pytest.fixture
async def endpoint() -> AsyncIterator[Listener]:
    """What our look-ups say that `HOST` is; nobody else knows it."""
    async with listening() as listener:
        yield listener


@pytest.fixture
async def proxy() -> AsyncIterator[Listener]:
    """What the environment may name."""
    async with listening() as listener:
        yield listener


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


async def post(port: int, address: str = "127.0.0.1") -> Answer:
    """What comes of a request to `HOST`, which has *address*."""

    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return [address]

    async with opened_sender(SETTINGS, lookup) as sender:
        return await sender.post(f"https://{HOST}:{port}/", {}, b"{}")


@pytest.mark.parametrize("spared", [True, False])
async def test_what_no_proxy_takes_goes_where_was_looked(
    endpoint: Listener, proxy: Listener, monkeypatch: pytest.MonkeyPatch, spared: bool
) -> None:
    """Although proxies may be used: none is named, or not for this host."""
    if spared:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", HOST)
    assert (await post(endpoint.port)).error
    assert len(endpoint.heard) == 1
    assert not proxy.heard


async def test_a_proxy_is_told_the_host(
    endpoint: Listener, proxy: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who asks, where the environment says so."""
    named = f"http://jdoe:secret@127.0.0.1:{proxy.port}"
    monkeypatch.setenv("HTTPS_PROXY", named)
    assert (await post(endpoint.port)).error
    [asked] = proxy.heard
    assert asked.startswith(f"CONNECT {HOST}:{endpoint.port} ".encode())
    assert b64encode(b"jdoe:secret") in asked
    assert not endpoint.heard


async def test_a_proxy_is_not_told_of_what_is_private(
    proxy: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as can be seen from here."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    answer = await post(8443, address="10.0.0.5")
    assert answer.error == "private addresses are not sent to"
    assert not proxy.heard
