"""What keepers ask of sources: a tail of the outboxes that reads nothing else."""

import asyncio
from collections.abc import Callable

from tracker.domain.entry import Resync
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.store.outbox import BEGINNING, Outbox

PAUSE_S = 0.25
"""Between two looks: an ask can wait, and passing over many entries is cheap."""

_RETRY_S = 0.5


async def follow_asks(
    outbox: Outbox, partition: int, asked: Callable[[Resync], None]
) -> None:
    """Hand every `Resync` of *partition* on, until cancelled.

    When the place is lost everything still there is read: what was asked of this
    owner before is asked once more, and what was asked meanwhile is not missed.
    """
    after = None
    while True:
        try:
            after = after or await outbox.end(partition)
            async for batch in outbox.tail(partition, after, only="resync"):
                for tailed in batch:
                    if isinstance(tailed.header, Resync):
                        asked(tailed.header)
                after = batch[-1].id if batch else after
                await asyncio.sleep(PAUSE_S)
        except PositionLostError:
            after = BEGINNING
        except StoreUnavailableError:
            await asyncio.sleep(_RETRY_S)
