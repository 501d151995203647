"""Webhook endpoints as text, who fails, and what somebody wants delivered: one slot."""

from collections.abc import Callable, Iterable
from secrets import token_hex
from typing import NamedTuple

from tracker.domain.base import Model
from tracker.domain.delivery import Owed
from tracker.errors import StoreUnavailableError
from tracker.store.functions import Functions
from tracker.store.keys import ENDPOINTS, FAILING, WISHES
from tracker.store.redis import Keyspace, Value

_TRIES = 50


class Wish(Model):
    """A delivery that somebody wants now, whatever was delivered before.

    Attributes:
        partition: Whose dispatcher is to take it.
        body: The event; None = it is still owed: only let it not wait any longer.
    """

    endpoint: str
    partition: int
    delivery: Owed
    body: str | None = None


class Known(NamedTuple):
    """Everything that dispatchers look at, now and then.

    Attributes:
        endpoints: JSON by id.
        wishes: JSON by the wish's own id.
        failing: Ms of the first failure, by the endpoint's id.
    """

    endpoints: dict[str, bytes]
    wishes: dict[str, bytes]
    failing: dict[str, int]


class Endpoints:
    """All of them, for whoever manages or serves them.

    Args:
        redis: The store.
        functions: The server-side functions.
    """

    def __init__(self, redis: Keyspace, functions: Functions) -> None:
        self._redis = redis
        self._functions = functions

    async def known(self) -> Known:
        """All there is."""
        commands = [("HGETALL", key) for key in (ENDPOINTS, WISHES, FAILING)]
        endpoints, wishes, failing = map(
            _fields, await self._redis.pipeline(ENDPOINTS, commands)
        )
        return Known(endpoints, wishes, {id_: int(ms) for id_, ms in failing.items()})

    async def get(self, id_: str) -> bytes | None:
        """One of them; None = there is none."""
        found: bytes | None = await self._redis.call(ENDPOINTS, "HGET", ENDPOINTS, id_)
        return found

    async def change(
        self, id_: str, into: Callable[[bytes | None], bytes | None]
    ) -> bytes | None:
        """Put *into*'s answer to what there is in its place; None = nothing.

        Args:
            id_: Of the endpoint.
            into: Asked again when somebody else was quicker; may raise.

        Returns:
            What is there now.

        Raises:
            StoreUnavailableError: No answer; or there was always somebody quicker.
        """
        for _ in range(_TRIES):
            before = await self.get(id_)
            after = into(before)
            if after == before:
                return after
            args: list[Value] = [id_, before or b"", after or b""]
            [swapped] = await self._functions.call("swap", [ENDPOINTS], args)
            if swapped:
                return after
        raise StoreUnavailableError("too many change this endpoint at the same time")

    async def wish(self, wishes: Iterable[Wish]) -> None:
        """Have deliveries made."""
        fields = [part for w in wishes for part in (token_hex(8), w.model_dump_json())]
        await self._redis.call(WISHES, "HSET", WISHES, *fields)

    async def granted(self, ids: Iterable[str]) -> None:
        """These wishes are owed now."""
        await self._redis.call(WISHES, "HDEL", WISHES, *ids)

    async def failed(self, id_: str, at_ms: int) -> None:
        """It fails since *at_ms*, unless it did so before."""
        await self._redis.call(FAILING, "HSETNX", FAILING, id_, at_ms)

    async def recovered(self, id_: str) -> None:
        """It no longer fails, or is no more."""
        await self._redis.call(FAILING, "HDEL", FAILING, id_)


def _fields(flat: list[bytes]) -> dict[str, bytes]:
    return {
        name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)
    }
