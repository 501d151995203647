"""How a process is that serves nobody: probes and metrics at a port of its own."""

from pathlib import Path

import aiohttp

from tests.integration.cli.test_commands import done
from tests.integration.servers import Server, free_port
from tests.integration.system import (
    get,
    tracker_process,
    until_metric,
    until_ready,
    write_config,
)


async def test_a_process_that_only_keeps_is_probed_and_measured(
    tmp_path: Path, valkey_server: Server
) -> None:
    """It is alive while its store is away, but not ready; and nothing else is there."""
    valkey_server.run("FLUSHALL")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    store = {"url": valkey_server.url, "call_timeout_s": 0.5}
    config = write_config(tmp_path, None, store=store, health={"port": port})
    async with tracker_process(config, ["keep"]):
        await until_ready(url)
        assert await get(url, "/livez") == {"alive": True}
        await until_metric(url, "tracker_inputs_total")
        with valkey_server.paused():
            status, problem = await asked(url, "/readyz")
            assert status == 503
            assert problem["title"] == "Service Unavailable"
            assert valkey_server.url in problem["detail"]
            assert await get(url, "/livez") == {"alive": True}
        await until_ready(url)
        assert (await asked(url, "/v1/calls"))[0] == 404
        keep = ("run", "--config", str(config), "--role", "keep")
        found = await done(*keep, cwd=tmp_path)
    assert found[0] == 2
    assert f"tracker: health.port {port} on 127.0.0.1 is in use: " in found[2]


async def asked(url: str, path: str) -> tuple[int, dict[str, str]]:
    """The status, and the problem."""
    async with aiohttp.ClientSession(url) as http, http.get(path) as answer:
        return answer.status, await answer.json()
