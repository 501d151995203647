"""`python -m tracker.simulators.vonage_cc`: one contact centre until told to end.

It prints one line of JSON, `{"url": …, "account": …, "client_id": …, "agents": […]}`,
once it answers.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable

from tracker.simulators.vonage_cc.options import Delay, VonageCcOptions
from tracker.simulators.vonage_cc.simulator import VonageCcSimulator


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
    given = vars(arguments).items()
    own = ("host", "port", "rate")
    options = VonageCcOptions(**{name: it for name, it in given if name not in own})
    simulator = VonageCcSimulator(options)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with simulator.serve(arguments.host, arguments.port) as url:
        if arguments.rate:
            simulator.start_traffic(arguments.rate)
        named = {"account": options.account, "client_id": options.client_id}
        told = {"url": url, **named, "agents": list(simulator.agents)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await ended.wait()


def _delay(text: str) -> Delay:
    return "never" if text == "never" else float(text)


def _parser() -> argparse.ArgumentParser:
    default = VonageCcOptions()
    parser = argparse.ArgumentParser(prog="python -m tracker.simulators.vonage_cc")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0)
    add("--rate", type=float, default=0.0, help="changes of calls per second")
    add("--account", default=default.account)
    add("--client-id", default=default.client_id)
    add("--client-secret", default=default.client_secret)
    add("--agents", type=int, default=default.agents)
    add("--seed", type=int, default=default.seed)
    add("--expires-in", type=int, default=default.expires_in, help="seconds")
    help_text = "median seconds until an accepted change, or never"
    add("--delay-s", type=_delay, default=default.delay_s, help=help_text)
    add("--delay-sigma", type=float, default=default.delay_sigma)
    add("--limit-per-s", type=int, default=default.limit_per_s)
    add("--retry-after-s", type=int, default=default.retry_after_s)
    return parser


if __name__ == "__main__":
    main()
