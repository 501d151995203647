"""Agents' sessions as sources: a snapshot after every handshake, then changes."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Final

from tracker.domain.key import make_key
from tracker.domain.reading import Checkpoint, Observation, Unreadable
from tracker.domain.terms import Action
from tracker.errors import ProviderUnavailableError
from tracker.providers.base import Ask, Looks, Options, refuse_options
from tracker.providers.genesys.batch import Delivery
from tracker.providers.genesys.bayeux import Bayeux, Ended, Event, Live, Refused
from tracker.providers.genesys.client import (
    AgentSession,
    GenesysConnection,
    Operation,
)
from tracker.providers.genesys.normalise import PROVIDER, call_key, observation
from tracker.providers.genesys.settings import (
    AgentSettings,
    GenesysSettings,
    agents_of,
)
from tracker.providers.genesys.wire import CallResource, CallStateChange, parse_message
from tracker.providers.normalise import unreadable
from tracker.providers.reread import Reread
from tracker.providers.wire import Garbled

ENDED_FOR_S = 10.0
"""How long a server that wants no more requests is left alone."""

LOOKS = Looks(first_s=3.0, growth=1.5, longest_s=6.0)

OPERATIONS: Final[Mapping[Action, Operation]] = {
    "start": "StartCallRecording",
    "stop": "StopCallRecording",
    "pause": "PauseCallRecording",
    "resume": "ResumeCallRecording",
}

CONSULTED_FOR_S = 2.0
"""A call that its agent leaves so soon after a consult about it was transferred."""

Turn = list[Observation | Checkpoint | Unreadable]


class AgentSource:
    """One agent's CometD session.

    Args:
        connection: Of the account.
        agent: Whose calls it shows.
    """

    def __init__(self, connection: GenesysConnection, agent: AgentSettings) -> None:
        settings = connection.settings
        self.key = make_key(PROVIDER, settings.account, agent.id)
        self.agent = agent
        self._settings = settings
        self._session = AgentSession(connection, agent)
        self._protocol = self._new_protocol()
        self._legs: dict[str, tuple[str, Observation]] = {}
        self._number: str | None = None
        self._consulted: tuple[float, str | None] = (float("-inf"), None)
        self._poll: asyncio.Task[list[Event]] | None = None
        self._stirred: asyncio.Event | None = None
        self._is_wanted = False

    @property
    def answered_at_s(self) -> float | None:
        """When a poll was last answered well, or a read while polls are."""
        return self._session.answered_at_s

    @property
    def overdue_after_s(self) -> float:
        """As the server advises: how long a poll may be held, and 5 s more."""
        return self._protocol.overdue_after_s

    async def observe(
        self,
    ) -> AsyncGenerator[Sequence[Observation | Checkpoint | Unreadable]]:
        """See `tracker.providers.base.Source.observe`."""
        try:
            async with aclosing(self._observe()) as turns:
                async for turn in turns:
                    yield turn
        except (asyncio.CancelledError, GeneratorExit):
            self._protocol = self._new_protocol()
            raise
        finally:
            self._stirred = None
            await self._give_up_poll()

    async def _observe(self) -> AsyncGenerator[Turn]:
        self._protocol.probe()
        if not self._protocol.is_failing:
            await self._session.login()
            if self._settings.start_session:
                await self._session.start_session()
        self._stirred, self._is_wanted = asyncio.Event(), False
        while True:
            events = await self._events(self._stirred)
            if events is None:
                if turn := await self._read_again():
                    yield turn
                continue
            turn = [reading for event in events for reading in self._readings(event)]
            if turn:
                yield turn
            self._protocol.stored()
            if any(isinstance(event, Live) for event in events):
                yield await self._snapshot()
            self._raise_if_refused(events)

    def resync(self) -> None:
        """Have the agent's calls read again, beside the pending poll."""
        if self._stirred is not None:
            self._is_wanted = True
            self._stirred.set()

    @property
    def lists_calls(self) -> bool:
        """A read shows all of the agent's calls."""
        return True

    @property
    def looks(self) -> Looks:
        """Notifications come by themselves: a read only makes up for a lost one."""
        return LOOKS

    def follow(self, call: str) -> None:
        """Nothing to do."""

    def look(self, call: str) -> None:
        """Have the agent's calls read again."""
        self.resync()

    @asynccontextmanager
    async def commanding(self, asked_at: datetime) -> AsyncIterator[Ask]:
        """At once, where nothing fails: each agent has a session of its own."""
        if self._stirred is None or not self._protocol.is_live:
            message = "the agent's session is not up"
            raise ProviderUnavailableError(message, taken=False)
        await self._session.turn()
        yield self._ask

    async def _ask(self, leg_id: str, action: Action, options: Options) -> None:
        refuse_options(action, options)
        await self._session.post_operation(leg_id, OPERATIONS[action])

    async def _events(self, stirred: asyncio.Event) -> list[Event] | None:
        """What the poll brings; None = before that a read was asked for."""
        if self._poll is None:
            self._poll = asyncio.create_task(self._session.poll(self._protocol))
            self._poll.add_done_callback(lambda _: stirred.set())
        while not (self._is_wanted or self._poll.done()):
            stirred.clear()
            await stirred.wait()
        if not self._poll.done():
            return None
        poll, self._poll = self._poll, None
        return poll.result()

    async def _read_again(self) -> Turn:
        """A full read; nothing when it may be older than what the poll brought."""
        self._is_wanted = False
        turn = await self._snapshot()
        if self._poll is None or not self._poll.done():
            return turn
        self.resync()
        return []

    async def _give_up_poll(self) -> None:
        poll, self._poll = self._poll, None
        if poll is not None:
            poll.cancel()
            await asyncio.wait([poll])

    def _raise_if_refused(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Refused):
                message = f"{event.subscription} is refused: {event.error}"
                raise ProviderUnavailableError(message)
            if isinstance(event, Ended):
                self._protocol = self._new_protocol()
                message = f"the server wants no more requests: {event.error}"
                raise ProviderUnavailableError(message, retry_after_s=ENDED_FOR_S)

    def _new_protocol(self) -> Bayeux:
        return Bayeux(self._settings.subscriptions, random.random)

    def _readings(self, event: Event) -> Turn:
        message = parse_message(event.data) if isinstance(event, Delivery) else event
        if isinstance(message, Garbled):
            return [unreadable(message)]
        if isinstance(message, CallStateChange):
            self._number = message.phone_number or self._number
            return self._seen(message.call)
        return []

    def _seen(self, call: CallResource, age_s: float | None = None) -> Turn:
        """The leg's claim; before it, its end under another call that it was of."""
        seen = observation(
            call, self.agent, self._settings, phone_number=self._number, age_s=age_s
        )
        leg = call.conn_id or call.leg_id
        moved: Turn = []
        known, last = self._legs.get(leg, (seen.call, seen))
        if known != seen.call:
            moved.append(last.but(state="ended", age_s=0.0))
        if seen.state == "ended":
            self._legs.pop(leg, None)
            seen = self._passed_on(seen)
        else:
            self._legs[leg] = (seen.call, seen)
        return [*moved, seen]

    def _passed_on(self, ended: Observation) -> Observation:
        """*ended*, marked when the agent consulted somebody about it just now."""
        now_s = asyncio.get_running_loop().time()
        if ended.type == "consult":
            self._consulted = (now_s, ended.parent)
        fresh = now_s - self._consulted[0] < CONSULTED_FOR_S
        about = {self._consulted[1]} if fresh else set()
        about |= {seen.parent for _, seen in self._legs.values() if seen.parent}
        return ended.but(hands_over=ended.call in about)

    async def _snapshot(self) -> Turn:
        """A full read, dated to its beginning; what it does not show is over."""
        loop = asyncio.get_running_loop()
        began_at_s = loop.time()
        calls = await self._session.calls()
        age_s = loop.time() - began_at_s
        readable = [call for call in calls if isinstance(call, CallResource)]
        garbled = [unreadable(call) for call in calls if isinstance(call, Garbled)]
        shown = {call_key(self._settings, call) for call in readable}
        if garbled:
            shown |= {key for key, _ in self._legs.values()}
        self._legs = {leg: of for leg, of in self._legs.items() if of[0] in shown}
        turn: Turn = [*garbled]
        for call in readable:
            turn += self._seen(call, age_s)
        turn.append(Checkpoint(age_s=age_s, calls=tuple(sorted(shown)), process=""))
        return turn


class GenesysAccount:
    """One account: its agents' sessions over one connection.

    Args:
        connection: Open as long as the account is.
    """

    def __init__(self, connection: GenesysConnection) -> None:
        self.key = make_key(PROVIDER, connection.settings.account)
        self._connection = connection
        self._sources: dict[str, AgentSource] = {}
        settings = connection.settings
        self._agents = Reread(
            settings.agents_file, lambda: agents_of(settings, self._agents.names)
        )

    def sources(self) -> Mapping[str, AgentSource]:
        """See `tracker.providers.base.Account.sources`; the file is read on change."""
        agents = self._agents.changed()
        if agents is not None:
            self._sources = {it.key: it for it in map(self._source, agents)}
        return self._sources

    async def check(self) -> str:
        """Log the first agent in, and list its calls; change nothing."""
        agents = agents_of(self._connection.settings)
        session = AgentSession(self._connection, agents[0])
        await session.login()
        calls = await session.calls()
        return (
            f"{len(agents)} agents; {agents[0].id} logged in and shows"
            f" {len(calls)} calls"
        )

    def _source(self, agent: AgentSettings) -> AgentSource:
        made = AgentSource(self._connection, agent)
        known = self._sources.get(made.key)
        return known if known is not None and known.agent == agent else made


@asynccontextmanager
async def open_account(settings: GenesysSettings) -> AsyncIterator[GenesysAccount]:
    """The account, with its connections, while the context lasts."""
    async with GenesysConnection(settings) as connection:
        yield GenesysAccount(connection)
