"""`python -m tracker.simulators.kazoo`: one server until told to end.

It prints one line of JSON, `{"base_url": …, "websocket_url": …, "account": …,
"users": […]}`, once it answers.
"""

import argparse

from tracker.simulators.kazoo.model import Delay
from tracker.simulators.kazoo.options import NEWER, KazooOptions
from tracker.simulators.kazoo.simulator import KazooSimulator
from tracker.simulators.process import announce, end_asked_for, run


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    arguments = _parser().parse_args()
    run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> None:
    given = vars(arguments).items()
    own = ("host", "port", "websocket_port", "rate")
    options = KazooOptions(**{name: it for name, it in given if name not in own})
    simulator = KazooSimulator(options)
    ended = end_asked_for()
    ports = arguments.port, arguments.websocket_port
    async with simulator.serve(arguments.host, *ports) as urls:
        if arguments.rate:
            simulator.start_traffic(arguments.rate)
        told = {"account": options.account, "users": list(simulator.users)}
        announce({**urls._asdict(), **told})
        await ended.wait()


def _delay(text: str) -> Delay:
    return "never" if text == "never" else float(text)


def _bucket(text: str) -> int | None:
    return None if text == "none" else int(text)


def _parser() -> argparse.ArgumentParser:
    default = KazooOptions()
    parser = argparse.ArgumentParser(prog="python -m tracker.simulators.kazoo")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0)
    add("--websocket-port", type=int, default=0)
    add("--rate", type=float, default=0.0, help="changes of calls per second")
    add("--account", default=default.account)
    add("--api-key", default=default.api_key)
    add("--username", default=default.username)
    add("--password", default=default.password)
    add("--users", type=int, default=default.users)
    add("--seed", type=int, default=default.seed)
    add("--release", type=int, choices=(4, NEWER), default=default.release)
    add("--token-lives-s", type=float, default=default.token_lives_s)
    add("--bucket", type=_bucket, default=default.bucket, help="a number, or none")
    add("--refill-per-s", type=float, default=default.refill_per_s)
    add("--is-chunked", action="store_true")
    add("--record-events", action="store_true")
    add("--tells-more", action="store_true")
    add("--has-ranges", action="store_true")
    help_text = "seconds from a document to its audio, or never"
    add("--audio-delay-s", type=_delay, default=default.audio_delay_s, help=help_text)
    help_text = "seconds until an accepted metaflow's effect, or never"
    delay_s = default.control_delay_s
    add("--control-delay-s", type=_delay, default=delay_s, help=help_text)
    return parser


if __name__ == "__main__":
    main()
