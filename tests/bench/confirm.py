"""From a provider's asynchronous change to the command's ``confirmed``, by polling.

A thousand pauses on a simulated Vonage Contact Center, asked for at a steady pace; each
takes effect 300 ms (median, log-normal) after its 202. The reference is the same with a
look every second. The account's budget is out of the way, as are the background polls:
this measures when to look, not how often one may.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import uvloop

from tests.bench.figures import percentile, show, title
from tests.integration.e2e.contact_centre import Centre, centre, key_of
from tracker.providers.base import Looks
from tracker.providers.vonage_cc import source
from tracker.simulators.vonage_cc import Call, VonageCcOptions, VonageCcSimulator
from tracker.telemetry import LogSettings, configure_logging

COMMANDS = 1000
PER_S = 40
DELAY_S = 0.3
SPREAD = 0.5
BUDGET_PER_S = 1000
EVERY_SECOND = Looks(first_s=1.0, growth=1.0, longest_s=1.0)


async def pause(site: Centre, calls: Sequence[Call]) -> dict[str, float]:
    """Pause all of them; when each was confirmed, by its GUID."""
    confirmed: dict[str, float] = {}
    keys = {key_of(call.guid): call.guid for call in calls}

    async def listen() -> None:
        seen = 0
        while len(confirmed) < COMMANDS:
            events = site.desk.of("command.confirmed")
            now_s = time.monotonic()
            for event in events[seen:]:
                confirmed[keys[event["subject"]]] = now_s
            seen = len(events)
            await asyncio.sleep(0.002)

    listening = asyncio.create_task(listen())
    begin_s = time.monotonic()
    for number, call in enumerate(calls):
        await asyncio.sleep(max(0.0, begin_s + number / PER_S - time.monotonic()))
        await site.desk.command(key_of(call.guid), "pause")
    async with asyncio.timeout(60):
        await listening
    return confirmed


def show_figures(
    site: Centre, confirmed: dict[str, float], known: int
) -> tuple[float, float]:
    """The lags from the changes to their proof, and what they cost."""
    simulator = site.simulator
    changed = {change.guid: change.at_s for change in simulator.changes}
    lags_s = [at_s - changed[guid] for guid, at_s in confirmed.items()]
    gets: Counter[str] = Counter()
    for request in simulator.requests[known:]:
        guid = request.path.rpartition("/")[2]
        if request.method == "GET" and request.at_s < confirmed.get(guid, 0.0):
            gets[guid] += 1
    median_s, per_command = percentile(lags_s, 0.5), sum(gets.values()) / COMMANDS
    show("change to confirmed, p50", median_s * 1000, "ms")
    show("change to confirmed, p99", percentile(lags_s, 0.99) * 1000, "ms")
    show("GETs per command", per_command, "", f"at most {max(gets.values())}")
    return median_s, per_command


async def measure(name: str, looks: Looks, directory: Path) -> tuple[float, float]:
    """One run."""
    title(name)
    options = VonageCcOptions(agents=COMMANDS, delay_s=DELAY_S, delay_sigma=SPREAD)
    simulator = VonageCcSimulator(options)
    calls = [simulator.begin_call(agent, "02072068888") for agent in simulator.agents]
    seldom = {"poll_interval_s": 300, "agents_interval_s": 300}
    budget = {"requests_per_s": BUDGET_PER_S}
    with patch.object(source, "LOOKS", looks):
        async with centre(simulator, directory, **seldom, **budget) as site:
            await site.desk.until(lambda: len(site.desk.calls) == COMMANDS, 60)
            known = len(site.simulator.requests)
            confirmed = await pause(site, calls)
            return show_figures(site, confirmed, known)


async def bench(first: Path, second: Path) -> None:
    """Both runs, one after the other, each in a directory of its own."""
    median_s, gets = await measure("adaptive looks", source.LOOKS, first)
    slow_s, few = await measure("reference: a look a second", EVERY_SECOND, second)
    show("adaptive to reference, lag", median_s / slow_s, "x")
    show("adaptive to reference, GETs", gets / few, "x")


def main(_: Sequence[str]) -> None:
    """Print the figures, without the audit of every pause."""
    configure_logging(LogSettings(level="warning"))
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as first,
        tempfile.TemporaryDirectory(prefix="bench-") as second,
    ):
        uvloop.run(bench(Path(first), Path(second)))
