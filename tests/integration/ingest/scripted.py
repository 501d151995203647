"""A platform that does what a test says, as the framework sees it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from tracker.domain.key import make_key
from tracker.domain.reading import Checkpoint, Observation, Unreadable
from tracker.domain.terms import ALL_ACTIONS, Action, CallState, RecordingState
from tracker.errors import ConfigError
from tracker.providers.base import Ask, Looks, Options, Source

Turn = Sequence[Observation | Checkpoint | Unreadable]


class ScriptedSource:
    """Shows its calls at every beginning and resync, then whatever it is told.

    Attributes:
        calls: What a full read shows now.
        begun, ended: How many observations.
        taken: How many turns were asked on from: they were stored.
        resyncs: How often one was asked for.
        followed, looked: Calls, as they were asked for.
        asked: Commands: the leg's id and the action.
        answers: What an action is answered with, other than yes.
        on_ask: Called when a command is asked, before it is answered.
    """

    def __init__(self, key: str, overdue_after_s: float = 10.0) -> None:
        self.key = key
        self.overdue_after_s = overdue_after_s
        self.answered_at_s: float | None = None
        self.calls: dict[str, Observation] = {}
        self.begun = self.ended = self.taken = self.resyncs = 0
        self.lists_calls = True
        self.looks = Looks(0.05, 1.5, 0.2)
        self.followed: list[str] = []
        self.looked: list[str] = []
        self.asked: list[tuple[str, Action]] = []
        self.answers: dict[str, Exception] = {}
        self.on_ask: Callable[[Action], None] = lambda _: None
        self._script: asyncio.Queue[Turn | Exception | None] = asyncio.Queue()

    def show(
        self,
        call: str,
        recording: RecordingState = "recording",
        state: CallState = "active",
    ) -> None:
        """Notify of a call; it is in every full read until it has ended."""
        seen = observation(call, recording, state, self.key)
        self.calls[call] = seen
        if state == "ended":
            del self.calls[call]
        self.tell([seen])

    def tell(self, turn: Turn) -> None:
        """Yield *turn* next."""
        self._script.put_nowait(turn)

    @property
    def waiting(self) -> int:
        """How many turns were not yet asked for."""
        return self._script.qsize()

    def fail(self, error: Exception) -> None:
        """End the observation with *error*."""
        self._script.put_nowait(error)

    def end(self) -> None:
        """End the observation as no source may."""
        self._script.put_nowait(None)

    def resync(self) -> None:
        self.resyncs += 1
        self.tell(self._everything())

    def follow(self, call: str) -> None:
        self.followed.append(call)

    def look(self, call: str) -> None:
        """Show the call as it is now, as a read would."""
        self.looked.append(call)
        if call in self.calls:
            self.tell([self.calls[call].but(exact=False)])

    @asynccontextmanager
    async def commanding(self, asked_at: datetime) -> AsyncIterator[Ask]:
        yield self._ask

    async def _ask(self, leg_id: str, action: Action, options: Options) -> None:
        self.asked.append((leg_id, action))
        self.on_ask(action)
        if action in self.answers:
            raise self.answers[action]

    async def observe(self) -> AsyncGenerator[Turn]:
        self.begun += 1
        turn: Turn | Exception | None = self._everything()
        try:
            while turn is not None:
                if isinstance(turn, Exception):
                    raise turn
                self.answered_at_s = asyncio.get_running_loop().time()
                yield turn
                self.taken += 1
                turn = await self._script.get()
        finally:
            self.ended += 1

    def _everything(self) -> Turn:
        shown = [c.but(exact=False) for c in self.calls.values()]
        return [*shown, Checkpoint(calls=tuple(self.calls), process="")]


class ScriptedAccount:
    """Sources that a test adds and removes.

    Attributes:
        listed: What the settings have now; None = they cannot be read.
        wrong: Where they cannot.
    """

    def __init__(self, key: str, *sources: Source) -> None:
        self.key = key
        self.listed: dict[str, Source] | None = {s.key: s for s in sources}
        self.wrong = "line 3"
        self._asked = asyncio.Event()

    async def until_asked(self, times: int) -> None:
        """Wait until the sources were asked for so many times more."""
        for _ in range(times):
            self._asked.clear()
            await self._asked.wait()

    def sources(self) -> Mapping[str, Source]:
        self._asked.set()
        if self.listed is None:
            message = f"{self.wrong} of the agents file cannot be read"
            raise ConfigError(message)
        return dict(self.listed)

    async def check(self) -> str:
        return "here"


def call_key(name: str) -> str:
    return make_key("genesys", "acme", name)


def source_key(name: str) -> str:
    return make_key("genesys", "acme", name)


def observation(
    call: str,
    recording: RecordingState | None = "recording",
    state: CallState = "active",
    agent: str = "jdoe",
) -> Observation:
    """A notification of one leg."""
    return Observation(
        call=call,
        leg_id=call,
        state=state,
        recording=recording,
        agent=agent.rpartition("/")[2],
        actions=ALL_ACTIONS,
    )
