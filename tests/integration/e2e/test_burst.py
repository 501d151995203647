"""More at once than anybody asked for."""

from collections import defaultdict
from pathlib import Path

from tests.integration.e2e.line import AGENT, SOURCE, notification
from tests.integration.peers import cometd_server
from tests.integration.subscriber import Json, Subscriber, assert_unbroken, subscriber
from tests.integration.system import tracker_process, write_agents, write_config

CALLS = [str(number) for number in range(20)]
ROUNDS = 500


async def test_twenty_thousand_messages_at_once_are_told_one_by_one(
    tmp_path: Path,
) -> None:
    """Of every call in its order, none twice and none left out."""
    burst = [
        notification(state, call)
        for _ in range(ROUNDS)
        for state in ("Recording", "Paused")
        for call in CALLS
    ]
    write_agents(tmp_path, [AGENT])
    async with cometd_server(timeout_s=5) as server:
        account = {"base_url": server.url, "agents_file": "agents.csv"}
        config = write_config(tmp_path, account)
        async with tracker_process(config) as tracker, subscriber(tracker.url) as desk:
            await desk.until_up(SOURCE)
            await server.set_calls(AGENT, [told["call"] for told in burst[-20:]])
            await server.publish(*burst, user=AGENT)
            await desk.until(lambda: len(changes(desk)) == len(burst), 60)

    states = defaultdict(list)
    for event in changes(desk):
        states[event["subject"]].append(event["data"]["change"]["to"])
    assert states == {
        f"genesys/acme/{call}": ["recording", "paused"] * ROUNDS for call in CALLS
    }
    assert_unbroken(desk.events)


def changes(desk: Subscriber) -> list[Json]:
    """What the calls did; a machine that is too slow has blind moments between."""
    blind = desk.of("recording.unknown"), desk.of("recording.seen")
    left_out = {event["id"] for events in blind for event in events}
    return [e for e in desk.of("recording.") if e["id"] not in left_out]
