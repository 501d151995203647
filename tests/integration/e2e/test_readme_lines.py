"""The README's lines that find a key to go on with, run by a shell."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.servers import free_port
from tests.integration.subscriber import subscriber
from tests.integration.system import running_tracker, write_config
from tracker.client import Filter, Tracker
from tracker.simulators.vonage_business import VonageBusinessSimulator

README = Path(__file__).parents[3] / "README.md"
API = "http://127.0.0.1:8080/v1"
NAMES = ("KEY", "EXPORT", "JOB", "ID", "EVENT")
CURL = f"""#!{sys.executable}
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[-1]).read().decode())
"""


async def shell(script: str, directory: Path) -> str:
    """What *script* prints; a curl that only gets is on its path."""
    curl = directory / "curl"
    curl.write_text(CURL)
    curl.chmod(0o700)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", script),
        env={**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"},
        stdout=PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


def lines(url: str) -> list[str]:
    """Of the README, at *url*; and what prints all that they found."""
    wanted = rf"^(?:API=|(?:{'|'.join(NAMES)})=\$\(curl).*"
    found = re.findall(wanted, README.read_text(encoding="utf-8"), re.MULTILINE)
    printed = [f'echo "${name}"' for name in NAMES]
    return [line.replace(API, f"{url}/v1") for line in found] + printed


@pytest.fixture
async def url(simulator: VonageBusinessSimulator, tmp_path: Path) -> AsyncIterator[str]:
    """Where a tracker serves that has one account."""
    options = simulator.options
    async with simulator.serve() as base_url:
        account = {
            "account": options.account,
            "base_url": base_url,
            "users": [options.user],
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "username": options.username,
            "password": options.password,
            "recordings_interval_s": 0.2,
        }
        accounts = {"vonage_business": account}
        webhooks = {"allow_loopback": True}
        config = write_config(tmp_path, None, accounts, webhooks=webhooks)
        async with running_tracker(config) as url:
            yield url


@pytest.fixture
def simulator() -> VonageBusinessSimulator:
    return VonageBusinessSimulator()


async def test_each_finds_what_there_is(
    simulator: VonageBusinessSimulator, url: str, tmp_path: Path
) -> None:
    """A recording, an export, its job, an endpoint, and an event that it is owed."""
    tracker = Tracker(url)
    async with subscriber(url) as desk:
        await desk.until_up(f"vonage_business/{simulator.options.account}/recordings")
        wanted = Filter(types=frozenset({"tracker.media.available"}))
        nobody = f"http://127.0.0.1:{free_port()}/"
        endpoint = await tracker.add_webhook(nobody, wanted)
        simulator.add_recording()
        event = await desk.event("media.available")
        while not [one async for one in tracker.deliveries(endpoint["id"])]:
            await desk.ping()
    made = (await tracker.export())["items"][0]
    found = (await shell("\n".join(lines(url)), tmp_path)).split()
    assert found[0] == event["subject"]
    assert found[2] in {job["id"] for job in made["jobs"]}
    assert found[3:] == [endpoint["id"], event["id"]]
    assert (await tracker.export_state(found[1]))["jobs"][0]["id"] == found[2]
