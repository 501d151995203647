"""Kazoo, through all of tracker: what is proved is shown, and nothing else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.integration.subscriber import Json, Subscriber, subscriber
from tests.integration.system import get, running_tracker, write_config
from tracker.domain.key import make_key
from tracker.simulators.kazoo import Call, KazooOptions, KazooSimulator

ACCOUNT = KazooOptions().account
PROVEN = {"release": 5, "record_events": True}


def key_of(call: Call) -> str:
    """As tracker names it."""
    return make_key("kazoo", ACCOUNT, call.interaction_id)


@dataclass
class Office:
    """What a test works with.

    Attributes:
        url: Where tracker serves.
        desk: A subscriber to everything.
    """

    simulator: KazooSimulator
    url: str
    desk: Subscriber

    async def call(self) -> Call:
        """One that is answered, and known."""
        call = self.simulator.begin_call(self.simulator.users[0])
        self.simulator.answer(call)
        key = key_of(call)
        await self.desk.until(
            lambda: (
                key in self.desk.calls
                and self.desk.calls[key]["call"]["state"] == "active"
            )
        )
        return call

    async def command(self, call: Call, action: str, **more: object) -> Json:
        """Ask for *action*, and wait for its end."""
        path = f"/v1/calls/{key_of(call)}/commands"
        async with (
            aiohttp.ClientSession(self.url) as http,
            http.post(
                path, json={"action": action, **more}, headers={"Prefer": "wait=10"}
            ) as got,
        ):
            assert got.status == 200, await got.text()
            answer: Json = await got.json()
            return answer

    def recording(self, call: Call) -> Json:
        """As the desk has it."""
        shown: Json = self.desk.calls[key_of(call)]["recording"]
        return shown


Opener = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def office(tmp_path: Path) -> Opener:
    """A tracker on a server of some kind, and a desk that watches."""

    @asynccontextmanager
    async def opened(**options: object) -> AsyncIterator[Office]:
        given = {"users": 2, "bucket": None, **options}
        simulator = KazooSimulator(KazooOptions(**given))  # type: ignore[arg-type]
        async with simulator.serve() as urls:
            account = {
                "account": ACCOUNT,
                "base_url": urls.base_url,
                "websocket_url": urls.websocket_url,
                "api_key": simulator.options.api_key,
                "expected": "always",
            }
            config = write_config(tmp_path, None, {"kazoo": account})
            async with running_tracker(config) as url, subscriber(url) as desk:
                await desk.until_up(f"kazoo/{ACCOUNT}/live")
                await desk.until_up(f"kazoo/{ACCOUNT}/recordings")
                yield Office(simulator, url, desk)

    return opened


async def test_what_nobody_proves_stays_unknown(office: Opener) -> None:
    """A stock server: the start is taken, the call is recorded, and nobody says so."""
    async with office() as at:
        call = await at.call()
        shown = at.recording(call)
        assert (shown["state"], shown["unknown_reason"]) == ("unknown", "no_proof")
        command = await at.command(call, "start", deadline_s=1)
        assert command["stage"] == "unconfirmed"
        assert [it.after for it in at.simulator.changes] == ["recording"]
        assert at.recording(call)["state"] == "unknown"
        assert at.desk.calls[key_of(call)]["issues"][0]["type"] == "command_failed"


async def test_a_stored_document_proves_a_stop_and_is_linked(office: Opener) -> None:
    """Also on a stock server: it is saved once its recording has stopped."""
    async with office(save_delay_s=0.3) as at:
        call = await at.call()
        at.simulator.record(call.channels[1])
        command = await at.command(call, "stop", agent=at.simulator.users[0])
        assert command["stage"] == "confirmed"
        event = await at.desk.event("media.available")
        media = event["data"]["media"]
        assert media["call_key"] == key_of(call)
        await at.desk.until(lambda: at.desk.calls[key_of(call)]["media"])
        listed = await get(at.url, f"/v1/recordings?call={call.channels[1].id}")
        assert [it["key"] for it in listed["items"]] == [media["key"]]


async def test_record_events_prove_commands(office: Opener) -> None:
    """Each as soon as it is told; who stops it otherwise is seen too."""
    async with office(**PROVEN) as at:
        call = await at.call()
        for action, state in (
            ("start", "recording"),
            ("pause", "paused"),
            ("resume", "recording"),
            ("stop", "stopped"),
        ):
            command = await at.command(call, action)
            assert (command["stage"], at.recording(call)["state"]) == (
                "confirmed",
                state,
            )
        at.simulator.record(call.channels[1])
        await at.desk.until(lambda: at.recording(call)["state"] == "recording")
        at.simulator.end(call)
        await at.desk.event("call.ended", key_of(call))


async def test_a_wrong_option_is_told_in_words(office: Opener) -> None:
    """It becomes no command, and what would be right is said."""
    async with office(**PROVEN) as at:
        call = await at.call()
        path = f"/v1/calls/{key_of(call)}/commands"
        body = {"action": "start", "options": {"format": "ogg"}}
        async with (
            aiohttp.ClientSession(at.url) as http,
            http.post(path, json=body) as got,
        ):
            said = "the option format must be mp3 or wav"
            assert got.status == 400
            fault = {"field": "options", "detail": said}
            assert (await got.json())["errors"] == [fault]
        assert at.desk.calls[key_of(call)]["command"] is None
        assert not [it for it in at.simulator.requests if it.method == "PUT"][1:]


async def test_a_transfer_stays_one_call(office: Opener) -> None:
    """Legs come and go, the interaction stays."""
    async with office(**PROVEN) as at:
        call = await at.call()
        at.simulator.transfer(call, at.simulator.users[1])
        key, agent = key_of(call), at.simulator.users[1]
        await at.desk.until(
            lambda: (
                agent in [it["agent"] for it in at.desk.calls[key]["call"]["parties"]]
            )
        )
        assert list(at.desk.calls) == [key]
