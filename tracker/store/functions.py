"""The server-side functions: loaded on every primary, again whenever one lacks them."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tracker.errors import StoreError
from tracker.store.redis import Keyspace, Value

_SOURCE = Path(__file__).with_name("commit.lua").read_text(encoding="utf-8")


class Functions:
    """One release's library; another release's may lie beside it.

    Args:
        redis: Where to load and call.
        source: The library's text, with ``@HASH@`` in its functions' names.
    """

    def __init__(self, redis: Keyspace, source: str = _SOURCE) -> None:
        self._redis = redis
        self._hash = sha256(source.encode()).hexdigest()[:12]
        named = source.replace("@HASH@", self._hash)
        self._library = f"#!lua name=tracker_{self._hash}\n{named}"

    async def call(
        self,
        name: str,
        keys: Sequence[str],
        args: Sequence[Value],
        *,
        replicated: bool = False,
    ) -> list[bytes]:
        """Call ``tracker_<name>_<hash>``, loading it where it is missing.

        Raises:
            StoreUnavailableError: No answer in time; it may have run.
        """
        function = self.name(name)
        try:
            return await self._run(function, keys, args, replicated=replicated)
        except StoreError as error:
            if "Function not found" not in str(error):
                raise
        await self.load()
        return await self._run(function, keys, args, replicated=replicated)

    def name(self, name: str) -> str:
        """What the server knows a function by."""
        return f"tracker_{name}_{self._hash}"

    async def _run(
        self,
        function: str,
        keys: Sequence[str],
        args: Sequence[Value],
        *,
        replicated: bool,
    ) -> list[bytes]:
        answer: list[bytes] = await self._redis.fcall(
            function, keys, args, replicated=replicated
        )
        return answer

    async def load(self) -> None:
        """Put the library on every primary; the same one again changes nothing."""
        await self._redis.primaries("FUNCTION", "LOAD", "REPLACE", self._library)
