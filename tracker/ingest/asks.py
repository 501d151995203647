"""What keepers ask of those who ingest, followed in every partition."""

import asyncio

from tracker.domain.entry import Ask, Follow, FollowExport, Order, Resync
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.ingest.executor import Executor
from tracker.ingest.supervisor import Supervisor
from tracker.store.asks import Asks

_RETRY_S = 0.5


async def follow_asks(
    asks: Asks, partition: int, supervisor: Supervisor, executor: Executor
) -> None:
    """Hand everything that is asked in *partition* on, until cancelled.

    When the place is lost, what is open is read anew, and every resync that is still
    there is asked for once more.
    """
    after: str | None = None
    lost = False
    while True:
        try:
            if after is None:
                begin = await asks.end(partition)
                executor.loaded(partition, *await asks.open(partition))
                for resync in await asks.resyncs(partition) if lost else ():
                    supervisor.resync(resync)
                after = begin
            async for batch in asks.follow(partition, after):
                for id_, at, ask in batch:
                    executor.clock(at)
                    _hand_on(ask, supervisor, executor)
                    after = id_
        except PositionLostError:
            after, lost = None, True
        except StoreUnavailableError:
            await asyncio.sleep(_RETRY_S)


def _hand_on(ask: Ask, supervisor: Supervisor, executor: Executor) -> None:
    match ask:
        case Resync():
            supervisor.resync(ask)
        case Order():
            executor.told(ask)
        case Follow(call=call):
            executor.watched(call)
        case FollowExport(export=export):
            executor.awaited(export)
        case _:
            executor.answered(ask)
