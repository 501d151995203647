"""`python -m tracker.simulators.genesys`: one simulated GWS until it is told to end.

It prints one line of JSON, `{"url": …, "agents_file": …}`, once it answers.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tracker.simulators.genesys.options import SimulatorOptions
from tracker.simulators.genesys.simulator import GenesysSimulator


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    arguments = _parser().parse_args()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(arguments))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Of uvloop, where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


async def _run(arguments: argparse.Namespace) -> None:
    options = SimulatorOptions(
        agents=arguments.agents,
        seed=arguments.seed,
        shape=arguments.shape,
        csrf=arguments.csrf,
        acks=not arguments.no_acks,
        timeout_ms=arguments.timeout_ms,
    )
    simulator = GenesysSimulator(options)
    if arguments.agents_file:
        simulator.write_agents_file(arguments.agents_file)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with simulator.serve(arguments.host, arguments.port) as url:
        if arguments.rate:
            simulator.start_traffic(arguments.rate)
        named = arguments.agents_file and str(arguments.agents_file)
        sys.stdout.write(json.dumps({"url": url, "agents_file": named}) + "\n")
        sys.stdout.flush()
        await ended.wait()


def _parser() -> argparse.ArgumentParser:
    default = SimulatorOptions()
    parser = argparse.ArgumentParser(prog="python -m tracker.simulators.genesys")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0)
    add("--agents", type=int, default=default.agents)
    add("--rate", type=float, default=0.0, help="notifications per second")
    add("--seed", type=int, default=default.seed)
    add("--shape", choices=("2013", "2015", "2026"), default=default.shape)
    add("--timeout-ms", type=int, default=default.timeout_ms)
    add("--csrf", action="store_true")
    add("--no-acks", action="store_true")
    add("--agents-file", type=Path, help="write the agents there")
    return parser


if __name__ == "__main__":
    main()
