"""Full reads of an account's channels, in which every channel has its call.

A list may leave out which call a channel is of: then each one's detail is asked for,
some at once, as fast as the server lets one.
"""

import asyncio
import random
from typing import Final

from tracker.errors import ProviderUnavailableError
from tracker.providers.backoff import backoff_s
from tracker.providers.kazoo.board import Board
from tracker.providers.kazoo.channel import FullRead
from tracker.providers.kazoo.client import KazooClient
from tracker.providers.kazoo.wire import ChannelDetail
from tracker.providers.wire import Garbled

_AT_ONCE: Final = 4
_MOST_TRIES: Final = 8


class Reads:
    """Of one account.

    Args:
        client: Asks.
        board: Knows which channels need no more asking.
    """

    def __init__(self, client: KazooClient, board: Board) -> None:
        self._client = client
        self._board = board
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def all(self) -> FullRead:
        """All live channels. Raises as the client does."""
        began_s = asyncio.get_running_loop().time()
        listed = await self._client.channels()
        read = FullRead(
            began_s,
            listed=[it for it in listed if isinstance(it, ChannelDetail)],
            garbled=[it for it in listed if isinstance(it, Garbled)],
        )
        wanted = [it.uuid for it in read.listed if self._board.needs_detail(it)]
        try:
            async with asyncio.TaskGroup() as group:
                asked = {it: group.create_task(self.detail(it)) for it in wanted}
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        read.details = {uuid: task.result() for uuid, task in asked.items()}
        return read

    async def detail(self, uuid: str) -> ChannelDetail | None:
        """One channel; None = it has ended. What is asked too fast is asked again."""
        tries = 0
        while True:
            try:
                async with self._turns:
                    return await self._client.channel(uuid)
            except ProviderUnavailableError as error:
                tries += 1
                if error.taken or tries == _MOST_TRIES:
                    raise
                pause_s = backoff_s(tries, random.random())  # noqa: S311 - jitter
                await asyncio.sleep(max(pause_s, error.retry_after_s or 0.0))
