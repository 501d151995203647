"""Random traffic, and the simulator in a process of its own."""

import asyncio
import csv
import json
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp

from tests.integration.simulators.conftest import Running
from tests.integration.simulators.desktop import desktop
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions


async def test_traffic_reaches_whoever_listens() -> None:
    """Until it is stopped; its rate can change while it runs."""
    simulator = GenesysSimulator(SimulatorOptions(agents=20))
    async with simulator.serve() as url, desktop(url, simulator.agents[0]) as alice:
        await alice.begin()
        simulator.start_traffic(transitions_per_s=500)
        simulator.start_traffic(transitions_per_s=2_000)
        message, *_ = await alice.connect()
        assert message["data"]["messageType"] == "CallStateChangeMessage"
        await simulator.stop_traffic()
        told = simulator.switch.told
        await alice.subscribe("/v2/me/devices")
        assert simulator.switch.told == told


async def test_broken_traffic_is_reported(
    simulator: GenesysSimulator, running: Running
) -> None:
    """At once, not only when somebody stops it."""
    reported: asyncio.Future[BaseException] = asyncio.Future()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: reported.set_result(context["exception"])
    )

    def break_down(*_: object) -> None:
        raise RuntimeError("line down")

    simulator.switch.listener = break_down
    simulator.start_traffic(transitions_per_s=1_000)
    assert str(await reported) == "line down"


async def test_a_process_of_its_own(tmp_path: Path) -> None:
    """It prints its URL, writes the agents, makes traffic, and ends when told to."""
    agents_file = tmp_path / "agents.csv"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tracker.simulators.genesys", "--agents=30", "--rate=200"),
        f"--agents-file={agents_file}",
        stdout=PIPE,
    )
    assert process.stdout
    try:
        line = json.loads(await process.stdout.readline())
        with agents_file.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows[0].keys() == {"id", "username", "password", "team", "expected"}
        assert len({row["id"] for row in rows}) == 30
        assert len({row["team"] for row in rows}) == 3
        row = rows[0]
        basic = aiohttp.encode_basic_auth(row["username"], row["password"])
        headers = {"Authorization": basic}
        async with aiohttp.ClientSession(line["url"], headers=headers) as http:
            async with http.get("/api/v2/me") as answer:
                assert answer.status == 200
            async with http.get("/_sim/state") as answer:
                assert (await answer.json())["agents"] == 30
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 5)
    assert process.returncode == 0
