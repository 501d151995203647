"""Servers, their connections, and which of them owns a key."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError, RedisError, ResponseError

from tracker.errors import StoreError, StoreUnavailableError
from tracker.store.line import Answer, Command, Line, Value, packed, read_answer
from tracker.store.url import Address, StoreUrl, name_of


class ConnectionSettings(BaseModel):
    """How long to wait, and for whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_timeout_s: float = Field(default=2, gt=0)
    call_timeout_s: float = Field(default=5, gt=0)
    tail_timeout_s: float = Field(default=7, gt=0)  # longer than any BLOCK
    wait_replicas: int = Field(default=0, ge=0)  # for calls that are `replicated`
    max_connections: int = Field(default=64, gt=0)  # per server, for those calls
    wait_ms: int = Field(default=1000, gt=0)


async def exchange(
    connection: AbstractConnection, commands: Sequence[Command]
) -> list[Answer]:
    """Send *commands* at once; a refusal stands in its answer's place.

    Any other failure, and being cancelled, closes the connection.
    """
    await connection.send_packed_command([packed(commands)])
    return [await read_answer(connection) for _ in commands]


def accepted(answers: list[Answer]) -> list[Answer]:
    """The answers, none of which is a refusal; else the first refusal is raised."""
    for answer in answers:
        if isinstance(answer, ResponseError):
            raise answer
    return answers


class Node:
    """One server and its connections: one for all calls, more for those that wait."""

    def __init__(
        self, address: Address, url: StoreUrl, settings: ConnectionSettings
    ) -> None:
        self.address = address
        self.name = name_of(address)
        self._class = url.connection
        self._settings = settings
        self._line: Line | None = None
        self._opening = asyncio.Lock()
        host, port = address
        self._options: dict[str, Any] = {
            **({"host": host, "port": port} if port else {"path": host}),
            **url.options,
            "protocol": 2,
            "driver_info": None,
            "socket_timeout": None,  # `Keyspace` bounds whole exchanges
            "socket_connect_timeout": settings.connect_timeout_s,
        }
        self._pool = self._new_pool()

    async def connect(self) -> AbstractConnection:
        """A connection for nobody else."""
        connection = self._class(**self._options)
        await connection.connect_check_health()
        return connection

    async def exchange(self, commands: Sequence[Command]) -> list[Answer]:
        """As `exchange`, on the line that all calls share.

        Raises:
            TimeoutError: No answer within ``call_timeout_s``; the line is given up.
        """
        line = self._line
        if line is None or not line.is_open:
            line = await self._open_line()
        return await line.exchange(commands)

    async def exchange_alone(self, commands: Sequence[Command]) -> list[Answer]:
        """As `exchange`, on a connection that nobody else uses meanwhile: it may block.

        Raises:
            TimeoutError: As `exchange`.
        """
        pool: Any = self._pool  # redis-py does not type its methods
        async with asyncio.timeout(self._settings.call_timeout_s):
            connection = await pool.get_connection()
            try:
                return await exchange(connection, commands)
            finally:
                if pool is not self._pool:
                    await connection.disconnect(nowait=True)
                await pool.release(connection)

    async def disconnect(self) -> None:
        """Close what is idle at once, and what is in use when it is no longer."""
        pool, self._pool = self._pool, self._new_pool()
        line, self._line = self._line, None
        with suppress(RedisError):
            await pool.disconnect(inuse_connections=False)
        if line is not None:
            await line.retire()

    async def _open_line(self) -> Line:
        limit_s = self._settings.call_timeout_s
        async with asyncio.timeout(limit_s), self._opening:
            if self._line is None or not self._line.is_open:
                self._line = Line(await self.connect(), limit_s)
            return self._line

    def _new_pool(self) -> BlockingConnectionPool:
        count = self._settings.max_connections
        return BlockingConnectionPool(count, None, self._class, **self._options)


class Router:
    """Which server owns which slot: learnt, and learnt anew after any doubt."""

    def __init__(self, url: StoreUrl, settings: ConnectionSettings) -> None:
        self._url = url
        self._settings = settings
        self._nodes: dict[Address, Node] = {}
        self._doubted: set[Node] = set()
        self._owners: list[Node | None] = []  # by slot
        self._learning: asyncio.Task[list[Node | None]] | None = None
        self._members = list(url.seeds)  # of a Cluster; who answered last is last
        sentinels = replace(url, options=url.sentinel_options)
        self._sentinels = [Node(seed, sentinels, settings) for seed in url.seeds]

    def doubt(self, node: Node) -> None:
        """It gave no answer, or not that of an owner."""
        self._doubted.add(node)
        self._owners = []

    def doubt_all(self) -> None:
        """Somebody gave no answer in time."""
        self._doubted.update(self._nodes.values())
        self._owners = []

    def named(self, refused: AskError, by: Node) -> Node:
        """Whom a server named in place of itself."""
        return self._node((refused.host or by.address[0], refused.port))

    async def owner(self, key: Value) -> Node:
        """Who has *key*'s slot; StoreUnavailableError when nobody has."""
        slot = 0
        if self._url.mode == "cluster":
            slot = key_slot(key if isinstance(key, bytes) else str(key).encode())
        owner = (self._owners or await self._learnt())[slot]
        if owner is None:
            self._owners = []
            message = f"store {self._url}: slot {slot} has no owner"
            raise StoreUnavailableError(message)
        return owner

    async def primaries(self) -> list[Node]:
        """Everyone who owns a slot."""
        return [node for node in dict.fromkeys(await self._learnt()) if node]

    async def aclose(self) -> None:
        """Close every connection."""
        if self._learning:
            self._learning.cancel()
            await asyncio.wait([self._learning])
        for node in (*self._nodes.values(), *self._sentinels):
            await node.disconnect()

    def _node(self, address: Address) -> Node:
        if address not in self._nodes:
            self._nodes[address] = Node(address, self._url, self._settings)
        return self._nodes[address]

    async def _learnt(self) -> list[Node | None]:
        """The owners by slot; TimeoutError when nobody can tell in time."""
        if self._owners:
            return self._owners
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._learn())
        async with asyncio.timeout(self._settings.call_timeout_s):
            return await asyncio.shield(self._learning)

    async def _learn(self) -> list[Node | None]:
        doubted, self._doubted = self._doubted, set()
        for node in doubted:
            await node.disconnect()
        owners: list[Node | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, address in await self._ranges():
            owners[first : last + 1] = [self._node(address)] * (last + 1 - first)
        if not self._doubted:
            self._owners = owners
        return owners

    async def _ranges(self) -> list[tuple[int, int, Address]]:
        """First and last slot of each range, and its owner's address."""
        if self._url.mode == "cluster":
            return await self._ask_cluster()
        sentinel = self._url.mode == "sentinel"
        address = await self._ask_sentinels() if sentinel else self._url.seeds[0]
        return [(0, REDIS_CLUSTER_HASH_SLOTS - 1, address)]

    async def _ask_cluster(self) -> list[tuple[int, int, Address]]:
        members = [self._node(address) for address in self._members]
        asked, answer = await self._first(members, "CLUSTER", "SLOTS")
        ranges = [
            (first, last, (host.decode() if host else asked.address[0], port))
            for first, last, (host, port, *_), *_ in answer
        ]
        found = dict.fromkeys([*(address for *_, address in ranges), *self._url.seeds])
        self._members = sorted(found, key=asked.address.__eq__)
        return ranges

    async def _ask_sentinels(self) -> Address:
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._url.master)
        _, (host, port) = await self._first(self._sentinels, *question)
        master = self._node((host.decode(), int(port)))
        _, (role, *_) = await self._first([master], "ROLE")
        if role != b"master":
            message = f"store {self._url}: {master.name} is not the master yet"
            raise StoreUnavailableError(message)
        return master.address

    async def _first(
        self, nodes: Sequence[Node], *question: Value
    ) -> tuple[Node, Answer]:
        """The first answer to *question* that is one, and whose it is."""
        problem: Exception = StoreError(f"store {self._url}: no such master is known")
        for node in nodes:
            try:
                async with asyncio.timeout(self._settings.connect_timeout_s):
                    [answer] = accepted(await node.exchange([question]))
            except (RedisError, OSError) as error:
                problem = error
            else:
                if answer:
                    return node, answer
        raise problem
