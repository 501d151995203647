"""Who commanded what is written down."""

from aiohttp import ClientSession
from structlog.testing import capture_logs

from tests.integration.http.kept_site import keeping
from tests.integration.http.site import JWT
from tests.integration.servers import Server

CALL = "genesys/acme/c1"


async def test_every_command_is_written_down(
    valkey_server: Server, session: ClientSession
) -> None:
    """What was taken, and what was not and why; once each."""
    valkey_server.run("FLUSHALL")
    async with keeping(valkey_server.url, JWT) as site:
        await site.show(CALL)
        headers = {"Authorization": f"Bearer {site.token()}"}
        told: list[dict[str, str]] = []
        with capture_logs() as logs:
            for action, call in (("pause", CALL), ("stop", CALL), ("stop", "x/y/z")):
                url = f"{site.url}/v1/calls/{call}/commands"
                body = {"action": action}
                async with session.post(url, json=body, headers=headers) as answer:
                    told.append(await answer.json(content_type=None))
    lines = [log for log in logs if log["event"] == "audit"]
    assert [(log["who"], log["what"], log["key"]) for log in lines] == [
        ("jdoe", "pause", CALL),
        ("jdoe", "stop", CALL),
        ("jdoe", "stop", "x/y/z"),
    ]
    assert lines[0]["outcome"] == f"taken as {told[0]['id']}"
    assert lines[1]["outcome"].startswith("another command")
    assert lines[2]["outcome"] == "no such call"
