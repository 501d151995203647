"""What nobody can understand is counted and told of, and holds nothing up."""

from copy import deepcopy
from pathlib import Path

from structlog.testing import capture_logs

from tests.integration.e2e.line import AGENT, notification, open_line
from tests.integration.peers import cometd_server
from tests.integration.subscriber import Json
from tests.integration.system import metric

COUNTER = "tracker_unreadable_messages_total"
CARD = "4929-0000-1234"
"""Content: it must never be seen in a log."""


async def test_an_unreadable_message_costs_only_itself(tmp_path: Path) -> None:
    """Counted each time, logged once per kind with its shape and without content."""
    headless = without_state(notification("Recording"))
    with capture_logs() as logs:
        async with (
            cometd_server(timeout_s=5) as server,
            open_line(server, tmp_path) as line,
        ):
            batch = [headless, notification("Recording"), [CARD], headless]
            await server.publish(*batch, notification("Paused"), user=AGENT)
            await line.until("paused")
            counted = await metric(line.url, COUNTER, "what")

    assert line.desk.states("genesys/acme/1") == ["recording", "paused"]
    assert counted == {"CallStateChangeMessage": 2, "notification": 1}
    shapes = [log["shape"] for log in logs if log["event"] == "message_unreadable"]
    assert len(shapes) == len(counted)
    assert "callUuid:str" in shapes[0]
    assert CARD not in str(logs)


def without_state(data: Json) -> Json:
    """A call in no state at all."""
    broken = deepcopy(data)
    del broken["call"]["state"]
    broken["call"]["userData"] = {"card": CARD}
    return broken
