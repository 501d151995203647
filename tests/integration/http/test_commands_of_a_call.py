"""All that was asked of a call, over HTTP."""

from aiohttp import ClientSession

from tests.integration.http.kept_site import keeping
from tests.integration.http.site import JWT
from tests.integration.http.test_commands import CALL, Desk, confirm
from tests.integration.servers import Server
from tracker.domain.changes import Policy

PATH = f"/v1/calls/{CALL}/commands"


async def test_what_was_asked_of_a_call_is_listed(
    valkey_server: Server, session: ClientSession
) -> None:
    """The newest first, each as it is by itself; none of a call that is not there."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url) as site:
        await site.show(CALL)
        desk = Desk(session, site.url, None)
        assert (await desk.get(PATH)).body == {"items": [], "next": None}
        first = await desk.ask("pause", headers={"Idempotency-Key": "k-1"})
        await confirm(site, first.body["id"])
        await site.until(CALL, lambda call: call["command"]["stage"] == "confirmed")
        second = await desk.ask("resume", reason="other")
        answer = await desk.get(PATH)
        assert (answer.status, answer.body["next"]) == (200, None)
        places = [taken.headers["Location"] for taken in (second, first)]
        assert answer.body["items"] == [(await desk.get(p)).body for p in places]
        stages = [command["stage"] for command in answer.body["items"]]
        assert stages == ["requested", "confirmed"]
        assert (await desk.get(PATH.replace("c1", "c2"))).status == 404


async def test_who_saw_a_call_is_shown_what_was_asked_of_it(
    valkey_server: Server, session: ClientSession
) -> None:
    """Also when it is forgotten; to others it is as if there had been none."""
    valkey_server.run("FLUSHALL")
    hasty = Policy(ended_for_s=0.1)
    async with keeping(valkey_server.url, JWT, hasty) as site:
        await site.show(CALL)
        insider = Desk(session, site.url, site.token(agents=["jdoe"]))
        outsider = Desk(session, site.url, site.token(agents=["asmith"]))
        taken = await insider.ask("pause")

        async def look() -> None:
            (command,) = (await insider.get(PATH)).body["items"]
            assert command["id"] == taken.body["id"]
            hidden = await outsider.get(PATH)
            absent = await outsider.get(PATH.replace("c1", "c2"))
            assert hidden.status == absent.status == 404
            assert hidden.body == absent.body

        await look()
        await site.end(CALL)
        await look()
