"""Following a numbered stream: inclusive resumption, and no hole goes unnoticed."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from tracker.errors import PositionLostError
from tracker.store.codec import NUMBER_FIELD, Raw, parse_entries
from tracker.store.inbox import BLOCK_MS
from tracker.store.redis import Keyspace

BEGINNING = "0-0"
_BATCH = 500


async def end(redis: Keyspace, key: str) -> str:
    """The last entry's id; ``0-0`` when there is none."""
    answer = await redis.call(key, "XREVRANGE", key, "+", "-", "COUNT", 1)
    return parse_entries(answer)[0].id if answer else BEGINNING


async def follow(redis: Keyspace, key: str, after: str) -> AsyncIterator[Sequence[Raw]]:
    """Entries after *after* as they come; an empty list after 2 s of nothing.

    Raises:
        PositionLostError: *after* itself is no longer there, or an entry was
            trimmed, or lost with the store, before it was read.
        StoreUnavailableError: The store is away; begin again where you were.
    """
    async with redis.tail(key) as tail:
        command: tuple[Any, ...] = ("XRANGE", key, inclusive(after), "+")
        found = parse_entries(await tail(*command, "COUNT", _BATCH))
        raws, last = behind(found, after), found[-1] if found else None
        command = ("XREAD", "COUNT", _BATCH, "BLOCK", BLOCK_MS, "STREAMS", key)
        while True:
            yield raws
            answer = await tail(*command, last.id if last else BEGINNING)
            raws = parse_entries(answer[0][1]) if answer else []
            last = _last(last, raws)


def inclusive(after: str) -> str:
    """Where to read from to see *after* too."""
    return "-" if after == BEGINNING else after


def behind(raws: Sequence[Raw], after: str) -> Sequence[Raw]:
    """What follows *after* in *raws*, which were read `inclusive`.

    Raises:
        PositionLostError: It is not there.
    """
    if after == BEGINNING:
        return raws
    if not raws or raws[0].id != after:
        raise PositionLostError(gone(after))
    return raws[1:]


def gone(id_: str) -> str:
    """What to say of an entry that is not there."""
    return f"entry {id_} is no longer in its stream"


def _last(known: Raw | None, raws: Sequence[Raw]) -> Raw | None:
    """The last of *raws*, which must go on without a hole from what was known."""
    if not raws:
        return known
    number = _number(known) if known else _number(raws[0]) - 1
    if _number(raws[-1]) != number + len(raws):
        message = f"entries before {raws[-1].id} are no longer in their stream"
        raise PositionLostError(message)
    return raws[-1]


def _number(raw: Raw) -> int:
    return int(raw.fields[NUMBER_FIELD])
