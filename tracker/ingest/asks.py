"""What keepers ask of sources: a tail of the outboxes that reads nothing else."""

import asyncio
from collections.abc import Callable

from tracker.domain.entry import Resync
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.store.outbox import Outbox

_RETRY_S = 0.5


async def follow_asks(
    outbox: Outbox, partition: int, asked: Callable[[Resync], None]
) -> None:
    """Hand every `Resync` of *partition* on, until cancelled.

    What was asked while the store was away is asked again by the gap that it leaves.
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
        except PositionLostError:
            after = None
        except StoreUnavailableError:
            await asyncio.sleep(_RETRY_S)
