"""The Python client of the public API: events exactly once, and a live map of calls.

::

    tracker = Tracker("http://127.0.0.1:8080", token)
    async for event in tracker.events(Filter(agents={"jdoe"})):
        print(event["type"], event["data"])

    async for live in tracker.calls():
        print(live.current, len(live.calls))

    command = await tracker.command("genesys/acme/…", "pause", wait_s=15)
    print(command["stage"], command["problem"])

    directory = Path("recordings")
    directory.mkdir(exist_ok=True)
    async for recording in tracker.recordings(Which(agent="745249")):
        await tracker.download(recording["key"], directory)

``follower`` knows the protocol and does no I/O, ``stream`` holds the socket and comes
back when it is lost, ``live`` folds what comes into a map, and ``asking`` is what goes
over HTTP, ``recordings`` among it.
"""

from tracker.client.asking import ProblemError, UnansweredError
from tracker.client.live import LiveCalls
from tracker.client.recordings import Download, Which
from tracker.client.stream import RefusedError
from tracker.client.tracker import Tracker
from tracker.fanout.filters import Filter

__all__ = [
    "Download",
    "Filter",
    "LiveCalls",
    "ProblemError",
    "RefusedError",
    "Tracker",
    "UnansweredError",
    "Which",
]
