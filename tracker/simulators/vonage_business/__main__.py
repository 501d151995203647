"""`python -m tracker.simulators.vonage_business`: one account until told to end.

It prints one line of JSON, `{"url": …, "account": …, "client_id": …, "username": …,
"users": […]}`, once it answers.
"""

import argparse

from tracker.simulators.process import announce, end_asked_for, run
from tracker.simulators.vonage_business.options import Pace, VonageBusinessOptions
from tracker.simulators.vonage_business.simulator import VonageBusinessSimulator


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    run(_run(_parser().parse_args()))


async def _run(arguments: argparse.Namespace) -> None:
    given = vars(arguments).items()
    own = ("host", "port", "rate", "recordings")
    named = {name: it for name, it in given if name not in own}
    named["users"] = tuple(arguments.users)
    options = VonageBusinessOptions(**named)
    simulator = VonageBusinessSimulator(options)
    simulator.fill(arguments.recordings)
    ended = end_asked_for()
    async with simulator.serve(arguments.host, arguments.port) as url:
        if arguments.rate:
            simulator.start_traffic(arguments.rate)
        announce(
            {
                "url": url,
                "account": options.account,
                "client_id": options.client_id,
                "username": options.username,
                "users": [options.user, *options.users],
            }
        )
        await ended.wait()


def _pace(text: str) -> Pace:
    return "never" if text == "never" else float(text)


def _parser() -> argparse.ArgumentParser:
    default = VonageBusinessOptions()
    parser = argparse.ArgumentParser(
        prog="python -m tracker.simulators.vonage_business"
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0)
    add("--rate", type=float, default=0.0, help="recordings per second")
    add("--recordings", type=int, default=0, help="how many there are already")
    add("--account", default=default.account)
    add("--user", default=default.user)
    add("--users", nargs="*", default=default.users, help="the others")
    add("--client-id", default=default.client_id)
    add("--client-secret", default=default.client_secret)
    add("--username", default=default.username)
    add("--password", default=default.password)
    add("--seed", type=int, default=default.seed)
    add("--expires-in", type=int, default=default.expires_in, help="seconds")
    add("--types", choices=("examples", "schema", "seeded"), default=default.types)
    add("--ranges", action="store_true", help="parts of audio can be asked for")
    help_text = "of each file of audio, as over a line"
    pace = default.audio_bytes_per_s
    add("--audio-bytes-per-s", type=float, default=pace, help=help_text)
    help_text = "seconds from file to file of an export, or never"
    add("--job-file-s", type=_pace, default=default.job_file_s, help=help_text)
    add("--limit-per-s", type=int, default=default.limit_per_s)
    add("--retry-after-s", type=int, default=default.retry_after_s)
    return parser


if __name__ == "__main__":
    main()
