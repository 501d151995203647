"""A call's issue, from a threshold that passes by itself to every way of asking."""

from aiohttp import ClientSession

from tests.integration.http.kept_site import KeptSite, keeping
from tests.integration.http.test_commands import Desk
from tests.integration.servers import Server
from tracker.domain.changes import Policy
from tracker.domain.reading import Observation
from tracker.domain.terms import RecordingState

CALL = "genesys/acme/c1"


async def tell(site: KeptSite, recording: RecordingState) -> None:
    """The platform shows a call that should always be recorded."""
    shown = Observation(
        call=CALL, leg_id="1", state="active", recording=recording, expected="always"
    )
    await (await site.feed()).tell(shown)


async def test_an_issue_opens_though_nothing_arrives_and_closes_by_itself(
    valkey_server: Server, session: ClientSession
) -> None:
    """It is in the snapshot, an event, and what a filter finds."""
    valkey_server.run("FLUSHALL")
    policy = Policy(not_recording_after_s=0.5)
    async with keeping(valkey_server.url, policy=policy) as site:
        desk, since = Desk(session, site.url, None), site.services.projection.cursor
        others = "/v1/calls?issues=paused_long,unseen"
        await tell(site, "stopped")
        shown = await site.until(CALL, lambda call: bool(call["issues"]))
        assert [issue["type"] for issue in shown["issues"]] == ["not_recording"]
        page = (await desk.get("/v1/calls?issues=not_recording")).body
        assert [item["key"] for item in page["items"]] == [CALL]
        assert (await desk.get(others)).body["items"] == []
        await tell(site, "recording")
        await site.until(CALL, lambda call: not call["issues"])
        page = (await desk.get("/v1/calls?issues=not_recording")).body
        assert page["items"] == []
        types = "tracker.issue.opened,tracker.issue.closed"
        events = (await desk.get(f"/v1/events?since={since}&types={types}")).body
        told = [(e["type"], e["data"]["change"]["issue"]) for e in events["items"]]
        assert told == [
            ("tracker.issue.opened", "not_recording"),
            ("tracker.issue.closed", "not_recording"),
        ]
