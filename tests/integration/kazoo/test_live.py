"""Live channels: told by the blackhole, found by lists, commanded by metaflows."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from tests.contract.observer import Observer, observing
from tests.integration.kazoo.site import Site, site
from tracker.domain.key import make_key
from tracker.domain.reading import Observation, Unreadable
from tracker.domain.terms import Action
from tracker.errors import CommandRefusedError, ProviderUnavailableError
from tracker.providers.kazoo import board, client
from tracker.simulators.faults import FaultKind
from tracker.simulators.kazoo import Call, KazooOptions, KazooSimulator
from tracker.simulators.kazoo.blackhole import Session
from tracker.simulators.kazoo.model import State

PROVEN: Mapping[str, object] = {"release": 5, "record_events": True}
DOCUMENTS = "object.doc_created.*"


class Live:
    """A site that is observed."""

    def __init__(self, at: Site, observer: Observer) -> None:
        self.simulator, self.settings = at.simulator, at.settings
        self.fail, self.command, self.asked = at.fail, at.command, at.asked
        self.observer = observer

    def told(self, channel: str | None = None) -> list[Observation]:
        """Of one leg, or of all."""
        found = self.observer.readings
        return [
            it
            for it in found
            if isinstance(it, Observation) and channel in (None, it.leg)
        ]

    async def until(self, channel: str, state: str | None) -> Observation:
        """Wait until a leg's recording is last told to be so."""
        await self.observer.until(
            lambda: (told := self.told(channel)) and told[-1].recording == state
        )
        return self.told(channel)[-1]

    async def until_ended(self, channel: str) -> None:
        await self.observer.until(
            lambda: (told := self.told(channel)) and told[-1].state == "ended"
        )

    def key_of(self, call: Call) -> str:
        return make_key("kazoo", self.settings.account, call.interaction_id)


@asynccontextmanager
async def live(
    options: Mapping[str, object] | None = None,
    simulator: KazooSimulator | None = None,
    **fields: object,
) -> AsyncIterator[Live]:
    """From its first full read on."""
    given = {"users": 3, "bucket": None, **(options or {})}
    made = simulator or KazooSimulator(KazooOptions(**given))  # type: ignore[arg-type]
    async with (
        site(made, **{"verify_interval_s": 0.1, **fields}) as at,
        observing(at.source) as observer,
    ):
        await observer.until_complete()
        yield Live(at, observer)


def answered(at: Live) -> tuple[Call, str]:
    """A call, and its user's channel."""
    call = at.simulator.begin_call(at.simulator.users[0])
    at.simulator.answer(call)
    return call, call.channels[1].id


@pytest.mark.parametrize("tells_more", [False, True])
async def test_a_call_s_life_is_told(*, tells_more: bool) -> None:
    """All its channels are legs of one call, whatever events say of it."""
    async with live({"tells_more": tells_more}) as at:
        call = at.simulator.begin_call(at.simulator.users[0])
        caller, called = (channel.id for channel in call.channels)
        await at.until(called, "unknown")
        assert at.told(caller)[-1].state == "dialing"
        assert at.told(called)[-1].state == "ringing"
        at.simulator.answer(call)
        await at.observer.until(lambda: at.told(called)[-1].state == "active")
        seen = at.told(called)[-1]
        assert (seen.call, seen.agent, seen.no_proof, seen.type) == (
            at.key_of(call),
            at.simulator.users[0],
            True,
            "unknown",
        )
        assert at.told(caller)[-1].role == "other"
        at.simulator.end(call)
        await at.until_ended(called)
        assert {it.call for it in at.told()} == {at.key_of(call)}


@pytest.mark.parametrize("tells_more", [False, True])
async def test_calls_that_were_there_are_found(*, tells_more: bool) -> None:
    """By the list, and by each channel's detail where the list lacks its call."""
    options = KazooOptions(users=3, bucket=None, tells_more=tells_more)
    simulator = KazooSimulator(options)
    calls = [simulator.begin_call(user) for user in simulator.users]
    async with live(simulator=simulator) as at:
        (first, *_) = at.observer.checkpoints
        assert list(first.calls) == sorted(map(at.key_of, calls))
        assert all(not it.exact for it in at.told())
        details = at.asked("GET", "/channels/")
        assert details == (0 if tells_more else 6)


async def test_documents_of_other_kinds_are_nothing() -> None:
    """The binding tells of them too: they are not even unreadable."""
    async with live() as at:
        at.simulator.save_other_document("cdr")
        _, channel = answered(at)
        await at.until(channel, "unknown")
        told = at.observer.readings
        assert not [it for it in told if isinstance(it, Unreadable)]


async def test_record_events_are_states() -> None:
    """Of a call that began while they were told: nothing else claims anything."""
    async with live(PROVEN) as at:
        call, channel = answered(at)
        other = call.channels[0].id
        record = at.simulator
        steps: list[tuple[Callable[..., None], str]] = [
            (record.record, "recording"),
            (record.mask, "paused"),
            (record.unmask, "recording"),
            (record.pause, "paused"),
            (record.resume, "recording"),
            (record.stop, "stopped"),
        ]
        await at.until(channel, None)
        for change, state in steps:
            change(call.channels[1])
            seen = await at.until(channel, state)
            assert (seen.exact, seen.no_proof) == (True, False)
        assert at.told(other)[-1].recording is None


async def test_a_recording_may_have_ended_at_its_limit() -> None:
    """Unless its end is told: then nobody knows."""
    async with live(PROVEN, time_limit_s=0.3) as at:
        at.fail(FaultKind.DROP, "call.*.RECORD_STOP.*")
        call, channel = answered(at)
        at.simulator.record(call.channels[1])
        await at.until(channel, "recording")
        seen = await at.until(channel, "unknown")
        assert seen.no_proof


async def test_a_command_s_own_limit_counts() -> None:
    """It is the one that the recording has."""
    async with live(PROVEN) as at:
        at.fail(FaultKind.DROP, "call.*.RECORD_STOP.*")
        _, channel = answered(at)
        await at.until(channel, None)
        await at.command(channel, "start", time_limit=1)
        await at.until(channel, "recording")
        await at.until(channel, "unknown")


async def test_only_starts_and_stops_may_be_told() -> None:
    """Then a pause that was asked for leaves the state unknown."""
    async with live({"release": 4, "record_events": True}) as at:
        call, channel = answered(at)
        at.simulator.record(call.channels[1])
        await at.until(channel, "recording")
        await at.command(channel, "pause")
        assert (await at.until(channel, "unknown")).no_proof
        await at.simulator.until(lambda: call.channels[1].state is State.MASKED)


async def test_a_stored_document_proves_a_stop() -> None:
    """On a stock server; what the recording does afterwards is open again."""
    async with live() as at:
        call, channel = answered(at)
        at.simulator.record(call.channels[1])
        await at.until(channel, "unknown")
        at.simulator.stop(call.channels[1])
        await at.observer.until(
            lambda: "stopped" in [it.recording for it in at.told(channel)]
        )
        assert (await at.until(channel, "unknown")).no_proof


@pytest.mark.parametrize(
    ("release", "pause_by", "words"),
    [
        (4, "auto", ["start", "pause", "mask", "unmask", "stop"]),
        (5, "auto", ["start", "pause", "resume", "stop"]),
        (5, "mask", ["start", "mask", "unmask", "stop"]),
    ],
)
async def test_commands_in_the_server_s_words(
    release: int, pause_by: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause is a mask where there is none; it is asked for once."""
    async with live({"release": release}, pause_by=pause_by) as at:
        call, channel = answered(at)
        asked: list[str] = []
        metaflow = at.simulator.site.rest.metaflow

        def listen(channel_id: str, body: dict[str, object]) -> object:
            asked.append(body["data"]["data"]["action"])  # type: ignore[index]
            return metaflow(channel_id, body)

        monkeypatch.setattr(at.simulator.site.rest, "metaflow", listen)
        states: list[tuple[Action, State]] = [
            ("start", State.RECORDING),
            ("pause", State.PAUSED if "resume" in words else State.MASKED),
            ("resume", State.RECORDING),
            ("stop", State.STOPPED),
        ]
        for action, state in states:
            await at.command(channel, action)
            await at.simulator.until(lambda: call.channels[1].state is state)  # noqa: B023
        assert asked == words


async def test_a_server_that_must_pause_is_not_asked_for_a_mask() -> None:
    """By the settings."""
    async with live({"release": 4}, pause_by="pause") as at:
        _, channel = answered(at)
        with pytest.raises(CommandRefusedError, match=r"data\.action: enum"):
            await at.command(channel, "pause")


async def test_a_command_is_not_repeated_long_after_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A login that takes long leaves it untaken; it may be asked for again."""
    monkeypatch.setattr(client, "REPEATED_WITHIN_S", 0.0)
    async with live(websocket_url=None, poll_interval_s=3600) as at:
        call, channel = answered(at)
        at.simulator.expire_tokens()
        with pytest.raises(ProviderUnavailableError, match="renewed first") as caught:
            await at.command(channel, "start")
        assert not caught.value.taken
        assert (at.asked("PUT", channel), at.simulator.token_requests) == (1, 2)
        await at.command(channel, "start")
        await at.simulator.until(lambda: call.channels[1].state is State.RECORDING)


async def test_a_channel_that_is_gone_is_refused() -> None:
    """There is nothing to be asked."""
    async with live() as at:
        with pytest.raises(CommandRefusedError, match="lives no more"):
            await at.command("gone@127.0.0.1", "start")


@pytest.mark.parametrize("trouble", ["cut", "refused", "drop", "hang"])
async def test_it_comes_back(trouble: str) -> None:
    """Connections, tokens, bindings and answers that are lost; all is bound again."""
    async with live(PROVEN, ping_interval_s=0.1, request_timeout_s=0.3) as at:
        call, channel = answered(at)
        at.simulator.record(call.channels[1])
        await at.until(channel, "recording")
        if trouble == "cut":
            at.simulator.cut_sockets()
        elif trouble == "drop":
            at.simulator.drop_bindings()
        elif trouble == "hang":
            at.fail(FaultKind.DROP, "reply/ping", count=1)
        else:
            at.simulator.expire_tokens()
            at.simulator.cut_sockets()
        await at.until(channel, "unknown")
        at.simulator.stop(call.channels[1])
        await at.until(channel, "stopped")
        at.simulator.end(call)
        await at.until_ended(channel)
        assert at.observer.locked is None


async def test_a_socket_that_takes_no_token_needs_a_person() -> None:
    """A new one is tried once."""
    simulator = KazooSimulator(KazooOptions(users=3, bucket=None))
    make = simulator.site.sockets._make_session

    def deaf() -> Session:
        session = make()
        session._admits = lambda _token: False
        return session

    simulator.site.sockets._make_session = deaf
    async with site(simulator) as at, observing(at.source) as observer:
        await observer.until(lambda: observer.locked)
        assert at.simulator.token_requests == 3
        assert "auth" not in str(observer.locked)


@pytest.mark.parametrize("name", ["CHANNEL_CREATE", "CHANNEL_DESTROY"])
async def test_what_is_not_told_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the list; and everything is bound and read anew, for more may be missing."""
    monkeypatch.setattr(board, "GRACE_S", 0.2)
    async with live() as at:
        at.fail(FaultKind.DROP, f"call.*.{name}.*", count=2)
        call = at.simulator.begin_call(at.simulator.users[0])
        channel = call.channels[1].id
        await at.until(channel, "unknown")
        if name == "CHANNEL_DESTROY":
            at.simulator.end(call)
            await at.until_ended(channel)
        await at.observer.until(lambda: at.observer.failures)
        assert "were not told" in str(at.observer.failures[0])


async def test_an_end_that_one_list_shows_is_soon_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a second list, long before the next one is due: the event may still come.

    It is asked for again where the server is busy.
    """
    monkeypatch.setattr(board, "GRACE_S", 0.2)
    async with live(verify_interval_s=3600) as at:
        at.fail(FaultKind.DROP, "call.*.CHANNEL_DESTROY.*", count=2)
        call, channel = answered(at)
        await at.until(channel, "unknown")
        at.fail(FaultKind.STATUS, "*/channels", status=429, count=1)
        at.simulator.end(call)
        at.observer.source.look(at.key_of(call))
        await at.observer.until(lambda: len(at.observer.checkpoints) > 1)
        assert at.told(channel)[-1].state != "ended"
        at.fail(FaultKind.STATUS, "*/channels", status=429, count=1)
        await at.until_ended(channel)
        await at.observer.until(lambda: at.observer.failures)
        assert "were not told" in str(at.observer.failures[0])


async def test_a_server_that_tells_nothing_is_no_source() -> None:
    """Channels are the least."""
    async with site() as at:
        at.fail(FaultKind.REFUSE, "call.CHANNEL_DESTROY.*")
        async with observing(at.source) as observer:
            await observer.until(lambda: observer.failures)
            assert "call.CHANNEL_DESTROY.* is refused" in str(observer.failures[0])


async def test_a_crowded_server_is_left_alone() -> None:
    """Its 429 is told; nothing secret is."""
    options = KazooOptions(users=3, bucket=None, most_sockets=0)
    async with site(KazooSimulator(options)) as at, observing(at.source) as observer:
        await observer.until(lambda: observer.failures)
        error = observer.failures[0]
        assert isinstance(error, ProviderUnavailableError)
        assert "HTTP 429" in str(error)


async def test_the_month_s_documents_are_bound_anew() -> None:
    """A binding is of the month in which it was made."""
    march_s = 1_709_250_000.0  # 2024-02-29T23:40Z
    clock = [march_s]
    options = KazooOptions(users=3, bucket=None)
    simulator = KazooSimulator(options, lambda: clock[0])
    async with live(simulator=simulator):

        def months() -> set[str]:
            sockets = simulator.site.sockets.sockets
            return {
                month
                for socket in sockets
                for binding, month in socket.session.bindings.items()
                if binding == DOCUMENTS
            }

        assert months() == {"202402"}
        clock[0] += 3_000
        await simulator.until(lambda: months() == {"202403"})


async def test_without_a_blackhole_channels_are_polled() -> None:
    """Nothing is proved; what begins and ends is found."""
    async with live(websocket_url=None, poll_interval_s=0.05) as at:
        call, channel = answered(at)
        seen = await at.until(channel, "unknown")
        assert (seen.no_proof, seen.exact) == (True, False)
        at.simulator.end(call)
        await at.until_ended(channel)
        assert at.simulator.open_sockets == 0


async def test_too_many_details_are_asked_for_in_time() -> None:
    """A busy server's bucket runs out: what is missing is asked for again."""
    options = KazooOptions(users=12, bucket=15, refill_per_s=40)
    simulator = KazooSimulator(options)
    calls = [simulator.begin_call(user) for user in simulator.users]
    async with live(simulator=simulator, verify_interval_s=5) as at:
        assert len(at.observer.checkpoints[0].calls) == len(calls)
        assert 429 in [it.status for it in simulator.requests]
        assert not at.observer.failures
