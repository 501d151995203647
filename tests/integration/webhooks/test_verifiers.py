"""The npm library of Standard Webhooks, and the command line, in front of it all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.cli.test_commands import done
from tests.integration.http.kept_site import keeping
from tests.integration.node import Peer, run
from tests.integration.servers import Server
from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.rig import Rig, rig_of, until
from tracker.client import Filter, ProblemError, Tracker
from tracker.outlets.endpoint import new_secret

A = "genesys/acme/a"


async def test_the_npm_library_verifies_it(rig: Rig, receiver: Receiver) -> None:
    """Whoever has one of the secrets does; nobody else."""
    old = new_secret()
    endpoint = await rig.add(receiver.url, secrets=(new_secret(), old))
    async with rig.dispatching():
        await rig.tell(A)
        await receiver.until(lambda: receiver.taken)
    [got] = receiver.taken
    sent = {"body": got.body.decode(), "headers": dict(got.headers)}
    for secret in (*(each.value for each in endpoint.secrets), new_secret().value):
        options = {"secret": secret}
        async with run(Peer, "webhook_receiver.js", options) as peer:
            await peer.event("ready")
            said = await peer.command("verify", **sent)
            known = secret in {each.value for each in endpoint.secrets}
            assert said.get("event") == (got.event if known else None)


@asynccontextmanager
async def served(server: Server) -> AsyncIterator[str]:
    """A site that delivers, and the only call there is."""
    server.run("FLUSHALL")
    async with keeping(server.url) as site, rig_of(site.kept).dispatching():
        await site.show(A)
        yield site.url


async def test_endpoints_on_a_command_line(
    valkey_server: Server, receiver: Receiver, tmp_path: Path
) -> None:
    """A line each; what cannot be is one sentence and exit 2."""
    async with served(valkey_server) as url:

        async def said(*words: str, status: int = 0) -> str:
            line = ("webhook", *words)
            ended, out, err = await done(*line, cwd=tmp_path, TRACKER_URL=url)
            assert ended == status, err
            return out + err

        id_, secret = (await said("add", receiver.url, "--agent", "jdoe")).split()
        assert secret.startswith("whsec_")
        listed = (await said("disable", id_)).split(maxsplit=5)
        why = "(asked by anonymous)\n"
        assert listed == [id_, "disabled", "0", "owed", receiver.url, why]
        event = (await said("test", id_)).strip()
        line = await said("deliveries", id_, "--status", "owed")
        assert "tracker.webhook.test" in line
        assert event in line
        accounts = ("--account", "genesys/acme", "--account", "kazoo/nope")
        added = await said("add", receiver.url, *accounts)
        (warning,) = added.splitlines()[1:]
        assert warning == "tracker: no account kazoo/nope has been heard of yet"
        wrong = await said("add", "https://x.example/", "--type", "x", status=2)
        assert wrong.startswith("tracker: --type: no such event type")


async def test_endpoints_in_a_program(
    valkey_server: Server, receiver: Receiver
) -> None:
    """Everything that HTTP offers, with a method each."""
    async with served(valkey_server) as url:
        tracker = Tracker(url)
        begin_at = datetime.now(UTC) - timedelta(minutes=1)
        wanted = Filter(agents=frozenset({"jdoe"}))
        made = await tracker.add_webhook(
            receiver.url, wanted, description="archive", rate_per_s=1000
        )
        id_ = made["id"]
        assert [one["id"] async for one in tracker.webhooks()] == [id_]
        await tracker.replay_webhook(id_, begin_at=begin_at)
        await receiver.until(lambda: receiver.taken)
        event = receiver.taken[0].id

        async def is_over() -> bool:
            found = tracker.deliveries(id_, {"status": "delivered"}, page=1)
            return event in [one["event"] async for one in found]

        await until(is_over)
        assert (await tracker.resend(id_, event))["event"] == event
        assert (await tracker.test_webhook(id_))["status"] == "owed"
        await receiver.until(lambda: len(receiver.taken) >= 3)
        assert (await tracker.rotate_webhook(id_, 0))["secret"] != made["secret"]
        changed = await tracker.change_webhook(id_, state="disabled")
        assert changed["state"] == (await tracker.webhook(id_))["state"] == "disabled"
        assert changed["rate_per_s"] == 1000
        changed = await tracker.change_webhook(id_, rate_per_s=None)
        assert changed["rate_per_s"] is None
        await tracker.delete_webhook(id_)
        with pytest.raises(ProblemError, match="no such endpoint"):
            await tracker.webhook(id_)
