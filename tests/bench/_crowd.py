"""Many WebSocket clients in one process that do nothing but count what they get."""

import contextlib
import json
import os
import resource
import select
import socket
from collections.abc import Iterable
from ctypes import c_uint64

_HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: tracker.v1\r\n\r\n"
)
_CHUNK = 1 << 20


def pin(core: int) -> None:
    """Keep this process on one core, where the system lets it choose."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > core:
        os.sched_setaffinity(0, {cores[core]})


def raise_file_limit() -> None:
    """As many sockets as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(port: int, filters: Iterable[dict[str, object]], received: c_uint64) -> None:
    """Subscribe once per filter, then count bytes into *received* for ever."""
    raise_file_limit()
    pin(1)
    epoll = select.epoll()
    sockets = {}
    for wanted in filters:
        client = _subscribed(port, wanted)
        sockets[client.fileno()] = client
        epoll.register(client, select.EPOLLIN)
    buffer = bytearray(_CHUNK)
    while True:
        for number, _ in epoll.poll():
            with contextlib.suppress(BlockingIOError):
                received.value += sockets[number].recv_into(buffer)


def _subscribed(port: int, wanted: dict[str, object]) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(_HANDSHAKE)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += client.recv(1)
    if b" 101 " not in answer:
        raise ConnectionError(answer.decode())
    asked = {"op": "subscribe", "id": "bench", "filter": wanted}
    client.sendall(_masked(json.dumps(asked).encode()))
    client.setblocking(False)
    return client


def _masked(payload: bytes) -> bytes:
    """One client's text frame under a mask of zeros."""
    return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload
