"""A proxy that misbehaves on demand."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal


class Proxy:
    """Stands before a server and passes everything on, until told otherwise."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._target_port = target_port
        self._spoiling: Literal["lose", "cut"] = "lose"
        self._requested: bytes | None = None
        self._spoilt: set[StreamWriter] = set()
        self._ends: set[StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def spoil(self, how: Literal["lose", "cut"], requested: bytes) -> None:
        """Lose the answer to the next request like this, or reset the connection."""
        self._spoiling = how
        self._requested = requested

    def cut(self) -> None:
        """Reset every connection."""
        for end in self._ends:
            end.transport.abort()

    def accept(self, client: StreamReader, to_client: StreamWriter) -> None:
        task = asyncio.create_task(self._serve(client, to_client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Reset every connection and see it end."""
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, client: StreamReader, to_client: StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(
            "127.0.0.1", self._target_port
        )
        ends = {to_client, to_server}
        self._ends |= ends
        ways = [
            asyncio.create_task(self._requests(client, to_server, to_client)),
            asyncio.create_task(self._answers(server, to_client)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.transport.abort()
        await asyncio.wait(ways)
        self._ends -= ends

    async def _requests(
        self, client: StreamReader, to_server: StreamWriter, to_client: StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await client.read(1 << 16):
                if self._requested and self._requested in data:
                    self._requested = None
                    self._spoilt.add(to_client)
                to_server.write(data)

    async def _answers(self, server: StreamReader, to_client: StreamWriter) -> None:
        with suppress(OSError):
            while data := await server.read(1 << 16):
                if to_client not in self._spoilt:
                    to_client.write(data)
                    continue
                self._spoilt.discard(to_client)
                if self._spoiling == "cut":
                    return


@asynccontextmanager
async def tcp_proxy(
    target_port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Proxy]:
    """A proxy before 127.0.0.1:*target_port*, taking TLS connections if asked to."""
    proxy = Proxy(target_port)
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0, ssl=tls)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.aclose()
        await listener.wait_closed()
