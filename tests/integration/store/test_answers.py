"""What becomes of a command when its answer is an error, late, lost or unwanted."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import pytest

from tests.integration.cluster import Cluster
from tests.integration.proxy import Proxy, tcp_proxy
from tests.integration.servers import Server, sentinel, until, valkey
from tests.integration.store.connected import HASTY, connected, eventually
from tracker.errors import StoreError, StoreUnavailableError
from tracker.store.redis import Keyspace


async def test_a_refused_command_is_an_error_of_its_own(valkey_server: Server) -> None:
    """The server's words are told; the other commands ran, the connection goes on."""
    async with connected(valkey_server.url, HASTY) as store:
        commands = [("SET", "k", 1), ("LPUSH", "k", 1), ("INCR", "k")]
        with pytest.raises(StoreError, match="WRONGTYPE") as refused:
            await store.pipeline("k", commands)
        assert not isinstance(refused.value, StoreUnavailableError)
        assert await store.call("k", "GET", "k") == b"2"


async def test_a_store_that_cannot_write_is_unavailable(tmp_path: Path) -> None:
    """MISCONF, the answer of a full disk, and OOM mean: later."""
    with valkey(tmp_path / "v", "--save", "3600 1") as server:
        async with connected(server.url) as store:
            shutil.rmtree(tmp_path / "v")
            server.run("SET", "k", "v")
            server.run("BGSAVE")
            status = "rdb_last_bgsave_status"
            await until(lambda: server.info("persistence")[status] == "err")
            with pytest.raises(StoreUnavailableError, match="MISCONF"):
                await store.call("k", "SET", "k", "v")
            server.run("CONFIG", "SET", "save", "", "maxmemory", "1")
            with pytest.raises(StoreUnavailableError, match="maxmemory"):
                await store.call("k", "SET", "k", "v")


async def test_a_cancelled_call_takes_its_answer_along(valkey_server: Server) -> None:
    """The next call gets its own answer, not the one nobody waited for."""
    async with connected(valkey_server.url) as store:
        await store.call("", "DEL", "none")
        waiting = asyncio.create_task(store.call("", "BLPOP", "none", 1))
        await until(lambda: valkey_server.info("clients")["blocked_clients"] == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await store.call("", "PING") == b"PONG"


async def test_a_silent_server_is_noticed(tmp_path: Path) -> None:
    """Calls and tails end within their time, and work again when it speaks."""
    with valkey(tmp_path) as server:
        async with connected(server.url, HASTY) as store, store.tail("s") as read:
            with server.paused():
                calls = [store.call("k", "GET", "k"), read("XREAD", "STREAMS", "s", 0)]
                for outcome in await asyncio.gather(*calls, return_exceptions=True):
                    assert isinstance(outcome, StoreUnavailableError)
                    assert "no answer within 0.5 s" in str(outcome)
            assert await store.call("k", "GET", "k") is None
            with pytest.raises(StoreUnavailableError, match="this tail has ended"):
                await read("XREAD", "STREAMS", "s", 0)
            async with store.tail("s") as again:
                assert await again("XREAD", "STREAMS", "s", 0) is None


async def test_a_restarted_server_serves_again(tmp_path: Path) -> None:
    """No connection that died meanwhile is used."""
    with valkey(tmp_path) as server:
        async with connected(server.url, HASTY) as store:
            await asyncio.gather(*[store.call("", "PING") for _ in range(5)])
            server.kill()
            with pytest.raises(StoreUnavailableError):
                await store.call("", "PING")
            server.start()
            assert await store.call("", "PING") == b"PONG"


async def test_tails_do_not_keep_calls_waiting(valkey_server: Server) -> None:
    """Twenty tails wait beside the calls, which share one connection."""
    async with connected(valkey_server.url) as store, AsyncExitStack() as stack:
        await store.call("s", "DEL", "s")
        tails = [await stack.enter_async_context(store.tail("s")) for _ in range(20)]
        reads = [tail("XREAD", "BLOCK", 5000, "STREAMS", "s", "$") for tail in tails]
        waiting = asyncio.gather(*reads)
        await until(lambda: valkey_server.info("clients")["blocked_clients"] == 20)
        before = valkey_server.info("clients")["connected_clients"]
        calls = [store.call("s", "ECHO", number) for number in range(50)]
        assert await asyncio.gather(*calls) == [b"%d" % n for n in range(50)]
        assert valkey_server.info("clients")["connected_clients"] == before
        await store.call("s", "XADD", "s", "*", "f", "v")
        assert len(await waiting) == 20


async def test_one_calls_refusal_or_end_is_not_anothers(valkey_server: Server) -> None:
    """Of calls made together, each has its own answer, whatever becomes of the rest."""
    async with connected(valkey_server.url) as store:
        await store.call("k", "SET", "k", "v")
        good = [store.pipeline("k", [("GET", "k"), ("ECHO", n)]) for n in range(9)]
        refused = store.call("k", "LPUSH", "k", 1)
        cancelled = asyncio.create_task(store.call("k", "ECHO", "nobody"))
        together = asyncio.gather(*good, refused, return_exceptions=True)
        asyncio.get_running_loop().call_soon(cancelled.cancel)
        *answers, refusal = await together
        assert answers == [[b"v", b"%d" % n] for n in range(9)]
        assert isinstance(refusal, StoreError)
        with pytest.raises(asyncio.CancelledError):
            await cancelled


_WRITES: dict[str, Callable[[Keyspace], Awaitable[object]]] = {
    "call": lambda store: store.call("n", "INCR", "n"),
    "pipeline": lambda store: store.pipeline("n", [("INCR", "n"), ("GET", "n")]),
    "eval": lambda s: s.call("n", "EVAL", "redis.call('INCR', KEYS[1])", 1, "n"),
}


async def _lose_an_answer(
    store: Keyspace, proxy: Proxy, write: Callable[[Keyspace], Awaitable[object]]
) -> None:
    hows: tuple[Literal["lose", "cut"], ...] = ("lose", "cut")
    for how in hows:
        await eventually(lambda: store.call("n", "SET", "n", 0), b"OK")
        proxy.spoil(how, b"INCR")
        with pytest.raises(StoreUnavailableError):
            await write(store)
        await eventually(lambda: store.call("n", "GET", "n"), b"1")


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
async def test_a_lost_answer_is_not_asked_for_again(
    valkey_server: Server, write: Callable[[Keyspace], Awaitable[object]]
) -> None:
    """A write whose answer is lost has run once, however it was lost."""
    async with (
        tcp_proxy(valkey_server.port) as proxy,
        connected(proxy.url, HASTY) as store,
    ):
        await _lose_an_answer(store, proxy, write)


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
async def test_a_lost_answer_is_not_asked_for_again_in_a_cluster(
    cluster: Cluster, write: Callable[[Keyspace], Awaitable[object]]
) -> None:
    """Likewise when the topology is learnt anew because of it."""
    owner = cluster.owner("n")
    async with tcp_proxy(owner.port) as proxy:
        owner.run("CONFIG", "SET", "cluster-announce-port", proxy.port)
        try:
            async with connected(f"redis+cluster://{owner.address}", HASTY) as store:
                await _lose_an_answer(store, proxy, write)
        finally:
            owner.run("CONFIG", "SET", "cluster-announce-port", 0)


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
async def test_a_lost_answer_is_not_asked_for_again_behind_a_sentinel(
    tmp_path: Path,
    valkey_server: Server,
    write: Callable[[Keyspace], Awaitable[object]],
) -> None:
    """Likewise when the Sentinel is asked again because of it."""
    async with tcp_proxy(valkey_server.port) as proxy:
        with sentinel(tmp_path, "main", proxy.port) as watcher:
            url = f"redis+sentinel://{watcher.address}/main"
            async with connected(url, HASTY) as store:
                await _lose_an_answer(store, proxy, write)
