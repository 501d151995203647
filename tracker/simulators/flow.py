"""Bodies that are made while they are sent, however long they are."""

import asyncio
from collections.abc import Callable, Iterator
from typing import NoReturn

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload


class Flow(Payload):
    """A body of chunks, of which none is kept.

    Args:
        chunks: Makes them.
        content_type: Of the whole.
        size_bytes: Of the whole; None: not known, it is sent chunked.
        bytes_per_s: How fast it is sent; None: as fast as it is taken.
    """

    _autoclose = True

    def __init__(
        self,
        chunks: Callable[[], Iterator[bytes]],
        content_type: str,
        size_bytes: int | None,
        bytes_per_s: float | None = None,
    ) -> None:
        super().__init__(chunks, content_type=content_type)
        self._size = size_bytes
        self._chunks = chunks
        self._bytes_per_s = bytes_per_s

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:
        """It is no text."""
        raise TypeError("a flow is no text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send all of it."""
        await self.write_with_length(writer, None)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send only so many bytes of it; None: all."""
        left, due_s = content_length, asyncio.get_running_loop().time()
        for chunk in self._chunks():
            if left is not None and left <= len(chunk):
                await writer.write(chunk[:left])
                return
            left = None if left is None else left - len(chunk)
            await writer.write(chunk)
            if self._bytes_per_s is not None:
                due_s += len(chunk) / self._bytes_per_s
                await asyncio.sleep(due_s - asyncio.get_running_loop().time())
