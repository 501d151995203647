"""`python -m tracker.simulators.vonage_cc`: one contact centre until told to end.

It prints one line of JSON, `{"url": …, "account": …, "client_id": …, "agents": […]}`,
once it answers.
"""

import argparse

from tracker.simulators.process import announce, end_asked_for, run
from tracker.simulators.vonage_cc.options import Delay, VonageCcOptions
from tracker.simulators.vonage_cc.simulator import VonageCcSimulator


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    arguments = _parser().parse_args()
    run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> None:
    given = vars(arguments).items()
    own = ("host", "port", "rate")
    options = VonageCcOptions(**{name: it for name, it in given if name not in own})
    simulator = VonageCcSimulator(options)
    ended = end_asked_for()
    async with simulator.serve(arguments.host, arguments.port) as url:
        if arguments.rate:
            simulator.start_traffic(arguments.rate)
        named = {"account": options.account, "client_id": options.client_id}
        announce({"url": url, **named, "agents": list(simulator.agents)})
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
