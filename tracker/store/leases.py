"""Leases with rising fencing tokens, many in one call, by the server's clock."""

from collections.abc import Iterable
from typing import NamedTuple

from tracker.store.functions import Functions
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Value


class Lease(NamedTuple):
    """The right to own *name*, until its time runs out.

    Attributes:
        holder: This process's id, new at every start.
        token: Higher than every earlier holder's, also over a lost store.
    """

    name: str
    holder: str
    token: int


class Leases:
    """The leases that lie in one partition.

    Args:
        functions: The server-side functions.
        keys: Of the partition.
        holder: This process's id.
        ttl_s: How long a lease holds without being renewed.
    """

    def __init__(
        self, functions: Functions, keys: PartitionKeys, holder: str, ttl_s: float
    ) -> None:
        self._functions = functions
        self._keys = keys
        self._holder = holder
        self._ttl_ms = round(ttl_s * 1000)

    async def take(self, names: Iterable[str]) -> dict[str, Lease]:
        """Take or renew what is free or ours.

        Returns:
            Those held now. A token other than before says that somebody else may
            have held it in between.

        Raises:
            StoreUnavailableError: No answer; taking again is harmless.
        """
        names = list(names)
        if not names:
            return {}
        tokens = [int(token) for token in await self._call("take", names)]
        return {
            name: Lease(name, self._holder, token)
            for name, token in zip(names, tokens, strict=True)
            if token > 0
        }

    async def release(self, names: Iterable[str]) -> None:
        """Give back what is ours; the next one's token is higher all the same."""
        names = list(names)
        if names:
            await self._call("release", names)

    async def _call(self, mode: str, names: list[str]) -> list[bytes]:
        args: list[Value] = [self._holder, self._ttl_ms, mode, *names]
        return await self._functions.call("lease", [self._keys.leases], args)
