"""Redis or Valkey by URL: alone, behind Sentinels or as a Cluster, all looking alike.

Built on redis-py's connections, pool and parser but not on its clients: those send a
command again when its answer was lost, and take a tail to another server unasked.
Here a command is sent again only when its own answer says that it was not executed.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    MovedError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from tracker.errors import ConfigError, StoreError, StoreUnavailableError
from tracker.store.line import Answer, Command, Value
from tracker.store.routing import (
    ConnectionSettings,
    Node,
    Router,
    accepted,
    exchange,
)
from tracker.store.url import StoreUrl, parse_url

__all__ = [
    "ConnectionSettings",
    "Keyspace",
    "Read",
    "Value",
    "check_version",
    "connect",
    "parse_url",
]

Read = Callable[..., Coroutine[Any, Any, Answer]]

_OLDEST = {"redis": 7, "valkey": 8}  # major versions
_STALE = (MovedError, ClusterDownError, ReadOnlyError)  # not an owner's answer
_NOT_EXECUTED = (*_STALE, AskError, TryAgainError)
_NOT_NOW = (
    *("ASK", "BUSY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "MOVED", "NOREPLICAS"),
    *("OOM", "READONLY", "TRYAGAIN", "UNBLOCKED"),
)
_ENDING = re.compile(r"(\. [^.?]*\?|[.?!\s]+)\Z")  # of what an error says
_PAUSES_S = (0.0, 0.05, 0.1, 0.2, 0.4)  # between the sendings of one command


class Keyspace:
    """Keys, wherever they lie; made by `connect`.

    Every method raises StoreUnavailableError when no answer came in time (a write may
    have been executed all the same) or the server cannot serve now, and StoreError
    with the server's words when it refused a command.
    """

    kind = ""
    version = ""

    def __init__(self, url: StoreUrl, settings: ConnectionSettings) -> None:
        self._url = url
        self._settings = settings
        self._router = Router(url, settings)

    def __repr__(self) -> str:
        return f"<Keyspace {self._url}>"

    async def call(
        self, key: Value, *command: Value, replicated: bool = False
    ) -> Answer:
        """Run one command where *key* lies; see `pipeline`."""
        return (await self.pipeline(key, [command], replicated=replicated))[0]

    async def fcall(
        self,
        function: str,
        keys: Sequence[Value],
        args: Sequence[Value],
        *,
        replicated: bool = False,
    ) -> Answer:
        """Run a server-side function where the first of *keys* lies."""
        command = ("FCALL", function, len(keys), *keys, *args)
        return await self.call(keys[0], *command, replicated=replicated)

    async def pipeline(
        self, key: Value, commands: Sequence[Command], *, replicated: bool = False
    ) -> list[Answer]:
        """Run *commands*, all on keys of *key*'s slot, in order, in one round trip.

        Args:
            key: Says where.
            commands: Each with its arguments.
            replicated: Wait for `wait_replicas` replicas as well; too few in time is
                a StoreUnavailableError, though the primary has executed it.

        Returns:
            The answers, in order.

        Raises:
            StoreError: Of the first command that was refused; the others ran.
        """
        with self._edge(self._settings.call_timeout_s):
            return accepted(await self._follow(key, commands, replicated))

    async def primaries(self, *command: Value) -> dict[str, Answer]:
        """Run a command on every primary: the answers by host:port."""
        with self._edge(self._settings.call_timeout_s):
            return {
                node.name: accepted(await self._send(node, [command]))[0]
                for node in await self._router.primaries()
            }

    async def time_ms(self, key: Value = "") -> int:
        """The clock, since 1970, of the server where *key* lies."""
        seconds, microseconds = await self.call(key, "TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    @asynccontextmanager
    async def tail(self, key: Value) -> AsyncIterator[Read]:
        """A connection of its own to *key*'s owner, for blocking reads.

        Yields:
            What runs one command there. It never changes servers: after a failover a
            stream may lack its newest entries, so its reader is told of every change,
            by StoreUnavailableError, and checks what it knew in a new tail.
        """
        limit_s = self._settings.tail_timeout_s
        with self._edge(self._settings.call_timeout_s):
            node = await self._router.owner(key)
            connection = await self._connected(node)

        async def read(*command: Value) -> Answer:
            if not connection.is_connected:
                message = f"store {self._url}: this tail has ended"
                raise StoreUnavailableError(message)
            try:
                async with asyncio.timeout(limit_s):
                    return accepted(await exchange(connection, [command]))[0]
            except (RedisError, OSError) as error:
                self._router.doubt(node)
                raise self._translated(error, limit_s) from error

        try:
            role, *_ = await read("ROLE")
            if role != b"master":
                self._router.doubt(node)
                message = f"store {self._url}: {node.name} is not a primary"
                raise StoreUnavailableError(message)
            yield read
        finally:
            await connection.disconnect(nowait=True)

    async def _connected(self, node: Node) -> AbstractConnection:
        """A new connection to *node*, in time."""
        try:
            async with asyncio.timeout(self._settings.call_timeout_s):
                return await node.connect()
        except (RedisError, OSError):
            self._router.doubt(node)
            raise

    async def identify(self) -> None:
        """Learn what serves here; the rest of `connect`."""
        for name, answer in (await self.primaries("INFO")).items():
            info = dict(re.findall(r"^(\w+):(.*)\r$", answer.decode(), re.MULTILINE))
            where = f"store {self._url}: {name}"
            self.kind = "valkey" if "valkey_version" in info else "redis"
            self.version = info[f"{self.kind}_version"]
            check_version(where, self.kind, self.version)
            mode = info.get("server_mode") or info["redis_mode"]
            if (mode == "cluster") != (self._url.mode == "cluster"):
                message = (
                    f"{where} runs in {mode} mode: redis+cluster:// is for servers in "
                    "cluster mode, and only for those"
                )
                raise ConfigError(message)
            if self._url.mode == "standalone" and info["role"] != "master":
                message = (
                    f"{where} is a replica: let store.url name the primary, or the "
                    "Sentinels, as redis+sentinel://"
                )
                raise ConfigError(message)

    async def aclose(self) -> None:
        """Close every connection; nothing may be under way."""
        await self._router.aclose()

    async def _follow(
        self, key: Value, commands: Sequence[Command], replicated: bool
    ) -> list[Answer]:
        """Send *commands*; those not executed again, where their answers point."""
        node, asking = await self._router.owner(key), False
        answers = await self._send(node, commands, replicated=replicated)
        for pause_s in _PAUSES_S:
            left = [i for i, a in enumerate(answers) if isinstance(a, _NOT_EXECUTED)]
            if not left:
                break
            refused = answers[left[0]]
            asking = isinstance(refused, AskError) and not isinstance(
                refused, MovedError
            )
            if isinstance(refused, AskError):
                node = self._router.named(refused, by=node)
            else:
                await asyncio.sleep(pause_s)
                node = await self._router.owner(key)
            sent = [commands[i] for i in left]
            got = await self._send(node, sent, asking=asking, replicated=replicated)
            for i, answer in zip(left, got, strict=True):
                answers[i] = answer
        return answers

    async def _send(
        self,
        node: Node,
        commands: Sequence[Command],
        *,
        asking: bool = False,
        replicated: bool = False,
    ) -> list[Answer]:
        if asking:
            commands = [part for one in commands for part in (("ASKING",), one)]
        waits = replicated and self._settings.wait_replicas > 0
        try:
            if waits:
                answers = await self._send_and_wait(node, commands)
            else:
                answers = await node.exchange(commands)
        except (RedisError, OSError):
            self._router.doubt(node)
            raise
        if any(isinstance(answer, _STALE) for answer in answers):
            self._router.doubt(node)
        return answers[1::2] if asking else answers

    async def _send_and_wait(
        self, node: Node, commands: Sequence[Command]
    ) -> list[Answer]:
        """As `Node.exchange`, until enough replicas hold what was executed."""
        replicas, wait_ms = self._settings.wait_replicas, self._settings.wait_ms
        *answers, held = await node.exchange_alone(
            [*commands, ("WAIT", replicas, wait_ms)]
        )
        stale = any(isinstance(answer, _STALE) for answer in answers)
        if not stale and accepted([held])[0] < replicas:
            message = (
                f"store {self._url}: {node.name} has executed what only {held} of "
                f"{replicas} replicas hold after {wait_ms} ms"
            )
            raise StoreUnavailableError(message)
        return answers

    @contextmanager
    def _edge(self, timeout_s: float) -> Iterator[None]:
        """Where redis-py's errors become ours."""
        try:
            yield
        except (RedisError, OSError) as error:
            raise self._translated(error, timeout_s) from error

    def _translated(self, error: Exception, timeout_s: float) -> StoreError:
        if isinstance(error, TimeoutError):
            self._router.doubt_all()
            message = f"store {self._url}: no answer within {timeout_s:g} s"
            return StoreUnavailableError(message)
        code = getattr(error, "status_code", None) or str(error).split(" ")[0]
        refused = isinstance(error, ResponseError) and code not in _NOT_NOW
        message = f"store {self._url}: {_clause(error)}"
        return (StoreError if refused else StoreUnavailableError)(message)


def _clause(error: Exception) -> str:
    """What *error* says, to be gone on from: without a question, and a full stop."""
    return _ENDING.sub("", str(error))


async def connect(url: str, settings: ConnectionSettings | None = None) -> Keyspace:
    """Find the store at *url* and see that it will do.

    Raises:
        ConfigError: The URL cannot be read, the store refuses the user or a command,
            is too old, or is not what the URL says.
        StoreUnavailableError: It does not answer, or cannot serve now.
    """
    store = Keyspace(parse_url(url), settings or ConnectionSettings())
    try:
        await store.identify()
    except BaseException as error:
        await store.aclose()
        refused = isinstance(error.__cause__, AuthenticationError)
        if refused or type(error) is StoreError:
            message = f"{error}; see store.url"
            raise ConfigError(message) from error
        raise
    return store


def check_version(where: str, kind: str, version: str) -> None:
    """Refuse a server without functions, or one that nobody maintains.

    Raises:
        ConfigError: It is older than Redis 7 or Valkey 8.
    """
    if int(version.partition(".")[0]) < _OLDEST[kind]:
        message = f"{where} is {kind} {version}, older than Redis 7.0 or Valkey 8.0"
        raise ConfigError(message)
