"""A Cluster of real servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from tests.integration.servers import Server, free_port, valkey, wait_until


class Cluster:
    """Three primaries, and a replica of each."""

    def __init__(self, directory: Path) -> None:
        self._bus_ports = [free_port() for _ in range(6)]
        self.nodes = [
            valkey(
                directory / str(port),
                *("--cluster-enabled", "yes", "--cluster-port", str(port)),
                *("--cluster-node-timeout", "1500"),
            )
            for port in self._bus_ports
        ]
        self.url = "redis+cluster://" + ",".join(node.address for node in self.nodes)

    def __enter__(self) -> Self:
        try:
            self._form()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _form(self) -> None:
        for node in self.nodes:
            node.start()
        first, share = self.nodes[0], REDIS_CLUSTER_HASH_SLOTS // 3 + 1
        for number, node in enumerate(self.nodes[:3]):
            slots = range(REDIS_CLUSTER_HASH_SLOTS)[share * number :][:share]
            node.run("CLUSTER", "ADDSLOTSRANGE", slots[0], slots[-1])
            node.run("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node, bus_port in zip(self.nodes, self._bus_ports, strict=True):
            first.run("CLUSTER", "MEET", "127.0.0.1", node.port, bus_port)
        wait_until(lambda: all(_knows(node, 6) for node in self.nodes))
        for primary, replica in zip(self.nodes[:3], self.nodes[3:], strict=True):
            replica.run("CLUSTER", "REPLICATE", primary.run("CLUSTER", "MYID"))
        self.heal()

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.kill()

    def heal(self) -> None:
        """Start whom a test has ended, and wait until all is well."""
        for node in self.nodes:
            if not node.is_running:
                node.start()
        wait_until(lambda: all(_is_well(node) for node in self.nodes))

    def owner(self, key: str) -> Server:
        """Who has *key*, as the first that runs sees it."""
        running = next(node for node in self.nodes if node.is_running)
        return self._view(running, key)[0]

    def replica(self, key: str) -> Server:
        return self._view(self.nodes[0], key)[1]

    def fail_over(self, key: str) -> None:
        """Let *key*'s replica take over, in good order."""
        replica = self.replica(key)
        replica.run("CLUSTER", "FAILOVER")
        wait_until(lambda: all(self._view(n, key)[0] is replica for n in self.nodes))
        self.heal()

    @contextmanager
    def migrating(self, key: str, to: Server) -> Iterator[None]:
        """*key*'s slot is on its way until the context ends; no key has left yet."""
        source, slot = self.owner(key), key_slot(key.encode())
        ids = {node: node.run("CLUSTER", "MYID") for node in (source, to)}
        to.run("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        source.run("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
        try:
            yield
        finally:
            for name in source.run("CLUSTER", "GETKEYSINSLOT", slot, 1000):
                source.run("MIGRATE", "127.0.0.1", to.port, name, 0, 5000)
            for node in (to, source):
                node.run("CLUSTER", "SETSLOT", slot, "NODE", ids[to])
            wait_until(lambda: all(self._view(n, key)[0] is to for n in self.nodes))

    def _view(self, asked: Server, key: str) -> list[Server]:
        """Who has *key*, primary first."""
        slot = key_slot(key.encode())
        rows = [row.split() for row in asked.run("CLUSTER", "NODES").splitlines()]
        primary = next(row for row in rows if any(_spans(at, slot) for at in row[8:]))
        serving = [primary, *(row for row in rows if row[3] == primary[0])]
        addresses = [row[1].partition("@")[0] for row in serving]
        by_address = {node.address: node for node in self.nodes}
        return [by_address[address] for address in addresses]


def _spans(slots: str, slot: int) -> bool:
    """Whether a range of CLUSTER NODES holds *slot*."""
    first, _, last = slots.partition("-")
    return not slots.startswith("[") and int(first) <= slot <= int(last or first)


def _knows(node: Server, count: int) -> bool:
    lines = node.run("CLUSTER", "NODES").splitlines()
    return len(lines) == count and not any("handshake" in line for line in lines)


def _is_well(node: Server) -> bool:
    """It sees the whole Cluster, and its own replication is in order."""
    replication = node.info("replication")
    has_replica = replication.get("slave0", {}).get("state") == "online"
    is_replica = replication.get("master_link_status") == "up"
    return "cluster_state:ok" in node.run("CLUSTER", "INFO") and (
        has_replica or is_replica
    )
