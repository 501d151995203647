"""What becomes of calls and tails when another server takes over."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.cluster import Cluster
from tests.integration.servers import Server, sentinel, until, valkey
from tests.integration.store.connected import HASTY, connected, eventually
from tracker.errors import StoreUnavailableError

_REPLICATED = HASTY.model_copy(update={"wait_replicas": 1})


async def test_a_failover_is_followed(cluster: Cluster) -> None:
    """After kill -9 of a key's owner, calls go to the replica that took over."""
    async with connected(cluster.url, _REPLICATED) as store:
        await store.call("k", "SET", "k", "v", replicated=True)
        owner = cluster.owner("k")
        owner.kill()
        with pytest.raises(StoreUnavailableError):
            await store.call("k", "GET", "k")
        await eventually(lambda: store.call("k", "GET", "k"), b"v")


async def test_too_few_replicas_are_told(valkey_server: Server) -> None:
    """What is to be replicated and is not may be lost: unavailable, though written."""
    async with connected(valkey_server.url, _REPLICATED) as store:
        with pytest.raises(StoreUnavailableError, match="only 0 of 1 replicas"):
            await store.call("k", "SET", "k", "replicated", replicated=True)
        assert await store.call("k", "GET", "k") == b"replicated"


async def test_a_moved_slot_is_followed_at_once(cluster: Cluster) -> None:
    """A failover in good order costs no error; a tail there is told to begin anew."""
    async with connected(cluster.url) as store, store.tail("s") as read:
        await store.call("s", "XADD", "s", "*", "f", "v")
        cluster.fail_over("s")
        assert await store.call("s", "XLEN", "s") > 0
        with pytest.raises(StoreUnavailableError):
            await read("XREAD", "STREAMS", "s", "0")
        async with store.tail("s") as again:
            assert await again("XREAD", "STREAMS", "s", "0")


async def test_a_slot_under_way_is_followed(cluster: Cluster) -> None:
    """While a slot migrates each command runs once, where its key is."""
    async with connected(cluster.url, HASTY) as store:
        await store.call("{k}", "DEL", "{k}old", "{k}new")
        await store.call("{k}", "SET", "{k}old", 0)
        with cluster.migrating("{k}", to=cluster.owner("other")):
            commands = [("INCR", f"{{k}}{key}") for key in ("old", "new", "old")]
            assert await store.pipeline("{k}", commands) == [1, 1, 2]
            with pytest.raises(StoreUnavailableError):
                await store.call("{k}", "MGET", "{k}old", "{k}new")
        assert await store.call("{k}", "MGET", "{k}old", "{k}new") == [b"2", b"1"]
        assert cluster.owner("{k}") is cluster.owner("other")


async def test_a_primary_that_became_a_replica(
    tmp_path: Path, valkey_server: Server
) -> None:
    """It is unavailable, for calls and tails, until it is a primary again."""
    with valkey(tmp_path) as server:
        async with connected(server.url) as store, store.tail("s") as read:
            block = ("XREAD", "BLOCK", 5000, "STREAMS", "s", "$")
            waiting = asyncio.create_task(read(*block))
            await until(lambda: server.info("clients")["blocked_clients"] == 1)
            server.run("REPLICAOF", "127.0.0.1", valkey_server.port)
            with pytest.raises(StoreUnavailableError, match="UNBLOCKED"):
                await waiting
            with pytest.raises(StoreUnavailableError, match="read only"):
                await store.call("k", "SET", "k", "v")
            with pytest.raises(StoreUnavailableError, match="is not a primary"):
                async with store.tail("s"):
                    pass
            server.run("REPLICAOF", "NO", "ONE")
            assert await store.call("k", "SET", "k", "v") == b"OK"


async def test_a_sentinel_s_switch_is_followed(tmp_path: Path) -> None:
    """After kill -9 of the master, calls and tails go to the one that is promoted."""
    with valkey(tmp_path / "1") as master:
        replicates = ("--replicaof", f"127.0.0.1 {master.port}")
        with valkey(tmp_path / "2", *replicates) as replica:
            linked = "master_link_status"
            await until(lambda: replica.info("replication")[linked] == "up")
            with sentinel(tmp_path / "3", "main", master.port) as watcher:
                await until(lambda: _slaves(watcher) == 1)
                url = f"redis+sentinel://{watcher.address}/main"
                async with connected(url, _REPLICATED) as store:
                    await store.call("k", "SET", "k", "v", replicated=True)
                    master.kill()
                    await eventually(lambda: store.call("k", "GET", "k"), b"v")
                    await eventually(lambda: store.call("k", "SET", "k", 1), b"OK")
                    async with store.tail("s") as read:
                        assert await read("XREAD", "STREAMS", "s", 0) is None


def _slaves(watcher: Server) -> int:
    return int(watcher.info("sentinel")["master0"]["slaves"])
